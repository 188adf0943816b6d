"""outcomes: how many whole calls a second are in the CRM store.

hotline: calls by the engine's own record, into the real Journal, from there by the real Relay into the real CrmStore,
all in one process as in the engine; from the first entry of the first call until the last outcome is stored and marked
as relayed. Each call is nine entries: one row of `calls`, nine of `call_events`, one of `legs`, and for each second
call a new customer with a number. Many calls go on at once, as many as a large centre has.

The peer is a plain CRM integration: one connection that is kept, the row of `calls` alone (worked out beforehand), in
the same table with the same indexes, and a commit for each call, by the driver's own words. The same durability: WAL
and synchronous=FULL in SQLite, fsync in PostgreSQL. So the peer does much less per call, and pays for each commit; what
a commit costs is the disk's word, and is measured beside. *The same rows*: a peer that stores all that hotline stores,
with a commit for each call (`CrmStore.apply`, a call at a time).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, func, insert, select

from bench.children import BenchError
from bench.crm.calls import ENTRIES, take_call
from bench.crm.databases import KINDS, POSTGRESQL, SQLITE, Databases
from bench.figures import Report, Target, report, spread
from crm_bridge.database import plain_engine
from crm_bridge.journal import Journal
from crm_bridge.models import calls
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore

_ROUNDS = 5
_AT_ONCE = 500
_FORCED = 50
_WANTED = {SQLITE: 20.0, POSTGRESQL: 10.0}


async def run(databases: Databases, count: int) -> Report:
    """``count`` calls in each of five alternating rounds; a tenth of them for the peer, whose pace does not change."""
    few = max(20, count // 10)
    samples: dict[str, list[float]] = {name: [] for kind in KINDS for name in (kind, _peer(kind))}
    same: dict[str, list[float]] = {f"{_peer(kind)}, the same rows": [] for kind in KINDS}
    forcing: list[float] = []
    for _ in range(_ROUNDS):
        for kind in KINDS:
            async with databases.fresh(kind) as url:
                samples[kind].append(await stored_per_s(databases, url, count))
                rows = await asyncio.to_thread(_rows_of, url, few)
            async with databases.fresh(kind) as url:
                samples[_peer(kind)].append(await asyncio.to_thread(_committed_per_s, url, rows))
            async with databases.fresh(kind) as url:
                same[f"{_peer(kind)}, the same rows"].append(await _one_by_one_per_s(databases, url, few))
        forcing += await asyncio.to_thread(_forced_ms, databases.room() / "file")
    disk = spread(forcing)
    return report(
        "crm outcomes",
        "whole calls stored",
        "calls/s",
        samples,
        [Target(kind, _peer(kind), "p50", "at least", wanted) for kind, wanted in _WANTED.items()],
        aside=same,
        notes=(
            f"fsync of 4 KB in between: {disk.p50:.2f} ms (p95 {disk.p95:.2f}).",
            f"{count} calls a round, {few} of the peer; {_ROUNDS} alternating rounds (n counts them); up to {_AT_ONCE}"
            " calls at once.",
            "hotline: nine entries a call, by the engine's own record through Journal, Relay and CrmStore, one process:"
            " a row of calls, nine events, a leg, a customer for each second call. The peer: the row of calls alone, on"
            " a connection that is kept. Both durable: WAL with synchronous=FULL, fsync.",
        ),
    )


def _peer(kind: str) -> str:
    return f"{kind}, a commit a call"


async def stored_per_s(databases: Databases, url: str, count: int) -> float:
    """Raises BenchError when afterwards there is not exactly one row for each call."""
    journal, store = await Journal.open(databases.room() / "journal.db"), CrmStore(url)
    relay = Relay(journal, store)
    running = asyncio.create_task(relay.run())
    began = time.perf_counter()
    await asyncio.gather(*(_callers(journal, first, count) for first in range(min(count, _AT_ONCE))))
    if not await relay.drain(600):
        raise BenchError("outcomes: the relay did not come to an end")
    took_s = time.perf_counter() - began
    await relay.stop(10)
    await running
    over = select(func.count()).where(calls.c.outcome.is_not(None))
    found = await store.read(lambda connection: connection.execute(over).scalar())
    await asyncio.gather(store.close(), journal.close())
    if found != count:
        raise BenchError(f"outcomes: {found} rows of {count} calls")
    return count / took_s


async def _callers(journal: Journal, first: int, count: int) -> None:
    """One call after the other."""
    for nr in range(first, count, _AT_ONCE):
        await take_call(journal, nr)


def _rows_of(url: str, few: int) -> list[dict[str, Any]]:
    """Rows of `calls`, of nobody: the peer keeps no customers."""
    engine = plain_engine(url, reading=True)
    with engine.connect() as connection:
        found = [dict(row) for row in connection.execute(select(calls).limit(few)).mappings()]
    engine.dispose()
    return [{**row, "customer_id": None} for row in found]


def _committed_per_s(url: str, rows: Sequence[Mapping[str, Any]]) -> float:
    engine = plain_engine(url)
    words, values = str(insert(calls).compile(dialect=engine.dialect)), _bound(engine.dialect, rows)
    with engine.connect() as connection:
        began = time.perf_counter()
        for row in values:
            connection.exec_driver_sql(words, row)
            connection.commit()
        took_s = time.perf_counter() - began
    engine.dispose()
    return len(rows) / took_s


async def _one_by_one_per_s(databases: Databases, url: str, count: int) -> float:
    journal, store = await Journal.open(databases.room() / "journal.db"), CrmStore(url)
    for nr in range(count):
        await take_call(journal, nr)
    entries = await journal.unrelayed(count * ENTRIES)
    began = time.perf_counter()
    for first in range(0, len(entries), ENTRIES):
        await store.apply(entries[first : first + ENTRIES])
    took_s = time.perf_counter() - began
    await asyncio.gather(store.close(), journal.close())
    return count / took_s


def _forced_ms(file: Path) -> list[float]:
    found = []
    with file.open("wb", buffering=0) as forced:
        for _ in range(_FORCED):
            forced.write(bytes(4096))
            began = time.perf_counter()
            os.fsync(forced.fileno())
            found.append(1000 * (time.perf_counter() - began))
    return found


def _bound(dialect: Dialect, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """As the driver takes them."""
    how = {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in calls.columns}
    told = [{name: process(row[name]) if process else row[name] for name, process in how.items()} for row in rows]
    return told if dialect.name == "postgresql" else [tuple(row.values()) for row in told]
