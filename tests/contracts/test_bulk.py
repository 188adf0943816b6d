"""Many rows at once, on both kinds of database: what was written is what is read, whatever it looks like."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import Connection, select

from crm_bridge import bulk
from crm_bridge.models import changes, customer_numbers, customers, dealers, orders
from crm_bridge.store import CrmStore, EntryRefused

ODD = ['"quoted", and a comma', "\\N", "\\.", "", "王芳 𠀀", "'; DROP TABLE orders; --", "a\tb\\n", "NULL", "\\x02"]


def new_customers(connection: Connection, names: list[str]) -> list[int]:
    ids = list(bulk.new_ids(connection, customers, len(names)))
    rows = [(id_, name, "", "", f"C{id_}") for id_, name in zip(ids, names, strict=True)]
    bulk.add(connection, customers, ["id", "name", "first_source", "first_campaign", "number"], rows)
    return ids


def names(connection: Connection) -> list[str]:
    return list(connection.execute(select(customers.c.name).order_by(customers.c.id)).scalars())


async def test_odd_texts_come_back_as_they_were(store: CrmStore) -> None:
    await store.write(partial(new_customers, names=ODD))
    assert await store.read(names) == ODD


async def test_numbers_that_are_drawn_are_nobodys_and_leave_room_for_the_next(store: CrmStore) -> None:
    first = await store.write(partial(new_customers, names=["a", "b"]))
    second = await store.write(partial(new_customers, names=["c"]))
    assert len({*first, *second}) == 3

    def by_itself(connection: Connection) -> int:
        row = {"name": "d", "first_source": "", "first_campaign": ""}
        return int(connection.execute(customers.insert().values(row).returning(customers.c.id)).scalar_one())

    assert await store.write(by_itself) not in {*first, *second}


async def test_every_kind_of_value(store: CrmStore) -> None:
    at, day = datetime(2026, 11, 24, 4, 30, 0, 125000, tzinfo=UTC), date(2026, 11, 24)

    def write(connection: Connection) -> None:
        [id_] = new_customers(connection, ["x"])
        columns = ["number", "customer_id", "status", "amount", "currency", "placed_on", "expected_on"]
        rows = [
            ("A", id_, "paid", Decimal("205.0500"), "CNY", day, None),
            ("B", id_, "paid", Decimal(7), "EUR", day, day),
        ]
        bulk.add(connection, orders, columns, rows)
        bulk.change(
            connection, orders, "number", ["amount", "expected_on"], [("A", Decimal("0.0001"), day), ("B", 1, None)]
        )
        notices = {"zh": '十四寸"现货"', "en": "a, b"}
        words = ["code", "name", "region", "owner", "tier", "pin_hash", "stock_notices"]
        bulk.add(connection, dealers, words, [("1", "a", "r", "", "", "", notices), ("2", "b", "r", "", "", "", None)])
        bulk.change(connection, dealers, "code", ["stock_notices"], [("2", {"zh": "无货"})])
        columns = ["at", "by", "subject", "key", "field", "before", "after"]
        bulk.add(connection, changes, columns, [(at, "me", "s", "k", "f", None, "")])

    await store.write(write)

    def read(connection: Connection) -> list[tuple[object, ...]]:
        asked = [
            select(orders.c.number, orders.c.amount, orders.c.expected_on).order_by(orders.c.number),
            select(dealers.c.code, dealers.c.stock_notices).order_by(dealers.c.code),
            select(changes.c.at, changes.c.before, changes.c.after),
        ]
        return [tuple(row) for query in asked for row in connection.execute(query)]

    assert await store.read(read) == [
        ("A", Decimal("0.0001"), day),
        ("B", Decimal(1), None),
        ("1", {"zh": '十四寸"现货"', "en": "a, b"}),
        ("2", {"zh": "无货"}),
        (at, None, ""),
    ]


async def test_found_by_thousands_of_keys_also_over_a_join_and_removed(store: CrmStore) -> None:
    def write(connection: Connection) -> None:
        ids = new_customers(connection, [f"n{nr}" for nr in range(25_000)])
        bulk.add(connection, customer_numbers, ["e164", "customer_id"], [(f"+{id_}", id_) for id_ in ids])

    await store.write(write)
    wanted = [f"n{nr}" for nr in range(24_000, 40_000)]
    by_name = await store.read(lambda c: [*bulk.found(c, [customers.c.name], customers.c.name, wanted)])
    assert sorted(row.name for row in by_name) == sorted(wanted[:1000])
    columns = (customer_numbers.c.e164, customers.c.name)
    keys = [f"+{nr}" for nr in range(1, 22_001)]
    both = await store.read(lambda c: [*bulk.found(c, columns, customer_numbers.c.e164, keys)])
    assert len(both) == 22_000
    assert {(row.e164, row.name) for row in both} >= {("+1", "n0"), ("+22000", "n21999")}
    assert await store.read(lambda c: [*bulk.found(c, columns, customer_numbers.c.e164, [])]) == []
    await store.write(lambda c: bulk.remove(c, customer_numbers, "e164", keys))
    left = await store.read(
        lambda c: [*bulk.found(c, columns, customer_numbers.c.e164, [f"+{n}" for n in range(30_000)])]
    )
    assert len(left) == 3000


async def test_what_the_database_refuses_is_refused_whole(store: CrmStore) -> None:
    def twice(connection: Connection) -> None:
        new_customers(connection, ["a"])
        bulk.add(connection, customer_numbers, ["e164", "customer_id"], [("+1", 1), ("+2", 999)])

    with pytest.raises(EntryRefused):
        await store.write(twice)
    assert await store.read(names) == []
