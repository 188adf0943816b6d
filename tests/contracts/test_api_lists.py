"""The work lists over the REST API, worked off with the functions of the terminal, on both kinds of database."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

import pytest

from crm_bridge.entry import Entry, Logged
from crm_bridge.models import changes, promises, tickets, work_items
from crm_bridge.work_lists.lines import Wanted
from crm_bridge.work_lists.registry import LISTS, ListName
from hotline.commands.listing import _COLUMNS
from tests.contracts.asking import NOON, Api
from tests.contracts.conftest import API_RULES
from tests.contracts.test_api_people import PHONE

STRANGER = "+8613900139000"
ITEMS = "/v1/lists/items"


@pytest.fixture
async def house(api: Api) -> Api:
    """One line on each list, and on that of the missed two, of which one is nobody's that we know."""
    id_ = await api.customer("王芳", number="80001", phones=[PHONE], tier="gold")
    await _rings(api)
    await api.put("/v1/dealers/301", {"name": "华东", "region": "east"})
    await api.post("/v1/leads", {"ref": "w1", "customer_id": id_, "product": "nb14"})
    await api.post("/v1/promises", {"customer_id": id_, "text": "call her", "due_on": "2026-11-23", "keeper": "1001"})
    await api.post("/v1/promises", {"customer_id": id_, "text": "later", "due_on": "2026-11-30"})
    await api.post("/v1/orders", {"customer_id": id_, "number": "A1", "amount": "5"})
    await api.put("/v1/shipments/S1", {"order_number": "A1", "carrier": "SF", "status": "delivered"})
    await api.post("/v1/tickets", {"customer_id": id_, "category": "repair", "text": "broken"})
    await api.post("/v1/appointments", {"customer_id": id_, "at": "2026-12-01T10:00:00+08:00", "place": "杭州"})
    return api


async def _rings(api: Api) -> None:
    """Yesterday."""
    at = NOON.timestamp() - 86_400
    lost = {"outcome": "abandoned_queue", "queue": "sales", "waited_s": 30.0}
    left = {"recording": "c3-1", "box": "sales", "language": "mandarin", "seconds": 8.5}
    entries = [
        *(Entry(f"c{nr}", "call_started", at, {"dnis": "4008001001", "ani": ani}) for nr, ani in enumerate(_CALLERS)),
        Entry("c0", "outcome", at + 60, lost),
        Entry("c1", "outcome", at + 90, lost),
        Entry("c2", "callback", at + 30, {"number": PHONE, "queue": "sales"}),
        Entry("c3", "voicemail", at + 30, left),
        Entry("c4", "survey", at + 30, {"service": 1}),
        Entry("c5", "outcome", at + 90, lost),
    ]
    await api.store.apply([Logged(100 + nr, entry) for nr, entry in enumerate(entries)])


_CALLERS = (PHONE, STRANGER, PHONE, PHONE, PHONE, "anonymous")


async def the_item(api: Api, name: str) -> str:
    [line, *_] = (await api.get(f"/v1/lists/{name}"))["items"]
    return str(line["item"])


async def act(api: Api, item: str, what: str, body: Any = None, status: int = 200, key: str = "") -> Any:
    return await api.post(f"{ITEMS}/{item.replace('+', '%2B')}/{what}", body, status, key)


# ---- to read


async def test_the_api_and_the_terminal_have_the_same_lists(api: Api) -> None:
    told = (await api.get("/v1/lists"))["items"]
    assert [one["name"] for one in told] == [*LISTS] == [*ListName] == [*_COLUMNS]
    assert len(told) == 9
    for name, columns in _COLUMNS.items():  # and each column of the table is one of the line's
        assert set(columns) <= {field.name for field in fields(LISTS[name].line)}
    assert (await api.get("/v1/lists/nothing", 404))["what_to_do"]


@pytest.mark.parametrize("name", [*ListName])
async def test_an_empty_list_is_empty(api: Api, name: str) -> None:
    assert await api.get(f"/v1/lists/{name}") == {"name": name, "items": [], "more": False, "unlisted": 0}


