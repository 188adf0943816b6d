"""A file into the store: read, held against the house and the store, and written whole or not at all."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Protocol

from sqlalchemy import Connection

from crm_bridge import bulk
from crm_bridge.importing import costs, customers, dealers, orders, shipments
from crm_bridge.importing.column import Column, Sheet, read_sheet
from crm_bridge.importing.house import House, Who
from crm_bridge.importing.plan import Difference, Plan
from crm_bridge.importing.problem import SHOWN, Problem, Problems
from crm_bridge.importing.table import read_table
from crm_bridge.store import CrmStore


class _Planner(Protocol):
    def __call__(self, connection: Connection, sheet: Sheet, house: House, problems: Problems) -> Plan: ...


@dataclass(frozen=True, slots=True)
class Noun:
    """What can be imported."""

    columns: Callable[[House], Sequence[Column]]
    plan: _Planner


NOUNS: Mapping[str, Noun] = {
    "customers": Noun(customers.columns, customers.plan),
    "orders": Noun(orders.columns, orders.plan),
    "shipments": Noun(shipments.columns, shipments.plan),
    "dealers": Noun(dealers.columns, dealers.plan),
    "costs": Noun(costs.columns, costs.plan),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the file is to be read; `table` and `column` have the words."""

    encoding: str = "auto"
    delimiter: str = "auto"
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignored: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of it. ``problems``: the first ones of ``problem_count``; if there is any, nothing was written.
    ``differences``: the first ones of what was,
    or would be, new and changed. ``encoding``, ``delimiter``: as found."""

    rows: int
    new: int
    changed: int
    same: int
    problem_count: int
    problems: Sequence[Problem]
    differences: Sequence[Difference]
    encoding: str
    delimiter: str
    written: bool


async def bring_in(
    store: CrmStore,
    noun: str,
    data: bytes,
    house: House,
    who: Who,
    *,
    reading: Reading | None = None,
    dry_run: bool = False,
) -> Brought:
    """Raises Unreadable, and StoreAway. A dry run only reads."""
    with _many_lasting_things():
        return await _bring_in(store, noun, data, house, who, reading, dry_run)


@contextmanager
def _many_lasting_things() -> Iterator[None]:
    """Python's collector would go through hundreds of thousands of rows again and again, and find nothing to collect: a
    third of all the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


async def _bring_in(
    store: CrmStore, noun: str, data: bytes, house: House, who: Who, reading: Reading | None, dry_run: bool
) -> Brought:
    how, problems = reading or Reading(), Problems()
    table = await asyncio.to_thread(read_table, data, encoding=how.encoding, delimiter=how.delimiter)
    told = partial(Brought, rows=len(table.rows), encoding=table.encoding, delimiter=table.delimiter)
    columns = NOUNS[noun].columns(house)
    sheet = await asyncio.to_thread(
        partial(read_sheet, table, columns, problems, renamed=how.renamed, ignored=how.ignored)
    )
    del table
    if sheet is None:
        return told(
            new=0,
            changed=0,
            same=0,
            problem_count=problems.count,
            problems=problems.first,
            differences=(),
            written=False,
        )
    plan_of: _Planner = NOUNS[noun].plan
    if noun == "dealers":
        known = await store.read(partial(dealers.known_hashes, sheet=sheet))
        plan_of = partial(dealers.plan, pins=await asyncio.to_thread(dealers.hashes, known, sheet))

    def work(connection: Connection) -> Plan:
        with bulk.room(connection):
            plan = plan_of(connection, sheet, house, problems)
            if not dry_run and not problems.count:
                plan.write(connection, who)
        return plan

    plan = await (store.read(work) if dry_run else store.write(work))
    return told(
        new=plan.new,
        changed=plan.changed,
        same=plan.same,
        problem_count=problems.count,
        problems=problems.first,
        differences=() if problems.count else tuple(islice(plan.differences(), SHOWN)),
        written=not dry_run and not problems.count,
    )
