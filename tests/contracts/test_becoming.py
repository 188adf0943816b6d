"""What an agent's word on a call becomes by the house's rules, on both kinds of database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update

from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.given_numbers import with_check_digit
from crm_bridge.models import changes, customers, leads, order_lines, orders, promises, tickets
from crm_bridge.rules import CrmRules, DispositionRule
from crm_bridge.store import CrmStore
from ivr.flow.entry import luhn

RULES = CrmRules(
    zone=ZoneInfo("Asia/Shanghai"),
    dispositions={
        "sale": DispositionRule("order"),
        "lead": DispositionRule("lead", text="wants a notebook"),
        "service": DispositionRule("ticket", category="repair", text="broken"),
        "complaint": DispositionRule("promise", text="call back"),
        "callback": DispositionRule("promise", text="call back", kept_by="call"),
    },
    sla_s={"repair": 3600.0},
    regions={"east": ("+86571", "Shanghai")},
)
NOON = datetime(2026, 11, 24, 4, tzinfo=UTC).timestamp()  # 12:00 in Shanghai


@pytest.fixture
async def store(crm_url: str) -> AsyncIterator[CrmStore]:
    opened = CrmStore(crm_url, rules=RULES)
    yield opened
    await opened.close()


class Line:
    """One call after another, entry by entry, as the journal would number them."""

    def __init__(self, store: CrmStore) -> None:
        self.store, self.seq = store, 0

    async def call(self, call_id: str = "c1", ani: str = "057187654321", **attributes: str) -> None:
        packed = ";".join(f"{name}={value}" for name, value in attributes.items())
        start: dict[str, Json] = {"dnis": "4008001001", "ani": ani, "source": "tv", "campaign": "autumn"}
        await self._apply(Entry(call_id, "call_started", NOON, start))
        await self._apply(Entry(call_id, "node", NOON, {"name": "line", "attributes": packed}))
        await self._apply(Entry(call_id, "outcome", NOON + 60, {"outcome": "answered", "agent": "1001"}))

    async def say(self, code: str, call_id: str = "c1", after_s: float = 0.0, **said: str) -> None:
        fields: dict[str, Json] = {"agent": "1001", "code": code, **said}
        await self._apply(Entry(call_id, "disposition", NOON + 70 + after_s, fields))

    async def _apply(self, entry: Entry) -> None:
        self.seq += 1
        await self.store.apply([Logged(self.seq, entry)])
        await self.store.apply([Logged(self.seq, entry)])  # delivered twice


@pytest.fixture
def line(store: CrmStore) -> Line:
    return Line(store)


async def rows(store: CrmStore, table: Any) -> list[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key)
    return await store.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


async def test_a_sale_with_an_amount_is_an_order(store: CrmStore, line: Line) -> None:
    await line.call(product="1234", quantity="3")
    await line.say("sale", amount="299.70")
    [order] = await rows(store, orders)
    assert luhn(order["number"])
    assert (order["status"], order["amount"], order["currency"]) == ("placed", Decimal("299.70"), "CNY")
    assert (order["placed_on"], order["call_id"], order["agent"], order["channel"]) == (
        date(2026, 11, 24),
        "c1",
        "1001",
        "phone",
    )
    [bought] = await rows(store, order_lines)
    assert (bought["product"], bought["quantity"], bought["price"], bought["amount"]) == (
        "1234",
        3,
        Decimal("99.90"),
        Decimal("299.70"),
    )
    [customer] = await rows(store, customers)
    assert (customer["stage"], customer["last_order_on"]) == ("first_order", date(2026, 11, 24))
    told = [(row["by"], row["subject"], row["field"]) for row in await rows(store, changes)]
    assert ("agent:1001", "orders", "*") in told


async def test_a_price_that_does_not_divide_is_told_for_the_whole(store: CrmStore, line: Line) -> None:
    await line.call(product="1234", quantity="3")
    await line.say("sale", amount="100")
    [bought] = await rows(store, order_lines)
    assert (bought["quantity"], bought["price"], bought["amount"]) == (1, Decimal(100), Decimal(100))


@pytest.mark.parametrize("said", [{}, {"amount": "x"}, {"amount": "-1"}, {"amount": "0"}])
async def test_a_sale_without_an_amount_is_none(store: CrmStore, line: Line, said: dict[str, str]) -> None:
    await line.call()
    await line.say("sale", **said)
    assert await rows(store, orders) == []


async def test_another_amount_changes_the_order_and_says_who(store: CrmStore, line: Line) -> None:
    await line.call()
    await line.say("sale", amount="100")
    await line.say("sale", amount="90", after_s=60)
    [order] = await rows(store, orders)
    assert order["amount"] == 90
    [change] = [row for row in await rows(store, changes) if row["field"] == "amount"]
    assert (change["key"], change["before"], change["after"], change["by"]) == (
        order["number"],
        "100",
        "90",
        "agent:1001",
    )


async def test_another_word_takes_the_first_one_back_and_a_third_brings_it_again(store: CrmStore, line: Line) -> None:
    await line.call()
    await line.say("sale", amount="100")
    await line.say("lead", after_s=1)
    assert [row["status"] for row in await rows(store, orders)] == ["cancelled"]
    assert [row["state"] for row in await rows(store, leads)] == ["new"]
    assert [row["stage"] for row in await rows(store, customers)] == ["prospect"]
    await line.say("complaint", after_s=2, promised_on="2026-11-30")
    assert [row["state"] for row in await rows(store, leads)] == ["lost"]
    await line.say("service", after_s=3)
    [promise] = await rows(store, promises)
    assert promise["withdrawn_at"] is not None
    await line.say("sale", after_s=4, amount="80")
    assert [(row["status"], row["amount"]) for row in await rows(store, orders)] == [("placed", Decimal(80))]
    assert [row["status"] for row in await rows(store, tickets)] == ["cancelled"]
    await line.say("lead", after_s=5)
    assert [row["state"] for row in await rows(store, leads)] == ["new"]


async def test_what_somebody_has_worked_on_stays(store: CrmStore, line: Line) -> None:
    await line.call()
    await line.say("sale", amount="100")
    await store.write(lambda connection: connection.execute(update(orders).values(status="paid")))
    await line.say("sale", amount="1", after_s=1)
    await line.say("lead", after_s=2)
    [order] = await rows(store, orders)
    assert (order["status"], order["amount"]) == ("paid", Decimal(100))


async def test_a_lead_knows_its_source_product_and_region(store: CrmStore, line: Line) -> None:
    await line.call(product="laptop")
    await line.say("lead")
    [lead] = await rows(store, leads)
    assert (lead["media_source"], lead["campaign"], lead["product"], lead["region"]) == (
        "tv",
        "autumn",
        "laptop",
        "east",
    )
    assert (lead["ref"], lead["owner"], lead["state"], lead["text"]) == ("call:c1", "1001", "new", "wants a notebook")


async def test_a_customers_own_region_counts_for_more(store: CrmStore, line: Line) -> None:
    await line.call()
    await store.write(lambda connection: connection.execute(update(customers).values(region="south")))
    await line.say("lead")
    assert [row["region"] for row in await rows(store, leads)] == ["south"]


async def test_a_ticket_has_the_time_of_its_category(store: CrmStore, line: Line) -> None:
    await line.call()
    await line.say("service")
    [ticket] = await rows(store, tickets)
    assert (ticket["category"], ticket["status"], ticket["keeper"], ticket["text"]) == (
        "repair",
        "open",
        "1001",
        "broken",
    )
    assert (ticket["due_at"] - ticket["opened_at"]).total_seconds() == 3600
    assert (ticket["opened_on"], ticket["due_on"]) == (date(2026, 11, 24), date(2026, 11, 24))
    assert luhn(ticket["number"])


async def test_a_promise_has_its_day_and_keeper(store: CrmStore, line: Line) -> None:
    await line.call()
    await line.say("complaint", promised_on="2026-11-30")
    await line.say("complaint", promised_on="2026-12-01", after_s=1)
    [promise] = await rows(store, promises)
    assert (promise["due_on"], promise["keeper"], promise["promised_by"], promise["text"]) == (
        date(2026, 12, 1),
        "1001",
        "1001",
        "call back",
    )


@pytest.mark.parametrize("code", ["callback", "complaint"])
@pytest.mark.parametrize("talked_s", [30, 0])
async def test_a_call_of_ours_keeps_what_was_promised_by_a_call(
    store: CrmStore, line: Line, code: str, talked_s: int
) -> None:
    """By an agent's *38, once they have talked."""
    await line.call()
    await line.say(code, promised_on="2026-11-30")
    said: dict[str, Json] = {"agent": "1002", "number": "+8657187654321", "talked_s": talked_s}
    await line._apply(Entry("c1", "rung_back_end", NOON + 3600, said))
    [promise] = await rows(store, promises)
    assert (promise["kept_at"] is not None) == (code == "callback" and talked_s > 0)
    if promise["kept_at"]:
        [change] = [row for row in await rows(store, changes) if row["field"] == "kept_at"]
        assert change["by"] == "agent:1002"