@pytest.mark.parametrize("name", [*ListName])
async def test_a_list_is_told_line_by_line_as_the_store_has_it(house: Api, name: ListName) -> None:
    lines = LISTS[name].lines
    mine = await house.store.read(lambda connection: lines(connection, Wanted(NOON, API_RULES.zone)))
    told = (await house.get(f"/v1/lists/{name}"))["items"]
    assert told
    assert [{**asdict(line)}.keys() for line in mine] == [line.keys() for line in told]
    plain = ("item", "taken_by", "name", "customer", "tier", "number", "customer_id")
    assert [[getattr(line, key) for key in plain] for line in mine] == [[one[key] for key in plain] for one in told]


async def test_what_a_line_tells(house: Api) -> None:
    [promise] = (await house.get("/v1/lists/promises"))["items"]
    assert (promise["standing"], promise["due_on"], promise["tier"]) == ("broken", "2026-11-23", "gold")
    [delivery] = (await house.get("/v1/lists/deliveries"))["items"]
    assert (delivery["item"], delivery["delivered_on"], delivery["order"]) == ("delivery-S1", "2026-11-24", "A1")
    [ticket] = (await house.get("/v1/lists/tickets"))["items"]
    assert (ticket["due_at"], ticket["broken"]) == ("2026-11-24T05:00:00Z", False)
    [survey] = (await house.get("/v1/lists/surveys"))["items"]
    assert survey["scores"] == {"service": 1}
    [message] = (await house.get("/v1/lists/voicemails"))["items"]
    assert (message["recording"], message["seconds"], message["opened_at"]) == ("c3-1", 8.5, "2026-11-23T04:00:30Z")
    missed = await house.get("/v1/lists/missed")
    assert [(line["number"], line["times"]) for line in missed["items"]] == [(STRANGER, 1), (PHONE, 1)]
    assert missed["unlisted"] == 1


async def test_what_is_wanted_of_a_list(house: Api) -> None:
    assert len((await house.get("/v1/lists/promises", all="true"))["items"]) == 2
    assert (await house.get("/v1/lists/surveys", below=1))["items"] == []
    house.clock.now += 9 * 86_400
    assert (await house.get("/v1/lists/missed", days=9))["items"] == []
    first = await house.get("/v1/lists/missed", limit=1)
    assert (len(first["items"]), first["more"]) == (1, True)
    assert not (await house.get("/v1/lists/missed", limit=2))["more"]


@pytest.mark.parametrize(
    ("name", "asked", "where"),
    [
        ("tickets", {"days": 3}, "query.days"),
        ("missed", {"all": "true"}, "query.all"),
        ("promises", {"below": 3}, "query.below"),
        ("leads", {"cursor": "x"}, "query.cursor"),
        ("missed", {"days": 0}, "query.days"),
        ("missed", {"limit": 5001}, "query.limit"),
        ("leads", {"taken_by": "9999"}, "query.taken_by"),
        ("leads", {"taken_by": "a b"}, "query.taken_by"),
        ("leads", {"taken_by": "1001", "free": "true"}, "query.free"),
    ],
)
async def test_what_a_list_does_not_heed_is_refused(api: Api, name: str, asked: dict[str, Any], where: str) -> None:
    assert (await api.get(f"/v1/lists/{name}", 422, **asked))["where"] == where


# ---- to work off


async def test_a_line_is_taken_given_dropped_and_closed(house: Api) -> None:
    item = await the_item(house, "promises")
    taken = await act(house, item, "take", {"me": "1001"})
    assert taken == {
        "item": item,
        "taken_by": "agent:1001",
        "taken_at": "2026-11-24T04:00:00Z",
        "closed_at": None,
        "closed_by": "",
        "note": "",
    }
    assert [line["item"] for line in (await house.get("/v1/lists/promises", taken_by="1001"))["items"]] == [item]
    assert (await house.get("/v1/lists/promises", free="true"))["items"] == []
    assert (await act(house, item, "give", {"to": "1002", "me": "agent:1001"}))["taken_by"] == "agent:1002"
    assert (await act(house, item, "drop", {"me": "1002"}))["taken_by"] == ""
    assert (await act(house, item, "take"))["taken_by"] == "api:shop"  # who does not say who, is the token
    closed = await act(house, item, "close", {"note": "called her", "me": "1002"})
    assert (closed["taken_by"], closed["closed_by"], closed["note"]) == ("", "agent:1002", "called her")
    assert (await house.get("/v1/lists/promises"))["items"] == []
    assert [row["kept_at"] for row in await house.rows(promises)] == [NOON, None]
    mine = [row for row in await house.rows(changes) if row["subject"] == "work_items" or row["field"] == "kept_at"]
    assert {row["by"] for row in mine} == {"api:shop"}  # whoever it was done for
    assert len(mine) == 6


