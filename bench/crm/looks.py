"""look-up: what the start of a call asks of the CRM, by the number that calls: who it is, with tier, owner, household,
last agent, open orders and promises. `Directory.caller`, in the engine's own process, one after the other; numbers are
drawn with a seed from all customers, so hardly any is asked for twice.

Each third customer has an order (half of them open), each fifth a call of an earlier day, each tenth a promise that is
broken and a household.
*Cold*: nothing of the database is in memory, neither the server's nor the machine's (the server starts anew, the
kernel forgets the files).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table

from bench.children import BenchError
from bench.crm.databases import KINDS, Databases
from bench.figures import Report, Target, report
from crm_bridge import bulk
from crm_bridge.directory import Directory
from crm_bridge.models import calls, customer_numbers, customers, orders, promises
from crm_bridge.store import CrmStore

CUSTOMERS = 200_000
LOOKS = 5000
_COLD, _SEED = 200, 20261128
_WANTED = "3 ms"
_STEP, _SLICE = 1_000_000, 20_000  # customers of one transaction; of one piece of it
_SCATTER = 48_271  # a prime: neighbours by their numbers are none by their rows
_DAY, _AT = date(2026, 11, 20), datetime(2026, 11, 2, 9, tzinfo=UTC)
_Rows = Iterable[tuple[Any, ...]]


async def run(databases: Databases, count: int, looks: int) -> Report:
    """``looks`` among ``count`` customers."""
    warm, cold = {}, {}
    for kind in KINDS:
        async with databases.fresh(kind) as url:
            await _fill(url, count)
            databases.settle(url)
            databases.chill()
            store = CrmStore(url)
            cold[f"{kind}, cold"] = await _asked_ms(store, count, min(looks, _COLD), _SEED)
            await _asked_ms(store, count, looks, _SEED + 1)
            warm[kind] = await _asked_ms(store, count, looks, _SEED + 2)
            await store.close()
    return report(
        "crm look-up",
        f"who calls, among {count:,} customers",
        "ms",
        {**warm, _WANTED: [3.0]},
        [Target(kind, _WANTED, "p99", "at most", 1.0) for kind in KINDS],
        aside=cold,
        notes=(
            "Tier, owner, household, last agent, open orders, open and broken promises by the number:"
            f" `Directory.caller`, one after the other, after {looks} others. Cold: the first ones after the server has"
            " started anew and the kernel has forgotten all files.",
        ),
    )


async def _asked_ms(store: CrmStore, count: int, looks: int, seed: int) -> list[float]:
    directory = Directory(store, region="CN", codes={}, zone=UTC, clock=time.time)
    chance, found = random.Random(seed), []
    for _ in range(looks):
        number = _phone(chance.randrange(count))
        began = time.perf_counter()
        caller = await directory.caller(number)
        found.append(1000 * (time.perf_counter() - began))
        if not caller.known:
            raise BenchError("look-up: a customer is not known")
    return found


async def _fill(url: str, count: int) -> None:
    store = CrmStore(url)
    for make in (_customers, _numbers, _orders, _calls, _promises):
        for first in range(1, count + 1, _STEP):
            await store.write(partial(make, numbers=range(first, min(count + 1, first + _STEP)), count=count))
    await store.close()


def _add(connection: Connection, table: Table, columns: str, rows: _Rows) -> None:
    left = iter(rows)
    with bulk.room(connection):
        while piece := list(islice(left, _SLICE)):
            bulk.add(connection, table, columns.split(), piece)


def _phone(nr: int) -> str:
    return f"+86139{nr:08}"


def _customers(connection: Connection, numbers: range, count: int) -> None:
    columns = "id number name first_source first_campaign tier owner language household"
    rows = (
        (
            *(nr, f"K{nr}", f"王芳 {nr}", "newspaper", "", "" if nr % 3 else "gold", f"{1001 + nr % 20}", "mandarin"),
            "" if nr % 10 else f"h{nr // 20}",
        )
        for nr in numbers
    )
    _add(connection, customers, columns, rows)


def _numbers(connection: Connection, numbers: range, count: int) -> None:
    rows = ((_phone(nr - 1), 1 + nr * _SCATTER % count) for nr in numbers)
    _add(connection, customer_numbers, "e164 customer_id", rows)


def _orders(connection: Connection, numbers: range, count: int) -> None:
    columns = "number customer_id status amount currency placed_on"
    rows = (
        (f"B{nr}", nr, "delivered" if nr % 2 else "shipped", Decimal("4999.5"), "CNY", _DAY)
        for nr in numbers
        if nr % 3 == 0
    )
    _add(connection, orders, columns, rows)


def _calls(connection: Connection, numbers: range, count: int) -> None:
    words = "dnis ani caller_name media_source named_source campaign language last_node hangup_by cause called_back_of"
    columns = f"call_id customer_id queue agent outcome started_at {words}"
    rows = ((f"c{nr}", nr, "sales", "1001", "answered", _AT, *("",) * 11) for nr in numbers if nr % 5 == 0)
    _add(connection, calls, columns, rows)


def _promises(connection: Connection, numbers: range, count: int) -> None:
    rows = ((f"p{nr}", nr, "call", _DAY, "1001") for nr in numbers if nr % 10 == 0)
    _add(connection, promises, "ref customer_id text due_on keeper", rows)
