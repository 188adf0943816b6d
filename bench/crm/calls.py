"""Calls as the engine writes them, by its own `CallRecord`: nine entries from the first contact to the outcome, two of
them waited for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence

from agi_scripts.record import CallRecord
from crm_bridge.journal import Journal
from crm_bridge.outcome import HangupBy, Outcome
from ivr.media_source import Tag

ENTRIES = 9  # of one call
_AGENTS = tuple(str(1001 + n) for n in range(20))
_SOURCES = ("newspaper", "tv", "web", "packaging")


async def take_call(journal: Journal, nr: int, *, lasts_s: float = 0.0) -> str:
    """An answered call, in ``lasts_s`` from its start to its outcome. Each second caller has called before. Its id;
    durable when this returns."""
    chance = random.Random(nr)
    record = _record(journal, nr)
    await record.begin()
    for step in _steps(record, chance.choice(_AGENTS), lasts_s):
        step()
        if lasts_s:
            await asyncio.sleep(lasts_s / 7)
    await record.end(Outcome.ANSWERED, HangupBy.CALLER)
    return record.call_id


def number_of(nr: int) -> str:
    return f"139{nr // 2:08}"


def _record(journal: Journal, nr: int) -> CallRecord:
    source = _SOURCES[nr % len(_SOURCES)]
    return CallRecord(
        call_id=f"bench-{nr}",
        dnis="4008000001",
        ani=number_of(nr),
        name="",
        tag=Tag(source, f"{source}-spring"),
        channel=f"PJSIP/trunk-{nr:08x}",
        uniqueid=f"1764300000.{nr}",
        journal=journal,
        clock=time.time,
    )


def _steps(record: CallRecord, agent: str, talked_s: float) -> Sequence[Callable[[], None]]:
    return (
        lambda: record.speak("mandarin"),
        lambda: record.entered("topic", "language=mandarin"),
        lambda: record.entered("desk", "language=mandarin;product=laptop"),
        lambda: record.joined("sales", record.clock(), 0),
        lambda: record.offered(agent),
        lambda: record.answered(agent),
        lambda: record.talked(agent, talked_s),
    )