async def test_what_somebody_else_has_is_refused_unless_forced(house: Api) -> None:
    item = await the_item(house, "tickets")
    await act(house, item, "take", {"me": "1001"})
    await act(house, item, "take", {"me": "1001"})  # again is harmless
    for what, body in (("take", {}), ("give", {"to": "cli:anna"}), ("drop", {})):
        problem = await act(house, item, what, {**body, "me": "1002"}, 409)
        assert (problem["detail"], problem["where"]) == ("agent:1001 has it", "path.item")
        assert "force" in problem["what_to_do"]
    assert (await act(house, item, "take", {"me": "1002", "force": True}))["taken_by"] == "agent:1002"
    assert (await act(house, item, "drop", {"me": "1001", "force": True}))["taken_by"] == ""
    assert (await act(house, item, "drop", {"me": "1001"}, 409))["detail"] == "nobody has taken it"


@pytest.mark.parametrize("name", [name for name in ListName if name is not ListName.LEADS])
async def test_what_is_closed_is_off_its_list_and_not_closed_twice(house: Api, name: str) -> None:
    item = await the_item(house, name)
    await act(house, item, "close", {"note": "done"})
    assert item not in [line["item"] for line in (await house.get(f"/v1/lists/{name}"))["items"]]
    assert (await act(house, item, "close", None, 409))["where"] == "path.item"
    assert (await act(house, item, "take", None, 409))["where"] == "path.item"


async def test_closing_does_to_the_row_what_it_does_at_the_terminal(house: Api) -> None:
    await act(house, await the_item(house, "deliveries"), "close", {"me": "1001"})
    await act(house, await the_item(house, "tickets"), "close")
    await act(house, await the_item(house, "appointments"), "close")
    [sent] = (await house.get("/v1/orders/A1"))["shipments"]
    assert (sent["confirmed_at"], sent["confirmed_by"]) == ("2026-11-24T04:00:00Z", "agent:1001")
    assert [(row["status"], row["solved_at"]) for row in await house.rows(tickets)] == [("solved", NOON)]
    assert (await house.get("/v1/appointments"))["items"][0]["state"] == "kept"


async def test_a_lead_is_not_closed_here_and_is_told_where(house: Api) -> None:
    item = await the_item(house, "leads")
    problem = await act(house, item, "close", None, 409)
    assert f"/v1/leads/{item.removeprefix('lead-')}/close" in problem["what_to_do"]
    await act(house, item, "take", {"me": "1001"})
    await house.post(f"/v1/leads/{item.removeprefix('lead-')}/assign", {"dealer": "301"}, 200)
    assert [line["taken_by"] for line in (await house.get("/v1/lists/leads"))["items"]] == ["agent:1001"]


async def test_a_missed_caller_goes_by_number_or_customer(house: Api) -> None:
    id_ = (await house.get(f"/v1/customers/by-phone/{PHONE}"))["id"]
    assert (await act(house, "missed-13800138000", "take"))["item"] == f"missed-c{id_}"
    taken = await act(house, f"missed-{STRANGER}", "take", {"me": "1001"})
    stranger = (await house.get(f"/v1/customers/by-phone/{STRANGER}"))["id"]
    assert taken["item"] == f"missed-c{stranger}"
    problem = await act(house, f"missed-{STRANGER}", "take", {"me": "1002"}, 409)
    assert STRANGER.removeprefix("+86") not in str(problem)
    await act(house, f"missed-{STRANGER}", "close")
    assert [line["item"] for line in (await house.get("/v1/lists/missed"))["items"]] == [f"missed-c{id_}"]


