"""What /openapi.json promises, held against what the API does: schemathesis asks each route things that fit its schema
and things that do not, over a socket, on both kinds of database. The same questions each time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
import uvicorn
import uvloop
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from crm_bridge.rules import CrmRules
from crm_bridge.store import CrmStore
from hotline.api.app import make_api
from tests.contracts.asking import AGENTS, Api, Clock

EXAMPLES = 5  # of each route and each kind
_ASKED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# Of some routes there is nothing wrong to be said.
_NOTHING_WRONG = {
    GenerationMode.POSITIVE: (),
    GenerationMode.NEGATIVE: (schemathesis.errors.SchemathesisError, Unsatisfiable),
}
_THERE = {
    "id": 1,
    "code": "301",
    "number": "A1",
    "ref": "r1",
    "e164": "+8613800138000",
    "call_id": "c1",
    "item": "promise-1",
}

_NAMED = {"customer_id": 1, "dealer": "301", "order_number": "A1", "me": "1001", "to": "1002"}


class Served:
    """The API at a port, in a thread with a loop of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.token = ""
        self.schema: dict[str, Any] = {}
        self._ready = threading.Event()
        self._server: uvicorn.Server
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)

    def _run(self) -> None:
        """On the loop that the API's process has: asyncio's own would hold each body back for 40 ms (Nagle)."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        store = CrmStore(self._url, rules=CrmRules(sla_s={"repair": 3600.0}), busy_s=20)
        await self._furnish(store)
        app = make_api(store, Clock(), agents=AGENTS)
        self.schema = app.openapi()
        self._server = uvicorn.Server(uvicorn.Config(app, http="h11", ws="none", log_config=None, access_log=False))
        self._ready.set()
        await self._server.serve(sockets=[self._door])
        await store.close()

    async def _furnish(self, store: CrmStore) -> None:
        """Something is there of each noun, so that not all is 404."""
        api = Api(store)
        await api.start()
        id_ = await api.customer(phones=["13800138000"], number="A1")
        assert id_ == 1
        await api.put("/v1/dealers/301", {"name": "x", "region": "east"})
        await api.post("/v1/leads", {"ref": "r1", "customer_id": 1})
        await api.post("/v1/orders", {"customer_id": 1, "number": "A1", "amount": "5"})
        await api.post("/v1/quotes", {"customer_id": 1, "number": "A1", "amount": "5"})
        await api.post("/v1/appointments", {"customer_id": 1, "at": "2026-12-01T10:00:00+08:00"})
        await api.post("/v1/promises", {"customer_id": 1, "text": "x", "due_on": "2026-12-01"})
        self.token = api.token
        await api.close()


@pytest.fixture
def served(crm_url: str) -> Iterator[Served]:
    with Served(crm_url) as api:
        yield api


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_route_does_what_its_schema_says(served: Served, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(served.schema)
    codes: dict[int, int] = {}
    asked = 0
    with requests.Session() as session:
        for found in schema.get_all_operations():
            operation = found.ok()

            @_ASKED
            @given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
            def ask(case: Case, there: bool) -> None:
                nonlocal asked
                if there:
                    _aim(case)
                case.headers.pop("Authorization", None)  # it makes up tokens, too
                answer = case.call(base_url=served.address, session=session, headers=_bearer(served.token))
                case.validate_response(answer, checks=_CHECKS)
                assert answer.headers["cache-control"] == ["no-store"]
                codes[answer.status_code] = codes.get(answer.status_code, 0) + 1
                asked += 1

            with contextlib.suppress(*_NOTHING_WRONG[mode]):
                ask()
    assert asked > 300
    assert not any(code >= 500 for code in codes), codes
    if mode is GenerationMode.POSITIVE:
        assert codes.get(200, 0) > 50, codes
        assert codes.get(201, 0) > 10, codes


def _aim(case: Case) -> None:
    """At what is there."""
    for name, value in _THERE.items():
        if name in (case.path_parameters or {}):
            case.path_parameters[name] = value
    if isinstance(case.body, dict):
        for name, value in _NAMED.items():
            if name in case.body:
                case.body[name] = value


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
