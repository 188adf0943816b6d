"""Orders, leads, promises and all the rest over the REST API, on both kinds of database."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from crm_bridge.entry import Entry, Logged
from crm_bridge.models import changes, dealers, orders
from crm_bridge.pins import is_pin
from ivr.flow.entry import luhn
from tests.contracts.asking import NOON, Api
from tests.contracts.test_api_people import PHONE, ring

LINES = [
    {"product": "nb14", "quantity": 3, "price": "99.90", "name": "十四寸"},
    {"product": "bag", "quantity": 1, "price": "0.05", "amount": "0"},
]


async def test_an_order_is_the_sum_of_its_lines_and_money_is_text(api: Api) -> None:
    id_ = await api.customer()
    made = await api.post("/v1/orders", {"customer_id": id_, "lines": LINES, "expected_on": "2026-12-01"})
    assert luhn(made["number"])
    assert (made["amount"], made["currency"], made["placed_on"], made["channel"]) == (
        "299.70",
        "CNY",
        "2026-11-24",
        "api",
    )
    assert [(line["line"], line["price"], line["amount"]) for line in made["lines"]] == [
        (1, "99.90", "299.70"),
        (2, "0.05", "0"),
    ]
    assert [row["amount"] for row in await api.rows(orders)] == [Decimal("299.70")]
    assert await api.get(f"/v1/orders/{made['number']}") == made
    customer = await api.get(f"/v1/customers/{id_}")
    assert (customer["stage"], customer["last_order_on"]) == ("first_order", "2026-11-24")


@pytest.mark.parametrize("exact", ["0.0001", "99999999999999.9999", "90071992547409.93"])
async def test_no_cent_is_lost_on_the_way(api: Api, exact: str) -> None:
    """The last two are past what a float can hold."""
    made = await api.post("/v1/orders", {"customer_id": await api.customer(), "amount": exact})
    assert made["amount"] == exact
    assert (await api.get("/v1/orders"))["items"][0]["amount"] == exact


@pytest.mark.parametrize("amount", [1, 1.5, "1.00001", "-1", "1e3", "", "NaN", "100000000000000", None])
async def test_what_is_no_amount_is_refused(api: Api, amount: Any) -> None:
    id_ = await api.customer()
    problem = await api.post("/v1/orders", {"customer_id": id_, "amount": amount}, 422)
    assert problem["where"] == "body.amount"
    assert await api.rows(orders) == []


async def test_an_amount_that_is_not_the_sum_is_refused(api: Api) -> None:
    id_ = await api.customer()
    problem = await api.post("/v1/orders", {"customer_id": id_, "amount": "300", "lines": LINES}, 422)
    assert (problem["where"], problem["what_to_do"]) == ("body.amount", "leave the amount out, and it is worked out")
    dear = [{"product": "x", "quantity": 1_000_000, "price": "99999999999999"}]
    assert (await api.post("/v1/orders", {"customer_id": id_, "lines": dear}, 422))["where"] == "body.lines"
    assert await api.rows(orders) == []


async def test_an_orders_number_and_call_are_its_own(api: Api) -> None:
    await ring(api, "c1")
    id_ = (await api.get(f"/v1/customers/by-phone/{PHONE}"))["id"]
    order = {"customer_id": id_, "amount": "5", "number": "A-1", "call_id": "c1", "agent": "1001"}
    assert (await api.post("/v1/orders", order))["number"] == "A-1"
    assert (await api.post("/v1/orders", {**order, "call_id": ""}, 409))["where"] == "body.number"
    assert (await api.post("/v1/orders", {**order, "number": "A-2"}, 409))["where"] == "body.call_id"
    assert (await api.post("/v1/orders", {**order, "number": "A-2", "call_id": "c9"}, 422))["where"] == "body.call_id"
    assert (await api.post("/v1/orders", {"customer_id": 4711, "amount": "5"}, 422))["where"] == "body.customer_id"


async def test_a_number_of_ours_that_somebody_has_used_is_passed_over(api: Api) -> None:
    id_ = await api.customer()
    await api.post("/v1/orders", {"customer_id": id_, "amount": "5", "number": "800000010"})
    assert (await api.post("/v1/orders", {"customer_id": id_, "amount": "5"}))["number"] != "800000010"


async def test_a_cancelled_order_takes_the_stage_back(api: Api) -> None:
    id_ = await api.customer()
    number = (await api.post("/v1/orders", {"customer_id": id_, "amount": "5"}))["number"]
    assert (await api.patch(f"/v1/orders/{number}", {"status": "cancelled"}))["status"] == "cancelled"
    assert (await api.get(f"/v1/customers/{id_}"))["stage"] == "prospect"
    told = [(row["by"], row["before"], row["after"]) for row in await api.rows(changes) if row["field"] == "status"]
    assert told == [("api:shop", "placed", "cancelled")]
    await api.patch("/v1/orders/none", {"status": "paid"}, 404)
    assert (await api.patch(f"/v1/orders/{number}", {"status": "eaten"}, 422))["where"] == "body.status"
    assert (await api.patch(f"/v1/orders/{number}", {"status": None}, 422))["where"] == "body.status"
    assert (await api.patch(f"/v1/orders/{number}", {"amount": "1"}, 422))["where"] == "body.amount"


async def test_orders_are_found_by_customer_status_and_day(api: Api) -> None:
    one, two = await api.customer(), await api.customer()
    for customer, day in ((one, "2026-11-01"), (one, "2026-11-02"), (two, "2026-11-02")):
        await api.post("/v1/orders", {"customer_id": customer, "amount": "5", "placed_on": day})

    async def days(**filters: Any) -> list[str]:
        return [row["placed_on"] for row in (await api.get("/v1/orders", **filters))["items"]]

    assert await days(customer=one) == ["2026-11-02", "2026-11-01"]
    assert await days(since="2026-11-02") == ["2026-11-02", "2026-11-02"]
    assert await days(until="2026-11-02", status="placed") == ["2026-11-01"]
    assert await days(status="paid") == []


async def test_shipments_are_put_and_seen_in_their_order(api: Api) -> None:
    number = (await api.post("/v1/orders", {"customer_id": await api.customer(), "amount": "5"}))["number"]
    said = {"order_number": number, "carrier": "SF Express", "status": "in_transit", "expected_on": "2026-11-26"}
    await api.put("/v1/shipments/S1", said)
    delivered = await api.put("/v1/shipments/S1", {**said, "status": "delivered", "place": "杭州"}, 200)
    assert (delivered["delivered_on"], delivered["place"]) == ("2026-11-24", "杭州")
    api.clock.now += 86_400
    again = await api.put("/v1/shipments/S1", {**said, "status": "delivered"}, 200)
    assert again["delivered_on"] == "2026-11-24"
    assert (await api.get(f"/v1/orders/{number}"))["shipments"] == [again]
    assert await api.get("/v1/shipments/S1") == again
    assert (await api.put("/v1/shipments/S2", {**said, "order_number": "none"}, 422))["where"] == "body.order_number"
    await api.get("/v1/shipments/none", 404)


async def test_quotes_have_lines_and_become_orders(api: Api) -> None:
    id_ = await api.customer()
    quote = await api.post("/v1/quotes", {"number": "Q1", "customer_id": id_, "lines": LINES, "keeper": "1001"})
    assert (quote["amount"], quote["status"], quote["made_on"], len(quote["lines"])) == (
        "299.70",
        "draft",
        "2026-11-24",
        2,
    )
    await api.post("/v1/quotes", {"number": "Q1", "customer_id": id_, "amount": "1"}, 409)
    order = (await api.post("/v1/orders", {"customer_id": id_, "amount": "299.70"}))["number"]
    accepted = await api.patch("/v1/quotes/Q1", {"status": "accepted", "order_number": order})
    assert (accepted["status"], accepted["order_number"]) == ("accepted", order)
    assert await api.get("/v1/quotes/Q1") == accepted
    assert [row["number"] for row in (await api.get("/v1/quotes", status="accepted", customer=id_))["items"]] == ["Q1"]
    assert (await api.patch("/v1/quotes/Q1", {"order_number": "none"}, 422))["where"] == "body.order_number"
    await api.get("/v1/quotes/none", 404)


async def _dealers(api: Api, *codes: str) -> None:
    for code in codes:
        await api.put(f"/v1/dealers/{code}", {"name": f"Dealer {code}", "region": "east"})


async def test_a_lead_goes_through_the_hands_of_dealers(api: Api) -> None:
    await _dealers(api, "301", "302")
    lead = {"ref": "web-1", "customer_id": await api.customer(phones=["057187654321"]), "product": "nb14"}
    made = await api.post("/v1/leads", {**lead, "media_source": "web", "text": "wants a notebook"})
    assert (made["state"], made["region"], made["in_hands"]) == ("new", "east", [])
    path = f"/v1/leads/{made['id']}"
    assigned = await api.post(f"{path}/assign", {"dealer": "301"}, 200)
    assert (assigned["dealer"], assigned["due_at"]) == ("301", "2026-11-25T04:00:00Z")
    assert (await api.post(f"{path}/accept", None, 200))["state"] == "accepted"
    assert (await api.post(f"{path}/accept", None, 409))["what_to_do"] == "this needs one that is assigned"
    assert (await api.post(f"{path}/return", None, 200))["state"] == "new"
    await api.post(f"{path}/assign", {"dealer": "302"}, 200)
    won = await api.post(f"{path}/close", {"won": True}, 200)
    assert [(one["dealer"], one["ended_as"]) for one in won["in_hands"]] == [("301", "accepted"), ("302", "withdrawn")]
    assert won["state"] == "won"
    assert await api.get(path) == won
    assert (await api.post(f"{path}/close", {"won": False}, 409))["detail"] == "the lead is won"
    assert (await api.post(f"{path}/assign", {"dealer": "301"}, 409))["where"] == "body.state"


async def test_a_lead_is_known_by_its_ref(api: Api) -> None:
    id_ = await api.customer()
    made = await api.post("/v1/leads", {"ref": "web-1", "customer_id": id_})
    assert (await api.post("/v1/leads", {"ref": "web-1", "customer_id": id_, "text": "again"}, 200)) == made
    await api.post("/v1/leads", {"ref": "web-1", "customer_id": await api.customer()}, 409)
    assert (await api.post("/v1/leads", {"ref": "call:c1", "customer_id": id_}, 422))["where"] == "body.ref"
    assert (await api.post("/v1/leads", {"ref": "web-2", "customer_id": 4711}, 422))["where"] == "body.customer_id"
    problem = await api.post(f"/v1/leads/{made['id']}/assign", {"dealer": "none"}, 422)
    assert problem["where"] == "body.dealer"
    await api.post("/v1/leads/4711/accept", None, 404)


async def test_leads_are_found(api: Api) -> None:
    await _dealers(api, "301")
    id_ = await api.customer()
    for nr in range(3):
        api.clock.now += 60
        await api.post("/v1/leads", {"ref": f"w{nr}", "customer_id": id_, "media_source": f"s{nr}", "campaign": "c"})
    newest = (await api.get("/v1/leads"))["items"]
    assert [row["ref"] for row in newest] == ["w2", "w1", "w0"]
    await api.post(f"/v1/leads/{newest[0]['id']}/assign", {"dealer": "301"}, 200)

    async def refs(**filters: Any) -> list[str]:
        return [row["ref"] for row in (await api.get("/v1/leads", **filters))["items"]]

    assert await refs(state="assigned") == await refs(dealer="301") == await refs(source="s2") == ["w2"]
    assert await refs(since=(NOON + timedelta(seconds=120)).isoformat()) == ["w2", "w1"]
    assert await refs(campaign="c", until=(NOON + timedelta(seconds=120)).isoformat(), customer=id_) == ["w0"]


async def test_promises_are_made_kept_and_withdrawn(api: Api) -> None:
    id_ = await api.customer()
    said = {"customer_id": id_, "text": "call back", "due_on": "2026-11-30", "keeper": "1001", "ref": "p1"}
    made = await api.post("/v1/promises", said)
    assert (made["state"], made["promised_by"], made["made_at"]) == ("open", "api:shop", "2026-11-24T04:00:00Z")
    assert await api.post("/v1/promises", said, 200) == made
    kept = await api.post(f"/v1/promises/{made['id']}/keep", None, 200)
    assert kept["state"] == "kept"
    api.clock.now += 60
    assert await api.post(f"/v1/promises/{made['id']}/keep", None, 200) == kept
    assert (await api.post(f"/v1/promises/{made['id']}/withdraw", None, 409))["detail"] == "the promise has been kept"
    other = await api.post("/v1/promises", {**said, "ref": None, "due_on": "2026-11-25"})
    assert [row["id"] for row in (await api.get("/v1/promises"))["items"]] == [other["id"], made["id"]]
    assert (await api.post(f"/v1/promises/{other['id']}/withdraw", None, 200))["state"] == "withdrawn"
    await api.post(f"/v1/promises/{other['id']}/keep", None, 409)
    for state, found in (("open", []), ("kept", [made["id"]]), ("withdrawn", [other["id"]])):
        assert [row["id"] for row in (await api.get("/v1/promises", state=state))["items"]] == found
    assert [row["id"] for row in (await api.get("/v1/promises", until="2026-11-26", keeper="1001"))["items"]] == [
        other["id"]
    ]
    await api.get("/v1/promises/4711", 404)


async def test_appointments(api: Api) -> None:
    id_ = await api.customer()
    said = {"customer_id": id_, "at": "2026-12-01T10:00:00+08:00", "place": "杭州", "keeper": "1001", "ref": "a1"}
    made = await api.post("/v1/appointments", said)
    assert (made["at"], made["state"]) == ("2026-12-01T02:00:00Z", "planned")
    assert await api.post("/v1/appointments", said, 200) == made
    moved = await api.patch(f"/v1/appointments/{made['id']}", {"at": "2026-12-02T02:00:00Z", "state": "missed"})
    assert (moved["at"], moved["state"], moved["place"]) == ("2026-12-02T02:00:00Z", "missed", "杭州")
    assert await api.get(f"/v1/appointments/{made['id']}") == moved
    assert (await api.get("/v1/appointments", since="2026-12-02T10:00:00+08:00"))["items"] == [moved]
    assert (await api.get("/v1/appointments", until="2026-12-02T02:00:00Z"))["items"] == []
    assert (await api.post("/v1/appointments", {**said, "at": "2026-12-01T10:00:00"}, 422))["where"] == "body.at"
    assert (await api.post("/v1/appointments", {**said, "ref": "a2", "quote_number": "no"}, 422))["where"] == (
        "body.quote_number"
    )
    assert (await api.patch(f"/v1/appointments/{made['id']}", {"at": None}, 422))["where"] == "body.at"


async def test_a_ticket_has_the_time_of_its_category(api: Api) -> None:
    id_ = await api.customer()
    made = await api.post("/v1/tickets", {"customer_id": id_, "category": "repair", "text": "broken"})
    assert luhn(made["number"])
    assert (made["status"], made["due_at"], made["due_on"]) == ("open", "2026-11-24T05:00:00Z", "2026-11-24")
    api.clock.now += 60
    path = f"/v1/tickets/{made['number']}"
    assert (await api.patch(path, {"status": "solved", "keeper": "1004"}))["solved_at"] == "2026-11-24T04:01:00Z"
    assert (await api.patch(path, {"status": "in_progress"}))["solved_at"] is None
    assert (await api.get(path))["keeper"] == "1004"
    free = await api.post("/v1/tickets", {"customer_id": id_, "category": "other"})
    assert free["due_at"] is None
    found = (await api.get("/v1/tickets", category="repair", status="in_progress", customer=id_))["items"]
    assert [row["number"] for row in found] == [made["number"]]
    await api.get("/v1/tickets/none", 404)


async def test_a_dealers_pin_goes_in_and_never_out(api: Api) -> None:
    said = {"name": "华东数码", "region": "east", "phone": "02188880301", "stock_notices": {"zh": "现货"}}
    made = await api.put("/v1/dealers/301", {**said, "pin": "246810"})
    assert (made["has_pin"], made["phone"], made["stage"]) == (True, "+862188880301", "active")
    [row] = await api.rows(dealers)
    assert is_pin(row["pin_hash"], "246810")
    answers = [str(made), str(await api.get("/v1/dealers/301")), str(await api.get("/v1/dealers"))]
    assert not any("argon2" in answer or "246810" in answer or "pin_hash" in answer for answer in answers)
    assert (await api.put("/v1/dealers/301", said, 200))["has_pin"]  # not named, it stays
    assert not (await api.put("/v1/dealers/301", {**said, "pin": None}, 200))["has_pin"]
    assert not any("argon2" in str(row) for row in await api.rows(changes))
    assert [row["code"] for row in (await api.get("/v1/dealers", region="east", stage="active"))["items"]] == ["301"]
    assert (await api.get("/v1/dealers", region="west"))["items"] == []
    assert (await api.put("/v1/dealers/302", {**said, "pin": "12"}, 422))["where"] == "body.pin"


async def test_media_campaigns_and_costs(api: Api) -> None:
    await api.put("/v1/media-sources/tv", {"name": "TV spot", "kind": "tv"})
    assert (await api.put("/v1/media-sources/tv", {"name": "TV", "kind": "tv"}, 200))["name"] == "TV"
    assert (await api.get("/v1/media-sources"))["items"] == [await api.get("/v1/media-sources/tv")]
    campaign = await api.put(
        "/v1/campaigns/autumn",
        {"name": "秋季促销", "begins_on": "2026-09-01", "ends_on": "2026-11-30", "budget": "80000.5"},
    )
    assert (campaign["budget"], campaign["currency"]) == ("80000.50", "CNY")
    assert (await api.get("/v1/campaigns"))["items"] == [await api.get("/v1/campaigns/autumn")]
    backwards = {"name": "x", "begins_on": "2026-09-02", "ends_on": "2026-09-01"}
    assert (await api.put("/v1/campaigns/x", backwards, 422))["where"] == "body.ends_on"
    cost = {
        "media_source": "tv",
        "begins_on": "2026-11-01",
        "ends_on": "2026-11-07",
        "amount": "1200",
        "campaign": "autumn",
    }
    await api.put("/v1/media-costs/inv:1", cost)
    told = await api.put("/v1/media-costs/inv:1", {**cost, "amount": "1300.25", "currency": "EUR"}, 200)
    assert (told["amount"], told["currency"]) == ("1300.25", "EUR")
    assert (await api.get("/v1/media-costs", source="tv", since="2026-11-01", until="2026-11-02"))["items"] == [told]
    assert await api.get("/v1/media-costs/inv:1") == told
    assert (await api.get("/v1/media-costs", campaign="other"))["items"] == []
    for path in ("media-sources/none", "campaigns/none", "media-costs/none"):
        await api.get(f"/v1/{path}", 404)


async def test_calls_are_read_with_all_that_is_of_them(api: Api) -> None:
    await ring(api, "c1")
    await ring(api, "c2", at_s=100, source="print")
    at = NOON.timestamp() + 50
    more = [
        Entry("c1", "leg", at, {"agent": "1001", "queue": "sales", "began_at": at - 20, "talked_s": 20.0}),
        Entry("c1", "recorded", at, {"agent": "1001", "file": "c1-1001"}),
        Entry("c1", "disposition", at + 1, {"agent": "1001", "code": "sale", "amount": "299.70"}),
    ]
    await api.store.apply([Logged(1000 + nr, entry) for nr, entry in enumerate(more)])
    whole = await api.get("/v1/calls/c1")
    assert (whole["outcome"], whole["ani_e164"], whole["started_at"]) == ("answered", PHONE, "2026-11-24T04:00:00Z")
    assert [(leg["agent"], leg["talked_s"]) for leg in whole["legs"]] == [("1001", 20.0)]
    assert [one["file"] for one in whole["recordings"]] == ["c1-1001"]
    assert (whole["disposition"]["code"], whole["disposition"]["amount"]) == ("sale", "299.70")
    assert whole["events"][0]["kind"] == "call_started"
    assert whole["customer_id"] == (await api.get(f"/v1/customers/by-phone/{PHONE}"))["id"]

    async def found(**filters: Any) -> list[str]:
        return [row["call_id"] for row in (await api.get("/v1/calls", **filters))["items"]]

    assert await found() == ["c2", "c1"]
    assert await found(source="print") == await found(since="2026-11-24T04:01:00Z") == ["c2"]
    assert await found(until="2026-11-24T12:01:00+08:00") == ["c1"]
    assert await found(outcome="answered", queue="sales", agent="1001", campaign="autumn") == ["c2", "c1"]
    assert await found(customer=whole["customer_id"] + 1) == await found(outcome="timeout") == []
    await api.get("/v1/calls/none", 404)
    assert (await api.get("/v1/calls", 422, outcome="eaten"))["where"] == "query.outcome"
