"""visible: how soon a reader sees the outcome of a call that has ended.

Calls come in at 50 a second (Poisson), and each goes on for a second, so the relay always has news. The clock runs from
the moment when the outcome is durable in the journal until a reader in a process of its own, who looks every 2 ms, has
read it in the database.
"""

from __future__ import annotations

import asyncio
import random
import time
from itertools import accumulate

from bench.children import BenchError
from bench.crm.apart import apart, look_on
from bench.crm.calls import take_call
from bench.crm.databases import KINDS, Databases
from bench.figures import Report, Target, report
from crm_bridge.journal import Journal
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore

_RATE, _LASTS_S, _SEED = 50.0, 1.0, 20261128
_WANTED = "100 ms"


async def run(databases: Databases, count: int) -> Report:
    """``count`` calls."""
    samples = {}
    for kind in KINDS:
        async with databases.fresh(kind) as url:
            samples[kind] = await _delays_ms(databases, url, count)
    return report(
        "crm visible",
        "outcome in the journal → seen by a reader",
        "ms",
        {**samples, _WANTED: [100.0]},
        [Target(kind, _WANTED, "p99", "at most", 1.0) for kind in KINDS],
        notes=(f"{_RATE:g} calls a second, {_LASTS_S:g} s each; the reader looks every 2 ms.",),
    )


async def _delays_ms(databases: Databases, url: str, count: int) -> list[float]:
    journal, store = await Journal.open(databases.room() / "journal.db"), CrmStore(url)
    relay = Relay(journal, store)
    running = asyncio.create_task(relay.run())
    with apart(look_on, url) as (_, pipe):
        ended = dict(await asyncio.gather(*(_call(journal, nr, at) for nr, at in enumerate(_arrivals(count)))))
        await relay.stop(60)
        await running
        await asyncio.sleep(0.1)
        pipe.send("enough")
        seen = await asyncio.to_thread(pipe.recv)
    await asyncio.gather(store.close(), journal.close())
    if missing := ended.keys() - seen.keys():
        raise BenchError(f"visible: {len(missing)} of {count} calls were never seen")
    return [1000 * (seen[call_id] - at) for call_id, at in ended.items()]


def _arrivals(count: int) -> list[float]:
    """Seconds from now."""
    chance = random.Random(_SEED)
    return list(accumulate(chance.expovariate(_RATE) for _ in range(count)))


async def _call(journal: Journal, nr: int, at: float) -> tuple[str, float]:
    """Its id, and when its outcome was durable."""
    await asyncio.sleep(at)
    return await take_call(journal, nr, lasts_s=_LASTS_S), time.monotonic()
