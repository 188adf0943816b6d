"""The REST API of a store, asked without a socket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import Table, select

from crm_bridge.editing.act import Act
from crm_bridge.store import CrmStore
from crm_bridge.tokens import draw_token, make_token
from hotline.api.app import make_api

NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)  # 12:00 in Shanghai

AGENTS = ("1001", "1002")


class Clock:
    """Unix seconds, at noon until somebody moves it."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()

    def __call__(self) -> float:
        return self.now


class Api:
    """``client``: has the scopes that `start` was given."""

    def __init__(self, store: CrmStore) -> None:
        self.store, self.clock = store, Clock()
        self.app: FastAPI = make_api(store, self.clock, agents=AGENTS)
        self.token = ""
        self.client: httpx.AsyncClient

    async def start(self, *scopes: str) -> None:
        self.token = await self.new_token("shop", scopes or ("*:read", "*:write"))
        self.client = self.client_of(self.token)

    async def new_token(self, name: str, scopes: Sequence[str]) -> str:
        token = draw_token()
        work = partial(make_token, act=Act("cli:anna", NOON), name=name, token=token, scopes=scopes)
        await self.store.write(work)
        return token

    def client_of(self, token: str, address: str = "192.0.2.1", app: FastAPI | None = None) -> httpx.AsyncClient:
        """Faults of ours are told as 500, as over a socket."""
        transport = httpx.ASGITransport(app or self.app, raise_app_exceptions=False, client=(address, 5000))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers)

    async def settled(self) -> None:
        await self.app.state.door.settled()

    async def close(self) -> None:
        await self.settled()
        await self.client.aclose()

    async def get(self, path: str, status: int = 200, /, **params: Any) -> Any:
        return _told(await self.client.get(path, params=params or None), status)

    async def post(self, path: str, body: Any = None, status: int = 201, key: str = "") -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return _told(await self.client.post(path, json=body, headers=headers), status)

    async def put(self, path: str, body: Any, status: int = 201) -> Any:
        return _told(await self.client.put(path, json=body), status)

    async def patch(self, path: str, body: Any, status: int = 200) -> Any:
        return _told(await self.client.patch(path, json=body), status)

    async def delete(self, path: str, status: int = 204) -> Any:
        return _told(await self.client.delete(path), status)

    async def customer(self, name: str = "Wang Fang", **said: Any) -> int:
        return int((await self.post("/v1/customers", {"name": name, **said}))["id"])

    async def rows(self, table: Table) -> list[dict[str, Any]]:
        query = select(table).order_by(*table.primary_key)
        return await self.store.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


def _told(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert problem["title"]
        assert problem["detail"]
        return problem
    return answer.json() if answer.content else None
