"""The migrations make exactly the tables that the models name, on both kinds of database, and bring every row of each
earlier program along: up, and down again."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from crm_bridge.column_types import Instant
from crm_bridge.entry import Entry, Logged
from crm_bridge.migrating import config, go_back, migrate
from crm_bridge.models import metadata
from crm_bridge.seed import (
    CompanySeed,
    CustomerSeed,
    DealerSeed,
    HouseholdSeed,
    OrderSeed,
    PromiseSeed,
    Seed,
    ShipmentSeed,
    TicketSeed,
    sow,
)
from crm_bridge.store import CrmStore, connect

REVISIONS = ("0001", "0002", "0003", "0004")
HEAD = REVISIONS[-1]
DAY = date(2026, 11, 20)


def at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


# What a program of each revision has written beside what the one before it had. Table → rows.
_CALL = {
    **dict.fromkeys(("dnis", "ani", "campaign", "caller_name", "language", "queue", "agent", "last_node"), ""),
    "hangup_by": "",
    "cause": "",
}
_WRITTEN: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]] = {
    "0001": {
        "media_sources": [{"id": "tv", "name": "TV", "kind": "tv"}],
        "customers": [
            {"id": 7, "name": "王芳", "first_source": "tv", "first_campaign": "spring", "first_call_at": at(1)},
            {"id": 9, "name": "", "first_source": "tv", "first_campaign": "", "first_call_at": at(5)},
        ],
        "customer_numbers": [
            {"e164": "+8613800138000", "customer_id": 7},
            {"e164": "+8613900139000", "customer_id": 9},
        ],
        "calls": [
            {**_CALL, "call_id": "late", "media_source": "web", "started_at": at(2), "customer_id": 7},
            {**_CALL, "call_id": "first", "media_source": "tv", "started_at": at(1), "customer_id": 7},
            {**_CALL, "call_id": "only", "media_source": "tv", "started_at": at(5), "customer_id": 9},
        ],
        "call_events": [{"call_id": "first", "seq": 1, "kind": "call_started", "at": at(1), "fields": {"a": 1}}],
        "agent_events": [{"seq": 2, "at": at(1), "agent": "1001", "kind": "agent_presence", "fields": {}}],
    },
    "0002": {
        "orders": [
            {"number": "A1", "customer_id": 7, "status": "paid", "currency": "CNY", "placed_on": DAY}
            | {"amount": Decimal("205.05")}
        ],
        "shipments": [{"number": "S1", "order_number": "A1", "carrier": "SF", "status": "packed", "place": ""}],
        "dealers": [
            {"code": "301", "name": "x", "region": "east", "owner": "", "tier": "", "pin_hash": ""}
            | {"stock_notices": {"zh": "有"}}
        ],
        "tickets": [
            {"number": "T1", "customer_id": 7, "status": "open", "category": "repair", "opened_on": DAY},
        ],
        "promises": [{"id": 1, "ref": "p", "customer_id": 7, "text": "x", "due_on": DAY, "keeper": ""}],
        "tasks": [
            {"id": 1, "call_id": "first", "seq": 3, "kind": "voicemail", "queue": "", "opened_at": at(1)}
            | {"state": "open", "fields": {"box": "sales"}}
        ],
        "surveys": [{"call_id": "first", "seq": 4, "name": "service", "score": 5, "at": at(1)}],
    },
    "0003": {
        "legs": [
            {"call_id": "first", "seq": 5, "agent": "1001", "outside": "", "queue": "sales", "began_at": at(1)}
            | {"talked_s": 12.5}
        ],
        "dispositions": [{"call_id": "first", "agent": "1001", "code": "sale", "amount": Decimal("9.90"), "at": at(1)}],
        "recordings": [{"call_id": "first", "seq": 6, "agent": "1001", "file": "first_1", "at": at(1)}],
    },
    "0004": {},
}


async def run(url: str, job: Any) -> Any:
    engine = connect(url)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(job)
    finally:
        await engine.dispose()


def write(connection: Connection, revision: str) -> None:
    """As the programs up to ``revision`` did: by the tables that are there, not by the models of today."""
    there = MetaData()
    for step in REVISIONS[: REVISIONS.index(revision) + 1]:
        for name, rows in _WRITTEN[step].items():
            table = _as_it_is(connection, there, name)
            connection.execute(insert(table), [dict(row) for row in rows])


def _as_it_is(connection: Connection, there: MetaData, name: str) -> Table:
    """The table with the columns that the database has, of the models' kinds."""
    columns = {column["name"] for column in inspect(connection).get_columns(name)}
    table = metadata.tables[name].to_metadata(there)
    for column in [column for column in table.columns if column.name not in columns]:
        table._columns.remove(column)  # type: ignore[attr-defined]
    return table


