"""The same request twice is one change and one answer: idempotency keys, on both kinds of database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from crm_bridge.answered import KEPT, Answered, answered, fingerprint, keep, sweep
from crm_bridge.models import api_requests, api_tokens, customers, interactions, leads, orders
from crm_bridge.store import CrmStore
from tests.contracts.asking import NOON, Api

FORM = {"name": "Wang Fang"}


async def test_the_same_key_and_body_is_the_same_answer_and_one_change(api: Api) -> None:
    first = await api.client.post("/v1/customers", json=FORM, headers={"Idempotency-Key": "k1"})
    again = await api.client.post("/v1/customers", json=FORM, headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.content, again.headers["Content-Type"]) == (201, first.content, "application/json")
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert len(await api.rows(customers)) == 1
    await api.post("/v1/customers", FORM, key="k2")
    await api.post("/v1/customers", FORM)
    assert len(await api.rows(customers)) == 3


async def test_the_answer_is_the_one_that_was_given_then(api: Api) -> None:
    made = await api.post("/v1/customers", FORM, key="k1")
    await api.patch(f"/v1/customers/{made['id']}", {"name": "Li Na"})
    assert await api.post("/v1/customers", FORM, key="k1") == made


async def test_spaces_and_order_make_no_other_body(api: Api) -> None:
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    for body in (b'{"name":"x","tier":"gold"}', b'{ "tier" : "gold",\n "name": "x" }'):
        assert (await api.client.post("/v1/customers", content=body, headers=headers)).status_code == 201
    assert len(await api.rows(customers)) == 1


async def test_a_key_of_another_request_is_refused(api: Api) -> None:
    id_ = (await api.post("/v1/customers", FORM, key="k1"))["id"]
    problem = await api.post("/v1/customers", {"name": "Li Na"}, 422, key="k1")
    assert problem["where"] == "header.Idempotency-Key"
    note = {"kind": "note", "text": "x"}
    await api.post(f"/v1/customers/{id_}/interactions", note, 422, key="k1")  # the same body elsewhere is another too
    assert await api.rows(interactions) == []


async def test_a_key_is_its_tokens_own(api: Api) -> None:
    await api.post("/v1/customers", FORM, key="k1")
    other = api.client_of(await api.new_token("other", ["*:write"]))
    answer = await other.post("/v1/customers", json={"name": "Li"}, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 201
    assert len(await api.rows(customers)) == 2


async def test_what_was_refused_may_be_tried_again(api: Api) -> None:
    order = {"customer_id": 1, "amount": "5"}
    await api.post("/v1/orders", order, 422, key="k1")
    assert await api.rows(api_requests) == []
    await api.customer()
    await api.post("/v1/orders", order, 201, key="k1")


async def test_after_a_crash_between_commit_and_answer_the_answer_is_there(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is on disk, and its asker has heard nothing; then another process answers."""
    write = api.store.write

    async def crash(job: Callable[[Connection], Any]) -> Any:
        await write(job)
        raise RuntimeError("killed")

    id_ = await api.customer()
    await api.get("/v1/customers")
    await api.settled()
    with monkeypatch.context() as crashing:
        crashing.setattr(api.store, "write", crash)
        await api.post("/v1/orders", {"customer_id": id_, "amount": "5"}, 500, key="k1")
    [order] = await api.rows(orders)
    from hotline.api.app import make_api

    other = api.client_of(api.token, app=make_api(api.store, api.clock))
    again = await other.post("/v1/orders", json={"customer_id": id_, "amount": "5"}, headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()["number"]) == (201, order["number"])
    assert len(await api.rows(orders)) == 1