@pytest.mark.parametrize(("outcome", "kept"), [("answered", True), ("abandoned_queue", False)])
async def test_so_does_the_call_back_that_they_had_wished_for(
    store: CrmStore, line: Line, outcome: str, kept: bool
) -> None:
    await line.call()
    await line.say("callback", promised_on="2026-11-30")
    await line.call("c2")  # a call of theirs does not
    [promise] = await rows(store, promises)
    assert promise["kept_at"] is None
    start: dict[str, Json] = {"dnis": "4008001001", "ani": "057187654321", "source": "tv"}
    for at, kind, fields in (
        (3600.0, "call_started", start),
        (3601.0, "called_back", {"of": "c2"}),
        (3700.0, "outcome", {"outcome": outcome, "agent": "1001"}),
    ):
        await line._apply(Entry("c3", kind, NOON + at, fields))
    [promise] = await rows(store, promises)
    assert (promise["kept_at"] is not None) == kept


async def test_a_caller_without_a_number_becomes_a_customer_of_their_own(store: CrmStore, line: Line) -> None:
    for call_id in ("c1", "c2"):
        await line.call(call_id, ani="")
        await line.say("sale", call_id, amount="10")
    assert len({row["customer_id"] for row in await rows(store, orders)}) == 2


async def test_each_call_has_an_order_of_its_own_with_a_number_of_its_own(store: CrmStore, line: Line) -> None:
    for nr in range(12):
        await line.call(f"c{nr}")
        await line.say("sale", f"c{nr}", amount="10")
    numbers = [row["number"] for row in await rows(store, orders)]
    assert len(set(numbers)) == 12
    assert {len(number) for number in numbers} == {9}


