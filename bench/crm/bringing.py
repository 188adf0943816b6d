"""import: rows a second of files of customers and of orders, by what `hotline import` calls: from the file's bytes to
the commit. Everything is new; an order has a customer of the first file and one line."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

from bench.children import BenchError
from bench.crm.databases import KINDS, Databases
from bench.figures import Report, Target, report
from crm_bridge.importing.bring import bring_in
from crm_bridge.importing.house import House, Who
from crm_bridge.store import CrmStore

_ROUNDS = 2
_WANTED = "20,000 rows/s"
_WHO = Who("import:bench.csv", datetime(2026, 11, 28, 12, tzinfo=UTC), date(2026, 11, 28))


async def run(databases: Databases, rows: int) -> Report:
    """``rows`` of each file."""
    files = {"customers": _customers(rows), "orders": _orders(rows)}
    samples: dict[str, list[float]] = {f"{noun}, {kind}": [] for kind in KINDS for noun in files}
    for _ in range(_ROUNDS):
        for kind in KINDS:
            async with databases.fresh(kind) as url:
                store = CrmStore(url)
                for noun, data in files.items():
                    samples[f"{noun}, {kind}"].append(rows / await _took_s(store, noun, data, rows))
                await store.close()
    return report(
        "crm import",
        "files brought in",
        "rows/s",
        {**samples, _WANTED: [20_000.0]},
        [Target(peer, _WANTED, "p50", "at least", 1.0) for peer in samples],
        notes=(
            f"{rows:,} rows a file, {_ROUNDS} rounds (n; p50 is the slower one), each into a database that is new.",
        ),
    )


async def _took_s(store: CrmStore, noun: str, data: bytes, rows: int) -> float:
    began = time.perf_counter()
    found = await bring_in(store, noun, data, House(), _WHO)
    if not found.written or found.new != rows:
        raise BenchError(f"import: {found.new} of {rows} {noun} are new: {list(found.problems)}")
    return time.perf_counter() - began


def _customers(rows: int) -> bytes:
    lines = ["number,name,phones,tier,owner,language,company,region,email"]
    lines += [
        f"K{nr},王芳 {nr},137{nr:08},{tier},{1001 + nr % 20},mandarin,,{region},k{nr}@example.com"
        for nr in range(rows)
        for tier, region in (("gold", "north") if nr % 2 else ("silver", "south"),)
    ]
    return "\n".join(lines).encode()


def _orders(rows: int) -> bytes:
    lines = ["number,customer,placed_on,status,product,name,quantity,price"]
    lines += [
        f"B{nr},K{nr * 7919 % rows},2026-{1 + nr % 12:02}-{1 + nr % 28:02},delivered,LT-{nr % 50},Laptop,{1 + nr % 3},"
        f"{4000 + nr % 900}.50"
        for nr in range(rows)
    ]
    return "\n".join(lines).encode()