async def test_after_a_crash_before_the_commit_nothing_is_there(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from hotline.api import desk

    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as crashing:
        crashing.setattr(desk, "keep", crash)
        await api.post("/v1/customers", FORM, 500, key="k1")
    assert await api.rows(customers) == []
    await api.post("/v1/customers", FORM, key="k1")
    assert len(await api.rows(customers)) == 1


@pytest.mark.parametrize("at_once", [2, 10])
async def test_two_at_once_are_one_change(api: Api, crm_url: str, at_once: int) -> None:
    """Half of them ask another process, with connections of its own."""
    from hotline.api.app import make_api

    store = CrmStore(crm_url, busy_s=20)
    clients = [api.client, api.client_of(api.token, app=make_api(store, api.clock))]

    async def ask(nr: int) -> Any:
        headers = {"Idempotency-Key": "k1"}
        return await clients[nr % 2].post("/v1/customers", json=FORM, headers=headers)

    answers = await asyncio.gather(*(ask(nr) for nr in range(at_once)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(await api.rows(customers)) == 1
    await store.close()


async def test_every_post_takes_a_key(api: Api) -> None:
    """The routes that only move something on are asked twice as well: the second time would else be refused."""
    for operations in api.app.openapi()["paths"].values():
        if "post" in operations:
            names = {one["name"] for one in operations["post"]["parameters"]}
            assert "Idempotency-Key" in names
    await api.put("/v1/dealers/301", {"name": "x"})
    lead = await api.post("/v1/leads", {"ref": "w", "customer_id": await api.customer()})
    for act, body in (("assign", {"dealer": "301"}), ("accept", None), ("close", {"won": True})):
        first = await api.post(f"/v1/leads/{lead['id']}/{act}", body, 200, key=act)
        assert await api.post(f"/v1/leads/{lead['id']}/{act}", body, 200, key=act) == first
    assert [row["handings"] for row in await api.rows(leads)] == [1]


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "ü"])
async def test_what_is_no_key_is_refused(api: Api, key: str) -> None:
    answer = await api.client.post("/v1/customers", json=FORM, headers={"Idempotency-Key": key.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 422
    assert answer.json()["where"] == "header.Idempotency-Key"


async def test_an_answer_is_kept_for_a_day(api: Api) -> None:
    await api.post("/v1/customers", FORM, key="k1")
    api.clock.now += KEPT.total_seconds() - 1
    await api.post("/v1/customers", FORM, key="k1")
    assert len(await api.rows(customers)) == 1
    api.clock.now += 1
    await api.post("/v1/customers", {"name": "Li"}, key="k1")  # and then it is another's
    assert len(await api.rows(customers)) == 2
    await api.post("/v1/customers", {"name": "Li"}, key="k1")
    assert len(await api.rows(customers)) == 2


async def test_old_answers_are_swept(api: Api) -> None:
    [token] = [row["id"] for row in await api.rows(api_tokens)]

    def fill(connection: Connection) -> None:
        for nr in range(1500):
            keep(connection, token, f"old{nr}", Answered("f", 201, "{}"), NOON - KEPT)
        keep(connection, token, "new", Answered("f", 201, "{}"), NOON - KEPT + timedelta(seconds=1))

    await api.store.write(fill)
    swept = [await api.store.write(partial(sweep, now=NOON)) for _ in range(3)]
    assert swept == [1000, 500, 0]
    assert [row["key"] for row in await api.rows(api_requests)] == ["new"]
    assert await api.store.read(lambda connection: answered(connection, token, "new", NOON)) is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b'{"a":1,"b":2}', b'{"b": 2, "a": 1}', True),
        (b'{"a":1}', b'{"a":2}', False),
        (b"", b"", True),
        (b"{", b"{ ", False),
        (b"[" * 100_000, b"[" * 99_999, False),
        (b"\xff", b"\xfe", False),
    ],
)
def test_a_fingerprint_is_of_what_is_asked(one: bytes, other: bytes, same: bool) -> None:
    told = [fingerprint("POST", "/v1/x", "", body) for body in (one, other)]
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in told)
    assert (told[0] == told[1]) is same
    assert fingerprint("POST", "/v1/y", "", one) != told[0]