async def test_a_number_of_ours_that_somebody_else_has_brought_is_passed_over(store: CrmStore, line: Line) -> None:
    first, second = (with_check_digit(f"8000000{nr}") for nr in ("1", "2"))
    await line.call()
    [customer] = await rows(store, customers)
    brought = {"number": first, "customer_id": customer["id"], "status": "paid", "currency": "CNY"}
    row = {**brought, "amount": Decimal(1), "placed_on": date(2026, 11, 20)}
    await store.write(lambda connection: connection.execute(insert(orders).values(row)))
    await line.say("sale", amount="299.70")
    found = {order["number"]: order["amount"] for order in await rows(store, orders)}
    assert found == {first: Decimal(1), second: Decimal("299.70")}


async def test_without_a_rule_a_word_is_written_down_and_nothing_more(crm_url: str) -> None:
    store = CrmStore(crm_url, rules=replace(RULES, dispositions={}))
    line = Line(store)
    await line.call()
    await line.say("sale", amount="10")
    assert await rows(store, orders) == []
    await store.close()


@pytest.mark.parametrize("digits", ["1", "7992739871", "80000001", "0"])
def test_a_check_digit_is_luhns(digits: str) -> None:
    assert luhn(with_check_digit(digits))
    assert with_check_digit("7992739871") == "79927398713"