def read(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that is there."""
    there, found = MetaData(), {}
    for name in sorted(set(inspect(connection).get_table_names()) & set(metadata.tables)):
        table = _as_it_is(connection, there, name)
        key = [table.c[column.name] for column in metadata.tables[name].primary_key if column.name in table.c]
        found[name] = [dict(row) for row in connection.execute(select(*table.c).order_by(*key)).mappings()]
    return found


def differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrated_tables_are_the_models(empty_url: str) -> None:
    await migrate(empty_url)
    assert await run(empty_url, differences) == []


async def test_again_is_harmless_and_keeps_the_rows(empty_url: str) -> None:
    await migrate(empty_url)
    await run(empty_url, lambda connection: write(connection, HEAD))
    before = await run(empty_url, read)
    await migrate(empty_url)
    assert await run(empty_url, read) == before


async def test_down_and_up_again(empty_url: str) -> None:
    await migrate(empty_url)
    await go_back(empty_url, "base")
    await migrate(empty_url)
    assert await run(empty_url, differences) == []


@pytest.mark.parametrize("revision", REVISIONS[:-1])
async def test_what_an_older_program_has_written_is_there_after_it(empty_url: str, revision: str) -> None:
    """And the tables are those of the models, whatever they have come from."""
    await migrate(empty_url, revision)
    await run(empty_url, lambda connection: write(connection, revision))
    before = await run(empty_url, read)
    await migrate(empty_url)
    after = await run(empty_url, read)
    assert await run(empty_url, differences) == []
    for table, rows in before.items():
        told = [{name: row[name] for name in old} for row, old in zip(after[table], rows, strict=True)]
        forgiven = {"first_call_id"} if revision == "0001" else set()
        assert _without(told, forgiven) == _without(rows, forgiven), table
    assert [row["first_call_id"] for row in after["customers"]][:2] == (
        ["first", "only"] if revision == "0001" else ["", ""]
    )


def _without(rows: Sequence[Mapping[str, Any]], names: set[str]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


@pytest.mark.parametrize("revision", REVISIONS[:-1])
async def test_the_way_back_loses_nothing_that_the_older_program_knows(empty_url: str, revision: str) -> None:
    await migrate(empty_url, revision)
    await run(empty_url, lambda connection: write(connection, revision))
    before = await run(empty_url, read)
    await migrate(empty_url)
    await go_back(empty_url, revision)
    assert await run(empty_url, read) == before


_SEED = Seed(
    customers=[CustomerSeed("80001", "王芳", ("+8613800138000",), "gold"), CustomerSeed("80002", "李雷")],
    orders=[OrderSeed("A9", "80001", "paid", Decimal("205.05"), "CNY", DAY)],
    shipments=[ShipmentSeed("S9", "A9", "SF", "packed")],
    dealers=[DealerSeed("301", "x", "east", stock_notices={"zh": "有"})],
    tickets=[TicketSeed("T9", "80001", "open", "repair", DAY)],
    promises=[PromiseSeed("p9", "80001", "x", DAY)],
    households=[HouseholdSeed("wang", "王家")],
    companies=[CompanySeed("longtech", "龙腾")],
)


async def _fill(url: str) -> None:
    store = CrmStore(url)
    await sow(store, _SEED)
    said = {"number": "", "service": 5, "box": "sales", "code": "sale", "file": "x_1"}
    kinds = ("call_started", "voicemail", "survey", "leg", "disposition", "recorded")
    await store.apply([Logged(seq, Entry("new", kind, 1000.0, said)) for seq, kind in enumerate(kinds)])
    await store.close()


async def test_rows_of_today_do_not_stop_a_downgrade(empty_url: str) -> None:
    await migrate(empty_url, "0001")
    await run(empty_url, lambda connection: write(connection, "0001"))
    await migrate(empty_url)
    await _fill(empty_url)
    await go_back(empty_url, "0001")
    names = await run(empty_url, lambda connection: set(inspect(connection).get_table_names()))
    assert names == {*_WRITTEN["0001"], "alembic_version"}
    rows = await run(empty_url, read)
    assert {row["name"] for row in rows["customers"]} == {"王芳", "李雷", ""}


async def test_who_has_never_called_has_never_called_after_down_and_up(empty_url: str) -> None:
    """And 0001's program takes any call of theirs for the first one."""
    await migrate(empty_url, "0001")
    await run(empty_url, lambda connection: write(connection, "0001"))
    await migrate(empty_url)
    await _fill(empty_url)
    await go_back(empty_url, "0001")
    [never] = [row for row in (await run(empty_url, read))["customers"] if row["name"] == "李雷"]
    assert never["first_call_at"].year == 9998
    await migrate(empty_url)
    found = {row["name"]: row["first_call_at"] for row in (await run(empty_url, read))["customers"]}
    assert found == {"王芳": at(1), "李雷": None, "": at(5)}


async def test_keys_hold_again_after_a_migration(empty_url: str) -> None:
    await migrate(empty_url, "0001")
    await run(empty_url, lambda connection: write(connection, "0001"))
    await migrate(empty_url)
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await run(empty_url, lambda connection: connection.execute(text("DELETE FROM customers WHERE id = 7")))


async def test_a_migration_that_would_leave_rows_pointing_to_nothing_is_undone(new_file: str) -> None:
    """SQLite alone lets its keys rest meanwhile."""

    def spoil(connection: Connection) -> None:
        write(connection, "0001")
        connection.execute(text("DELETE FROM customer_numbers"))

    await migrate(new_file, "0001")
    await run(new_file, spoil)
    engine = connect(new_file)
    async with engine.connect() as connection:
        await connection.exec_driver_sql("COMMIT")
        await connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        await connection.exec_driver_sql("DELETE FROM customers WHERE id = 9")
    await engine.dispose()
    with pytest.raises(IntegrityError, match="point to nothing"):
        await migrate(new_file)
    version = text("SELECT version_num FROM alembic_version")
    assert await run(new_file, lambda connection: connection.execute(version).scalars().all()) == ["0001"]


def test_money_and_instants_are_of_our_kinds() -> None:
    """Where the older tables are read by the models' columns, they must mean the same."""
    assert {type(column.type) for column in metadata.tables["calls"].columns if column.name.endswith("_at")} == {
        Instant
    }


_UP = ("TIMESTAMP WITH TIME ZONE", "NUMERIC(18, 4)", *(f"CREATE TABLE {table}" for table in metadata.tables))
_DOWN = ("ALTER TABLE customers ALTER COLUMN first_call_at SET NOT NULL", "DROP TABLE orders")


@pytest.mark.parametrize(("way", "to", "words"), [("upgrade", "head", _UP), ("downgrade", "0002:0001", _DOWN)])
def test_an_admin_can_have_the_sql(way: str, to: str, words: Sequence[str]) -> None:
    made = config()
    made.output_buffer = io.StringIO()
    made.attributes["dialect"] = "postgresql"
    getattr(command, way)(made, to, sql=True)
    sql = made.output_buffer.getvalue()
    assert all(word in sql for word in words)
