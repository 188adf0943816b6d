"""Sowing the store: what the seed says counts, what the calls have taught stays, and again is harmless."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from crm_bridge import reports
from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.models import (
    customer_numbers,
    customers,
    dealers,
    metadata,
    orders,
    promises,
    shipments,
    tickets,
)
from crm_bridge.seed import (
    CustomerSeed,
    DealerSeed,
    OrderSeed,
    PromiseSeed,
    Seed,
    ShipmentSeed,
    TicketSeed,
    sow,
)
from crm_bridge.store import CrmStore, EntryRefused

WANG, HER_OFFICE, LI = "+8613800138000", "+862162345678", "+8613900139000"
DAY = date(2026, 11, 24)
CUSTOMER = CustomerSeed("80001", "王芳", (WANG, HER_OFFICE), "gold", "gold_prices", "1002", "mandarin", "wang")
SEED = Seed(
    customers=[CUSTOMER, CustomerSeed("80002", "李雷", (LI,))],
    orders=[OrderSeed("A1", "80001", "shipped", Decimal("205.05"), "CNY", DAY, DAY)],
    shipments=[ShipmentSeed("S1", "A1", "SF Express", "in_transit", DAY, None, "杭州")],
    dealers=[DealerSeed("301", "华东数码", "east", "1002", "gold", pin="246810", stock_notices={"zh": "有货。"})],
    tickets=[TicketSeed("T1", "80001", "open", "repair", DAY)],
    promises=[PromiseSeed("call_wang", "80001", "call her", DAY, "1002")],
)


async def rows(store: CrmStore, table: Any) -> list[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key)
    return await store.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


async def everything(store: CrmStore) -> dict[str, Any]:
    return {name: await rows(store, table) for name, table in metadata.tables.items()}


async def holders(store: CrmStore) -> dict[str, int]:
    return {row["e164"]: row["customer_id"] for row in await rows(store, customer_numbers)}


async def call(store: CrmStore, seq: int, ani: str, at: float, **fields: Json) -> None:
    start = {"dnis": "4008001001", "ani": ani, "source": "tv", "campaign": "spring", "name": "13800138000", **fields}
    await store.apply([Logged(seq, Entry(f"c{seq}", "call_started", at, start))])


async def test_again_changes_nothing_not_even_a_pins_hash(store: CrmStore) -> None:
    await sow(store, SEED)
    before = await everything(store)
    assert {name: len(before[name]) for name in ("customers", "customer_numbers", "orders", "dealers")} == {
        "customers": 2,
        "customer_numbers": 3,
        "orders": 1,
        "dealers": 1,
    }
    await sow(store, SEED)
    assert await everything(store) == before


async def test_an_empty_seed_is_nothing(store: CrmStore) -> None:
    before = await everything(store)
    await sow(store, Seed())
    assert await everything(store) == before


async def test_what_the_seed_says_anew_counts(store: CrmStore) -> None:
    await sow(store, SEED)
    later = date(2026, 12, 1)
    await sow(
        store,
        Seed(
            customers=[replace(CUSTOMER, tier="silver", name="王芳芳")],
            orders=[replace(SEED.orders[0], status="delivered", amount=Decimal("1.5"))],
            shipments=[replace(SEED.shipments[0], status="delivered", delivered_on=later)],
            dealers=[replace(SEED.dealers[0], pin="135791", stock_notices={"zh": "无货。"})],
            tickets=[replace(SEED.tickets[0], status="solved", due_on=later)],
            promises=[replace(SEED.promises[0], due_on=later)],
        ),
    )
    customer = (await rows(store, customers))[0]
    assert (customer["tier"], customer["name"], customer["price_list"]) == ("silver", "王芳芳", "gold_prices")
    [order] = await rows(store, orders)
    assert (order["status"], order["amount"], order["expected_on"]) == ("delivered", Decimal("1.5"), DAY)
    [shipment] = await rows(store, shipments)
    assert (shipment["status"], shipment["delivered_on"], shipment["place"]) == ("delivered", later, "杭州")
    [dealer] = await rows(store, dealers)
    assert dealer["stock_notices"] == {"zh": "无货。"}
    assert (await rows(store, tickets))[0]["due_on"] == later
    assert (await rows(store, promises))[0]["due_on"] == later


async def test_what_the_seed_leaves_empty_stays(store: CrmStore) -> None:
    await sow(store, SEED)
    before = await everything(store)
    order = replace(SEED.orders[0], expected_on=None)
    shipment = replace(SEED.shipments[0], expected_on=None, place="")
    await sow(
        store,
        Seed(
            customers=[CustomerSeed("80001", "王芳")],
            orders=[order],
            shipments=[shipment],
            dealers=[DealerSeed("301", "华东数码", "east")],
            promises=[replace(SEED.promises[0], keeper="")],
        ),
    )
    assert await everything(store) == before


async def test_a_promise_that_was_kept_meanwhile_stays_kept(store: CrmStore) -> None:
    await sow(store, SEED)
    kept = datetime(2026, 11, 25, tzinfo=UTC)
    await store.write(lambda connection: connection.execute(update(promises).values(kept_at=kept)) and None)
    await sow(store, SEED)
    assert (await rows(store, promises))[0]["kept_at"] == kept


async def test_what_the_seed_does_not_have_is_left_alone(store: CrmStore) -> None:
    await sow(store, SEED)
    before = await everything(store)
    await sow(store, Seed(customers=[CustomerSeed("80003", "Tom")]))
    after = await everything(store)
    assert after["customers"].pop()["name"] == "Tom"
    assert after == before


# ---- with calls


async def test_the_first_call_of_somebody_in_the_books_gives_the_source_and_not_the_name(store: CrmStore) -> None:
    await sow(store, SEED)
    await call(store, 1, "13800138000", 1000.0)
    await call(store, 2, "021-62345678".replace("-", ""), 2000.0, source="web")
    customer = (await rows(store, customers))[0]
    assert (customer["first_source"], customer["first_call_id"], customer["name"]) == ("tv", "c1", "王芳")
    assert [call.customer_id for call in await reports.calls(store)] == [customer["id"]] * 2
    await sow(store, SEED)
    assert (await rows(store, customers))[0] == customer


async def test_a_caller_turns_out_to_be_in_the_books(store: CrmStore) -> None:
    """They called from both their phones before anybody had written them down: two strangers become one customer."""
    await call(store, 1, HER_OFFICE, 1000.0, source="radio")
    await call(store, 2, WANG, 900.0, source="tv")
    await call(store, 3, "+8613700137000", 800.0, source="web")
    assert len(await rows(store, customers)) == 3
    await sow(store, SEED)
    known = {row["number"]: row for row in await rows(store, customers)}
    assert set(known) == {"80001", "80002", None}
    wang = known["80001"]
    assert (wang["first_source"], wang["first_call_id"], wang["name"]) == ("tv", "c2", "王芳")
    assert known["80002"]["first_call_at"] is None
    assert known[None]["first_source"] == "web"
    by_call = {row.call_id: row.customer_id for row in await reports.calls(store)}
    assert by_call == {"c1": wang["id"], "c2": wang["id"], "c3": known[None]["id"]}


async def test_who_is_in_the_books_keeps_an_earlier_first_call_of_their_own(store: CrmStore) -> None:
    await sow(store, SEED)
    await call(store, 1, WANG, 1000.0, source="tv")
    await call(store, 2, "+8613700137000", 2000.0, source="web")
    await sow(store, Seed(customers=[replace(CUSTOMER, phones=(WANG, "+8613700137000"))]))
    wang = (await rows(store, customers))[0]
    assert (wang["first_source"], wang["first_call_id"]) == ("tv", "c1")
    assert len(await rows(store, customers)) == 2


async def test_a_phone_that_changes_hands_takes_no_calls_along(store: CrmStore) -> None:
    await sow(store, SEED)
    await call(store, 1, WANG, 1000.0)
    await sow(store, Seed(customers=[CustomerSeed("80002", "李雷", (LI, WANG))]))
    wang, li = [row["id"] for row in await rows(store, customers)]
    assert await holders(store) == {WANG: li, HER_OFFICE: wang, LI: li}
    assert [row.customer_id for row in await reports.calls(store)] == [wang]


async def test_who_is_nowhere_refuses_the_whole_seed(store: CrmStore) -> None:
    seed = replace(SEED, orders=[replace(SEED.orders[0], customer="99999")])
    with pytest.raises(EntryRefused, match="customer_id"):
        await sow(store, seed)
    assert await rows(store, customers) == []


async def test_a_hash_that_cannot_be_read_is_replaced(store: CrmStore) -> None:
    await sow(store, SEED)
    await store.write(lambda connection: connection.execute(update(dealers).values(pin_hash="gibberish")))
    await sow(store, SEED)
    assert (await rows(store, dealers))[0]["pin_hash"].startswith("$argon2id$")
