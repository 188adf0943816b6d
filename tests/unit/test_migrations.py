"""The migrations make exactly the tables that the models name, on SQLite; and PostgreSQL's SQL can be written."""

from __future__ import annotations

import io
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from crm_bridge.entry import Entry, Logged
from crm_bridge.migrating import config, go_back, migrate
from crm_bridge.models import metadata
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
from crm_bridge.store import CrmStore, connect, sqlite_url


def _differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrated_tables_are_the_models(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "crm.db")
    await migrate(url)
    engine = connect(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


async def test_again_is_harmless_and_keeps_the_rows(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "crm.db")
    await migrate(url)
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO media_sources VALUES ('tv', 'TV', 'tv')"))
    await migrate(url)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT id FROM media_sources"))).scalars().all() == ["tv"]
    await engine.dispose()


async def test_down_and_up_again(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "crm.db")
    await migrate(url)
    await go_back(url, "base")
    await migrate(url)
    engine = connect(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


# ---- with rows in them


_OF_0001 = """
INSERT INTO media_sources VALUES ('tv', 'TV', 'tv');
INSERT INTO customers (id, name, first_source, first_campaign, first_call_at) VALUES
    (7, '王芳', 'tv', 'spring', '2026-01-01 00:00:00.000000'), (9, '', 'tv', '', '2026-02-01 00:00:00.000000');
INSERT INTO customer_numbers VALUES ('+8613800138000', 7), ('+862162345678', 7), ('+8613900139000', 9);
INSERT INTO calls (call_id, dnis, ani, media_source, campaign, caller_name, language, queue, agent, last_node,
    hangup_by, cause, started_at, customer_id) VALUES
    ('late', '', '', 'web', '', '', '', '', '', '', '', '', '2026-01-02 00:00:00.000000', 7),
    ('first', '', '', 'tv', '', '', '', '', '', '', '', '', '2026-01-01 00:00:00.000000', 7),
    ('only', '', '', 'tv', '', '', '', '', '', '', '', '', '2026-02-01 00:00:00.000000', 9);
INSERT INTO call_events VALUES ('first', 1, 'call_started', '2026-01-01 00:00:00.000000', '{}');
"""
_TABLES_OF_0001 = ("media_sources", "customers", "customer_numbers", "calls", "call_events")
_SEED = Seed(
    customers=[CustomerSeed("80001", "王芳", ("+8613800138000",), "gold"), CustomerSeed("80002", "李雷")],
    orders=[OrderSeed("A1", "80001", "paid", Decimal("205.05"), "CNY", date(2026, 11, 20))],
    shipments=[ShipmentSeed("S1", "A1", "SF", "packed")],
    dealers=[DealerSeed("301", "x", "east", stock_notices={"zh": "有"})],
    tickets=[TicketSeed("T1", "80001", "open", "repair", date(2026, 11, 20))],
    promises=[PromiseSeed("p", "80001", "x", date(2026, 11, 20))],
)


@pytest.fixture
async def of_0001(tmp_path: Path) -> Path:
    """A store that an older program has filled."""
    await migrate(sqlite_url(tmp_path / "crm.db"), "0001")
    with sqlite3.connect(tmp_path / "crm.db") as database:
        database.executescript(_OF_0001)
    return tmp_path / "crm.db"


def _rows(file: Path, table: str) -> list[dict[str, Any]]:
    with sqlite3.connect(file) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]  # noqa: S608


async def test_0002_keeps_the_rows_and_finds_each_customers_first_call(of_0001: Path) -> None:
    before = {table: _rows(of_0001, table) for table in _TABLES_OF_0001}
    await migrate(sqlite_url(of_0001))
    after = {table: _rows(of_0001, table) for table in _TABLES_OF_0001}
    assert [row["first_call_id"] for row in after["customers"]] == ["first", "only"]
    for table, rows in before.items():
        assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows, table


async def test_0002_and_back_loses_nothing_that_0001_knows(of_0001: Path) -> None:
    before = {table: _rows(of_0001, table) for table in _TABLES_OF_0001}
    url = sqlite_url(of_0001)
    await migrate(url)
    await go_back(url, "0001")
    assert {table: _rows(of_0001, table) for table in _TABLES_OF_0001} == before


async def test_rows_in_every_new_table_do_not_stop_a_downgrade(of_0001: Path) -> None:
    url = sqlite_url(of_0001)
    await migrate(url)
    await _fill(url)
    new = set(metadata.tables) - {*_TABLES_OF_0001, "agent_events"}
    assert all(_rows(of_0001, table) for table in new)
    await go_back(url, "0001")
    with sqlite3.connect(of_0001) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert not names & new
    assert {row["name"] for row in _rows(of_0001, "customers")} == {"王芳", "李雷", ""}


async def test_who_has_never_called_has_never_called_after_down_and_up(of_0001: Path) -> None:
    """And 0001's program takes any call of theirs for the first one."""
    url = sqlite_url(of_0001)
    await migrate(url)
    await _fill(url)
    await go_back(url, "0001")
    [never] = [row for row in _rows(of_0001, "customers") if row["name"] == "李雷"]
    assert never["first_call_at"] > "9997"
    await migrate(url)
    assert {row["name"]: row["first_call_at"] for row in _rows(of_0001, "customers")} == {
        "王芳": "2026-01-01 00:00:00.000000",
        "李雷": None,
        "": "2026-02-01 00:00:00.000000",
    }


async def test_keys_hold_again_after_a_migration(of_0001: Path) -> None:
    await migrate(sqlite_url(of_0001))
    engine = connect(sqlite_url(of_0001))
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM customers WHERE id = 7"))
    await engine.dispose()


async def test_a_migration_that_would_leave_rows_pointing_to_nothing_is_undone(of_0001: Path) -> None:
    with sqlite3.connect(of_0001) as database:
        database.execute("DELETE FROM customers WHERE id = 9")
    with pytest.raises(IntegrityError, match="point to nothing"):
        await migrate(sqlite_url(of_0001))
    with sqlite3.connect(of_0001) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


async def _fill(url: str) -> None:
    store = CrmStore(url)
    await sow(store, _SEED)
    said = {"number": "", "service": 5, "box": "sales", "code": "sale", "file": "x_1"}
    kinds = ("call_started", "voicemail", "survey", "leg", "disposition", "recorded")
    await store.apply([Logged(seq, Entry("new", kind, 1000.0, said)) for seq, kind in enumerate(kinds)])
    await store.close()


def test_the_same_revisions_can_be_written_for_postgresql() -> None:
    made = config()
    made.output_buffer = io.StringIO()
    made.attributes["dialect"] = "postgresql"
    command.upgrade(made, "head", sql=True)
    sql = made.output_buffer.getvalue()
    assert "TIMESTAMP WITH TIME ZONE" in sql
    assert "NUMERIC(18, 4)" in sql
    assert all(f"CREATE TABLE {table}" in sql for table in metadata.tables)


def test_the_way_back_can_be_written_for_postgresql() -> None:
    made = config()
    made.output_buffer = io.StringIO()
    made.attributes["dialect"] = "postgresql"
    command.downgrade(made, "0002:0001", sql=True)
    sql = made.output_buffer.getvalue()
    assert "ALTER TABLE customers ALTER COLUMN first_call_at SET NOT NULL" in sql
    assert "DROP TABLE orders" in sql
