"""Pages that stay what they are while rows come in, on both kinds of database."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.contracts.asking import Api
from tests.contracts.test_api_people import ring

LISTS = [
    "customers",
    "calls",
    "leads",
    "orders",
    "quotes",
    "appointments",
    "promises",
    "tickets",
    "dealers",
    "households",
    "companies",
    "media-sources",
    "campaigns",
    "media-costs",
    "do-not-call",
]


async def walk(api: Api, path: str, limit: int, between: Any = None, **filters: Any) -> list[Any]:
    """All rows, page by page, each by the Link of the one before; ``between``: what happens between two pages."""
    found: list[Any] = []
    answer = await api.client.get(path, params={"limit": limit, **filters})
    while True:
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            assert "Link" not in answer.headers
            return found
        address, _, rel = answer.headers["Link"].partition(">")
        assert rel == '; rel="next"'
        assert page["next"] in address
        if between is not None:
            await between()
        answer = await api.client.get(address.removeprefix("<"))


async def test_a_walk_sees_each_row_once_however_wide_its_pages(api: Api) -> None:
    made = [await api.customer(f"Customer {nr}") for nr in range(7)]
    for limit in (1, 2, 3, 6, 7, 8, 500):
        assert [row["id"] for row in await walk(api, "/v1/customers", limit)] == made


async def test_rows_that_come_in_meanwhile_move_nothing(api: Api) -> None:
    """By offset, each new order would push one that was seen already onto the next page."""
    id_ = await api.customer()
    days = ["2026-11-20"] * 4 + ["2026-11-21"] * 4
    first = [
        (await api.post("/v1/orders", {"customer_id": id_, "amount": "1", "placed_on": day}))["number"] for day in days
    ]
    new: list[str] = []

    async def more() -> None:
        for day in ("2026-11-24", "2026-11-21", "2026-11-01"):
            order = await api.post("/v1/orders", {"customer_id": id_, "amount": "2", "placed_on": day})
            new.append(order["number"])

    walked = await walk(api, "/v1/orders", 3, more)
    numbers = [row["number"] for row in walked]
    assert len(numbers) == len(set(numbers))
    assert set(first) <= set(numbers)
    order = [(row["placed_on"], row["number"]) for row in walked]
    assert order == sorted(order, reverse=True)
    assert any(row["number"] in new for row in walked)  # what comes in behind us is met


async def test_filters_hold_on_every_page(api: Api) -> None:
    for nr in range(6):
        await api.customer(tier="gold" if nr % 2 else "silver")
    walked = await walk(api, "/v1/customers", 1, tier="gold")
    assert [row["tier"] for row in walked] == ["gold"] * 3


async def test_calls_of_one_instant_are_all_seen(api: Api) -> None:
    for nr in range(5):
        await ring(api, f"c{nr}", at_s=0.123456)
    assert [row["call_id"] for row in await walk(api, "/v1/calls", 2)] == ["c4", "c3", "c2", "c1", "c0"]


async def test_a_cursor_belongs_to_its_list_and_its_filters(api: Api) -> None:
    for nr in range(3):
        await api.customer(tier="gold", number=str(nr))
        await api.put(f"/v1/households/h{nr}", {"name": "x"})
    cursor = (await api.get("/v1/customers", limit=1, tier="gold"))["next"]
    await api.get("/v1/customers", limit=2, tier="gold", cursor=cursor)  # another limit is allowed
    for filters in ({}, {"tier": "silver"}, {"tier": "gold", "stage": "loyal"}):
        assert (await api.get("/v1/customers", 422, cursor=cursor, **filters))["where"] == "query.cursor"
    assert (await api.get("/v1/households", 422, cursor=cursor))["where"] == "query.cursor"


def _told(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize("name", LISTS)
async def test_a_garbled_cursor_is_refused_and_never_a_fault(api: Api, name: str) -> None:
    garbled = [
        "x",
        "!",
        "%00",
        "é",
        "=",
        "e30",
        "bnVsbA",
        "W10",
        _told("x"),
        _told(["x"]),
        _told({}),
        "A" * 600,
        "[" * 500,
    ]
    for cursor in garbled:
        assert (await api.get(f"/v1/{name}", 422, cursor=cursor))["where"] == "query.cursor", cursor


@pytest.mark.parametrize(
    "values",
    [
        [],
        [None],
        [True],
        [1.5],
        ["1"],
        [-1],
        [2**64],
        [[1]],
        [1, 2],
        [{}],
    ],
)
async def test_a_cursor_with_a_place_that_is_none_is_refused(api: Api, values: list[Any]) -> None:
    """As somebody would make it who has understood how one is made."""
    await api.customer()
    await api.customer()
    name, place = json.loads(base64.urlsafe_b64decode((await api.get("/v1/customers", limit=1))["next"] + "=="))
    assert place == 1
    assert (await api.get("/v1/customers", 422, cursor=_told(name, *values)))["where"] == "query.cursor"
    await api.get("/v1/customers", cursor=_told(name, 2**31 - 1))


@pytest.mark.parametrize("values", [["x", 1], ["2026-11-24T00:00:00", 1], [1, 1], ["2026-11-24T00:00:00Z", "\0"]])
async def test_a_place_in_time_is_checked_too(api: Api, values: list[Any]) -> None:
    for nr in range(2):
        await api.post("/v1/leads", {"ref": f"w{nr}", "customer_id": await api.customer()})
    name = json.loads(base64.urlsafe_b64decode((await api.get("/v1/leads", limit=1))["next"] + "=="))[0]
    assert (await api.get("/v1/leads", 422, cursor=_told(name, *values)))["where"] == "query.cursor"


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "1.5", ""])
async def test_a_limit_is_from_1_to_500(api: Api, limit: str) -> None:
    assert (await api.get("/v1/customers", 422, limit=limit))["where"] == "query.limit"


async def test_every_list_has_pages(api: Api) -> None:
    asked = {
        path.removeprefix("/v1/"): {one["name"] for one in operations["get"].get("parameters", ())}
        for path, operations in api.app.openapi()["paths"].items()
        if "get" in operations
    }
    found = {path for path, names in asked.items() if {"limit", "cursor"} <= names}
    assert found == {*LISTS, "customers/{id}/timeline", "customers/{id}/consents"}