async def test_of_two_who_take_it_at_once_one_has_it(house: Api) -> None:
    item = await the_item(house, "callbacks")
    answers = await asyncio.gather(
        *(house.client.post(f"{ITEMS}/{item}/take", json={"me": me}) for me in ("1001", "1002") * 3)
    )
    [row] = await house.rows(work_items)
    for nr, answer in enumerate(answers):
        had_it = row["taken_by"] == ("agent:1001", "agent:1002")[nr % 2]
        assert answer.status_code == (200 if had_it else 409), answer.text


async def test_the_same_key_closes_once_and_is_told_the_same(house: Api) -> None:
    item = await the_item(house, "voicemails")
    first = await act(house, item, "close", {"note": "x"}, 200, "k1")
    house.clock.now += 60
    assert await act(house, item, "close", {"note": "x"}, 200, "k1") == first
    assert (await act(house, item, "close", {"note": "y"}, 422, "k1"))["where"] == "header.Idempotency-Key"


@pytest.mark.parametrize(
    ("item", "body", "status", "where"),
    [
        ("promise-4711", {}, 404, "path.item"),
        ("promise-x", {}, 422, "path.item"),
        ("promise-99999999999", {}, 422, "path.item"),
        ("order-1", {}, 422, "path.item"),
        ("survey-c1", {}, 422, "path.item"),
        ("survey-c9-1", {}, 404, "path.item"),
        ("missed-123", {}, 422, "path.item"),
        ("missed-c4711", {}, 409, "path.item"),
        ("ticket-" + "9" * 64, {}, 404, "path.item"),
        ("promise", {}, 422, "path.item"),
        ("promise-1", {"me": "9999"}, 422, "body.me"),
        ("promise-1", {"me": "agent:9999"}, 422, "body.me"),
        ("promise-1", {"me": "anna"}, 422, "body.me"),
        ("promise-1", {"force": "yes"}, 422, "body.force"),
        ("promise-1", {"to": "1001"}, 422, "body.to"),
    ],
)
async def test_what_cannot_be_taken_is_told(api: Api, item: str, body: Any, status: int, where: str) -> None:
    problem = await act(api, item, "take", body, status)
    assert problem["where"] == where
    assert problem["what_to_do"]
    assert await api.rows(work_items) == []


async def test_who_may_only_read_may_not_take(house: Api) -> None:
    item = await the_item(house, "promises")
    reader = house.client_of(await house.new_token("reader", ["lists:read"]))
    assert (await reader.get("/v1/lists/promises")).status_code == 200
    assert (await reader.post(f"{ITEMS}/{item}/take")).status_code == 403
    writer = house.client_of(await house.new_token("writer", ["lists:write"]))
    assert (await writer.post(f"{ITEMS}/{item}/take")).status_code == 200
    assert (await writer.post(f"{ITEMS}/{item}/give", json={"to": "1001"})).json()["taken_by"] == "agent:1001"


async def test_a_ring_clears_the_line_that_somebody_has_taken(house: Api) -> None:
    """As at the terminal: it is the store's list, not a copy of the API's."""
    await act(house, f"missed-{STRANGER}", "take", {"me": "1001"})
    at = (NOON + timedelta(minutes=1)).timestamp()
    start, end = {"dnis": "4008001001", "ani": STRANGER}, {"outcome": "answered", "agent": "1001", "talked_s": 9.0}
    entries = [Entry("c9", "call_started", at, start), Entry("c9", "outcome", at + 60, {**end, "queue": "sales"})]
    await house.store.apply([Logged(900 + nr, entry) for nr, entry in enumerate(entries)])
    house.clock.now += 120
    numbers = [line["number"] for line in (await house.get("/v1/lists/missed"))["items"]]
    assert numbers == [PHONE]
    assert (await act(house, f"missed-{STRANGER}", "take", {"me": "1001"}, 409))["detail"] == "this is done already"
