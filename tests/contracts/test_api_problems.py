"""How the API refuses: problems that say where and what to do, and hold nothing of anybody's; on both kinds of
database."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text

from crm_bridge.models import customers
from crm_bridge.store import CrmStore, StoreAway
from hotline.api.app import make_api
from hotline.api.envelope import LARGEST_BODY, WholeBody
from hotline.sip.ports import free_tcp_port
from tests.contracts.asking import Api


@pytest.mark.parametrize(
    ("body", "where", "hint"),
    [
        ({}, "body.name", "add it"),
        ({"name": "x", "colour": "red"}, "body.colour", "leave it out"),
        ({"name": 7}, "body.name", "form"),
        ({"name": ""}, "body.name", "form"),
        ({"name": "a\0b"}, "body.name", "form"),
        ({"name": "a\u202eb"}, "body.name", "form"),
        ({"name": "x" * 121}, "body.name", "form"),
        ({"name": "x", "phones": "13800138000"}, "body.phones", "form"),
        ({"name": "x", "phones": [1]}, "body.phones.0", "form"),
        ({"name": "x", "number": "a b"}, "body.number", "form"),
        ({"name": "x", "email": "no mail"}, "body.email", "form"),
        ({"name": "x", "stage": "loyal"}, "body.stage", "leave it out"),
        ([], "body", ""),
        (None, "body", ""),
        ("x", "body", ""),
    ],
)
async def test_a_body_at_fault_is_told_where_and_what_to_do(api: Api, body: Any, where: str, hint: str) -> None:
    problem = await api.post("/v1/customers", body, 422)
    assert (problem["where"], hint in problem["what_to_do"]) == (where, True)
    assert problem["errors"][0]["where"] == where
    assert await api.rows(customers) == []


async def test_all_that_is_at_fault_is_told_at_once(api: Api) -> None:
    problem = await api.post("/v1/customers", {"name": "", "tier": "a b", "x": 1}, 422)
    assert {one["where"] for one in problem["errors"]} == {"body.name", "body.tier", "body.x"}


@pytest.mark.parametrize(
    "body", [b"", b"{bad", b"\xff\xfe", b'{"name": "\\ud800"}', b'{"\\ud800": 1}', b"[" * 100_000, b"1" * 5000, b"NaN"]
)
async def test_what_is_no_json_is_refused_and_never_a_fault(api: Api, body: bytes) -> None:
    answer = await api.client.post("/v1/customers", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "day", ["2026-02-30", "26-01-01", "2026-11-24T00:00:00Z", 20261124, "1899-12-31", "9999-12-31", ""]
)
async def test_what_is_no_day_is_refused(api: Api, day: Any) -> None:
    order = {"customer_id": await api.customer(), "amount": "5", "placed_on": day}
    assert (await api.post("/v1/orders", order, 422))["where"] == "body.placed_on"


@pytest.mark.parametrize(
    "at", ["2026-11-24", "2026-11-24T12:00", "2026-11-24T25:00:00Z", 1764000000, "0001-01-01T00:00:00+23:59"]
)
async def test_what_is_no_instant_is_refused(api: Api, at: Any) -> None:
    said = {"customer_id": await api.customer(), "at": at}
    assert (await api.post("/v1/appointments", said, 422))["where"] == "body.at"


@pytest.mark.parametrize("id_", ["0", "-1", "x", "2147483648", "1e3", "99999999999999999999"])
async def test_what_is_no_id_is_refused(api: Api, id_: str) -> None:
    assert (await api.get(f"/v1/customers/{id_}", 422))["where"] == "path.id"


@pytest.mark.parametrize("path", ["/v1/orders/%00", "/v1/orders/a%20b", "/v1/calls/%FF", "/v1/media-costs/%2e%2e"])
async def test_an_address_at_fault_is_refused(api: Api, path: str) -> None:
    await api.get(path, 422)


async def test_what_is_not_there_is_404_and_a_wrong_method_405(api: Api) -> None:
    assert (await api.get("/v1/nothing", 404))["what_to_do"]
    await api.get("/v1/customers/", 404)  # and no way to an address that somebody else names in Host
    answer = await api.client.delete("/v1/customers")
    assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/problem+json")
    assert answer.headers["Allow"]


async def test_a_body_has_an_end(api: Api) -> None:
    large = b'{"name": "' + b"x" * LARGEST_BODY + b'"}'
    headers = {"Content-Type": "application/json"}
    answer = await api.client.post("/v1/customers", content=large, headers=headers)
    assert (answer.status_code, answer.json()["where"]) == (413, "body")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    answer = await api.client.post("/v1/customers", content=pieces(), headers=headers)  # that does not say how long
    assert answer.status_code == 413
    fits = b'{"name": "x", "tier": "' + b"x" * (LARGEST_BODY - 25) + b'"}'
    assert len(fits) == LARGEST_BODY
    assert (await api.client.post("/v1/customers", content=fits, headers=headers)).status_code == 422


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": [], "path": "/"}
    await WholeBody(never, within_s=0.01)(scope, never, send)
    assert sent[0]["status"] == 408


async def test_a_store_that_is_away_is_503_and_says_when_to_come_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Any) -> Any:
        raise StoreAway("OperationalError: server at 10.1.2.3 is gone")

    with monkeypatch.context() as patched:
        patched.setattr(api.store, "read", away)
        answer = await api.client.get("/v1/customers")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "10.1.2.3" not in answer.text
    with monkeypatch.context() as patched:
        patched.setattr(api.store, "write", away)
        answer = await api.client.post("/v1/customers", json={"name": "x"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        await api.settled()
    await api.post("/v1/customers", {"name": "x"})


async def test_a_server_that_is_not_there_is_503() -> None:
    """A real one: nobody listens at that port."""
    store = CrmStore(f"postgresql+psycopg://hotline@127.0.0.1:{free_tcp_port()}/crm")
    transport = httpx.ASGITransport(make_api(store, lambda: 0.0), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.get("/v1/customers", headers={"Authorization": "Bearer hl_x"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["what_to_do"] == "ask again after 5 s; nothing was changed"
    assert "127.0.0.1" not in answer.text
    await store.close()


async def test_a_store_that_somebody_else_holds_can_be_read_and_not_changed(
    sqlite_store: CrmStore, tmp_path: Path
) -> None:
    api = Api(sqlite_store)
    await api.start()
    await api.get("/v1/customers")
    await api.settled()
    with contextlib.closing(sqlite3.connect(tmp_path / "crm.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        await api.get("/v1/customers")
        answer = await api.client.post("/v1/customers", json={"name": "x"}, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        other.rollback()
    assert await api.rows(customers) == []
    await api.post("/v1/customers", {"name": "x"}, key="k")  # the same key: nothing was kept of the first
    await api.close()


async def test_a_database_without_tables_is_503(empty_url: str) -> None:
    store = CrmStore(empty_url)
    transport = httpx.ASGITransport(make_api(store, lambda: 0.0), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.get("/v1/customers", headers={"Authorization": "Bearer hl_x"})
    assert answer.status_code == 503
    await store.close()


@pytest.mark.parametrize("fault", [RuntimeError, ValueError, TypeError, KeyError, AssertionError])
async def test_a_fault_of_ours_is_told_without_a_word_of_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: type[Exception]
) -> None:
    """Also one that the store would take for a value that it cannot have."""
    from crm_bridge.editing import customers as editing

    def fail(*_: Any) -> None:
        raise fault("SELECT 13800138000")

    monkeypatch.setattr(editing, "make_customer", fail)
    with caplog.at_level(logging.INFO):
        problem = await api.post("/v1/customers", {"name": "x"}, 500)
    assert "13800138000" not in str(problem)
    told = [record for record in caplog.records if record.name.startswith("hotline.api")]
    assert any(fault.__name__ in record.getMessage() and "test_api_problems" in record.getMessage() for record in told)
    assert not any("13800138000" in f"{record.getMessage()} {record.exc_info}" for record in caplog.records)


async def test_what_the_store_refuses_is_422_without_its_words(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from crm_bridge.editing import customers as editing

    def broken(connection: Connection, *_: Any) -> int:
        row = "INSERT INTO customer_numbers (e164, customer_id) VALUES ('+8613800138000', 4711)"
        connection.execute(text(row))
        return 4711

    monkeypatch.setattr(editing, "make_customer", broken)
    with caplog.at_level(logging.INFO):
        answer = await api.client.post("/v1/customers", json={"name": "x"})
    assert answer.status_code in (404, 422)  # SQLite minds the key at the end only
    assert "INSERT" not in answer.text
    told = [record for record in caplog.records if record.name.startswith(("hotline", "crm_bridge"))]
    assert not any("13800138000" in record.getMessage() for record in told)


async def test_no_web_page_may_ask_unless_it_is_named(api: Api) -> None:
    asked = {"Origin": "https://crm.example.com", "Access-Control-Request-Method": "GET"}
    answer = await api.client_of("").options("/v1/customers", headers=asked)
    assert answer.status_code == 401
    assert not any(name.lower().startswith("access-control") for name in answer.headers)
    named = make_api(api.store, api.clock, origins=("https://crm.example.com",))
    answer = await api.client_of("", app=named).options("/v1/customers", headers=asked)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "https://crm.example.com")
    answer = await api.client_of("", app=named).get("/v1/customers", headers={"Origin": "https://crm.example.com"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, "https://crm.example.com")
    answer = await api.client_of("", app=named).get("/v1/customers", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
