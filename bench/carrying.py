"""How many calls a second a peer carries without a fault, and what a caller who waits weighs in the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import psutil

from bench.children import BenchError
from bench.figures import Report, Target, report
from bench.hall import Hall
from bench.numbers import HOTLINE_RING, LANGUAGE_KEY, TOPIC_KEY
from bench.rate import highest
from hotline.sip.callers import Callers, CallPlan, KeyPress
from hotline.sip.scenario import Dial
from hotline.sip.sipp import SippError

# Callers who know the menu.
_HASTY = CallPlan(keys=(KeyPress(0.4, LANGUAGE_KEY), KeyPress(0.9, TOPIC_KEY)), give_up_s=10)
_WHOLE_S = 2.0  # from INVITE to BYE: 1.1 s until the second key is up, and what a busy moment may cost
_TRIAL_S = 6.0
_START_RATE, _MOST_RATE = 16.0, 600.0

_WAITING = 1000
_WAITING_RATE = 20.0
_SETTLE_S = 3.0


async def rates(hall: Hall, dials: Mapping[str, Dial], target: Target) -> Report:
    found = {peer: [await highest(_trial(hall, dial), _START_RATE, _MOST_RATE)] for peer, dial in dials.items()}
    if not found[target.bottom][0]:
        raise BenchError(f"not even '{target.bottom}' carries a call without a fault")
    return report(
        "ivr rate",
        "highest clean rate of calls",
        "calls/s",
        found,
        (target,),
        notes=(
            f"Search in the manner of RFC 7502: trials of {_TRIAL_S:g} s, to within 6 %, a rate that failed is tried"
            " once more. Clean: each INVITE sent once and answered, both keys heard, hung up by the menu within"
            f" {_WHOLE_S:g} s. Keys at 0.4 and 0.9 s. The callers are on the same machine; {_MOST_RATE:g} a second is"
            " the most that is tried.",
        ),
    )


def _trial(hall: Hall, dial: Dial) -> Callable[[float], Awaitable[bool]]:
    async def clean(rate: float) -> bool:
        count = max(10, round(rate * _TRIAL_S))
        async with hall.callers([dial], _HASTY, count=count, rate=rate) as callers:
            try:
                await callers.ended(timeout_s=_TRIAL_S + 10)
            except SippError:
                return False
            found = is_clean(callers, count)
        await hall.until_told(60)
        return found

    return clean


def is_clean(callers: Callers, count: int) -> bool:
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for message in callers.messages():
        if message.sent and message.method == "INVITE":
            if message.call_id in began:
                return False  # sent again: nobody had answered in time
            began[message.call_id] = message.at
        elif not message.sent and message.method == "BYE":
            ended.setdefault(message.call_id, message.at)
    whole = [ended[call_id] - at <= _WHOLE_S for call_id, at in began.items() if call_id in ended]
    return len(began) == count and len(whole) == count and all(whole)


async def weight(hall: Hall, waiting: int = _WAITING) -> Report:
    """No phone is up, so everybody waits."""
    engine = _engine(hall)
    before = _kb(engine)
    dials = [Dial(HOTLINE_RING, f"138{number:08}") for number in range(waiting)]
    async with hall.callers(dials, CallPlan(), count=waiting, rate=_WAITING_RATE) as callers:
        await callers.answered(waiting, timeout_s=60 + waiting / _WAITING_RATE)
        await hall.until_waiting(waiting)
        await asyncio.sleep(_SETTLE_S)
        each = (_kb(engine) - before) / waiting
    await hall.until_told(60)
    return report(
        "ivr weight",
        "memory of ours per waiting caller",
        "KB",
        {"hotline": [each]},
        (),
        notes=(
            f"{waiting} callers at once in a queue that nobody serves, music playing: the growth of the engine's"
            " private memory (USS) by the time the last one waits. Wanted: at most 30.",
        ),
    )


def _engine(hall: Hall) -> psutil.Process:
    for process in hall.up.children(recursive=True):
        if "hotline.app" in process.cmdline():
            return process
    raise BenchError("the engine's process is not there")


def _kb(process: psutil.Process) -> float:
    return float(process.memory_full_info().uss) / 1024
