"""kills: a process that relays is killed (SIGKILL) again and again, while it relays; afterwards each call is there
once.

Before each life new calls are in the journal. The instant of each death is drawn with a seed, uniform over what a life
takes that is left alone. At the end one life is let finish, and each call is held against what was journalled.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from sqlalchemy import Connection, select

from bench.crm.apart import apart, relay_on
from bench.crm.calls import ENTRIES, number_of, take_call
from bench.crm.databases import KINDS, Databases
from bench.figures import Report, Target, report
from crm_bridge.journal import Journal
from crm_bridge.models import call_events, calls, customer_numbers, legs
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore

_BATCH = 60  # entries: so that a life has several batches
_SEED = 20261128
_ONCE = "once each"


@dataclass(slots=True)
class _Struck:
    """Of the deaths: those with work left to do, and those between the store's commit and the relay's mark."""

    kills: int = 0
    working: int = 0
    doubled: int = 0


async def run(databases: Databases, count: int, kills: int) -> Report:
    """``count`` calls in all."""
    samples: dict[str, list[float]] = {}
    notes = []
    for kind in KINDS:
        async with databases.fresh(kind) as url:
            struck = _Struck()
            samples[kind] = await _kills(databases, url, count, kills, struck)
        notes.append(
            f"{kind}: {struck.kills} kills, {struck.working} of them with entries left to relay, {struck.doubled}"
            " between the store's commit and the mark in the journal."
        )
    return report(
        "crm exactly once",
        "a process that relays is killed at random points",
        "1: exactly once",
        {**samples, _ONCE: [1.0]},
        [Target(kind, _ONCE, "mean", "at least", 1.0) for kind in KINDS],
        notes=(
            f"{count} calls; n counts calls. 1: one row of `calls` with its outcome, one of `call_events` for each of"
            f" its {ENTRIES} entries, one of `legs`, one customer with its number. Seed {_SEED}.",
            *notes,
        ),
    )


async def _kills(databases: Databases, url: str, count: int, kills: int, struck: _Struck) -> list[float]:
    journal, store = await Journal.open(databases.room() / "journal.db"), CrmStore(url)
    chance, ends = random.Random(_SEED), [count * nr // (kills + 1) for nr in range(1, kills + 2)]
    life_s = await _life_s(journal, url, ends[0])
    for first, end in pairwise(ends):
        await _take(journal, range(first, end))
        with apart(relay_on, journal.path, url, _BATCH):
            await asyncio.sleep(chance.uniform(0, life_s))
        await _note(struck, journal, store)
    while await Relay(journal, store).once():
        pass
    found = await store.read(partial(rightness, count=count))
    await asyncio.gather(store.close(), journal.close())
    return found


async def _take(journal: Journal, numbers: range) -> None:
    await asyncio.gather(*(take_call(journal, nr) for nr in numbers))


async def _life_s(journal: Journal, url: str, each: int) -> float:
    """How long the first calls take a relay that nobody kills."""
    await _take(journal, range(each))
    with apart(relay_on, journal.path, url, _BATCH):
        began = time.monotonic()
        while (await journal.backlog()).pending:  # noqa: ASYNC110 (it is another process's work)
            await asyncio.sleep(0.005)
        return time.monotonic() - began


async def _note(struck: _Struck, journal: Journal, store: CrmStore) -> None:
    left = [(logged.entry.call_id, logged.seq) for logged in await journal.unrelayed(100_000)]
    struck.kills += 1
    struck.working += bool(left)
    of = {call_id for call_id, _ in left}
    known = select(call_events.c.call_id, call_events.c.seq).where(call_events.c.call_id.in_(of))
    there = await store.read(lambda connection: {tuple(row) for row in connection.execute(known)})
    struck.doubled += not there.isdisjoint(left)


def rightness(connection: Connection, count: int) -> list[float]:
    """Of each call."""
    over = select(calls.c.call_id).where(calls.c.outcome.is_not(None))
    rows, events, talks = (
        Counter(connection.execute(query).scalars())
        for query in (over, select(call_events.c.call_id), select(legs.c.call_id))
    )
    numbers = Counter(connection.execute(select(customer_numbers.c.e164)).scalars())
    return [
        float((rows[id_], events[id_], talks[id_], numbers[f"+86{number_of(nr)}"]) == (1, ENTRIES, 1, 1))
        for nr in range(count)
        for id_ in (f"bench-{nr}",)
    ]
