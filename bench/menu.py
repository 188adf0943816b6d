"""menu: CPU per call through the same menu (answer, welcome, language, topic, hang up): what a machine can carry.

Counted: Asterisk, the engine, `hotline up`, and every process that Asterisk forks; less what the same processes use in
the same time without calls. Rounds are short and alternate, so that what drifts, drifts for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from bench.children import BenchError
from bench.cpu import cpu_s
from bench.figures import Report, Target, report
from bench.hall import Hall
from bench.numbers import BARE_MENU, FORKED_MENU, HOTLINE_MENU, LANGUAGE_KEY, TOPIC_KEY
from hotline.sip.callers import CallPlan, KeyPress
from hotline.sip.scenario import Dial

CALLS = 210
_BARE = "bare dialplan"
_PEERS = {"hotline": HOTLINE_MENU, _BARE: BARE_MENU, "forked pyst2": FORKED_MENU}
# A caller who listens: the welcome to its end, and most of each menu.
_KEYS = (KeyPress(5.0, LANGUAGE_KEY), KeyPress(9.0, TOPIC_KEY))
_RATE = 12.0
_ROUNDS = 5
_IDLE_S = 6.0
_FIRST = 5
_TARGETS = (
    Target("hotline", _BARE, "p50", "at most", 1.3),
    Target("hotline", "forked pyst2", "p50", "at most", 0.1),
)


async def run(hall: Hall, calls: int = CALLS) -> Report:
    for number in _PEERS.values():
        await _used_s(hall, number, _FIRST)  # the first of everything is not counted
    idle = [await _idle(hall)]
    each = max(1, calls // _ROUNDS)
    turns = [(peer, number) for _ in range(_ROUNDS) for peer, number in _PEERS.items()]
    spent = [(peer, *await _used_s(hall, number, each)) for peer, number in turns]
    idle.append(await _idle(hall))
    samples = per_call_ms(spent, each, sum(idle) / len(idle))
    return report(
        "menu",
        "CPU per call through the menu",
        "ms",
        samples,
        _TARGETS,
        aside={f"{peer}, on top of {_BARE}": _on_top(samples, peer) for peer in samples if peer != _BARE},
        notes=(
            f"{each * _ROUNDS} calls per peer at {_RATE:g} a second, in {_ROUNDS} alternating rounds; n counts rounds,"
            f" for CPU time is read for a round as a whole. Keys at {_KEYS[0].after_s:g} s and {_KEYS[1].after_s:g} s,"
            " as a caller presses them who listens: the shorter a call, the larger the share of all that is not sound.",
            "Asterisk + engine + supervisor + forked children, user and system, less what they use without calls"
            f" ({100 * sum(idle) / len(idle):.1f} % of a core). hotline's figure has the tag, the journal on disk"
            " and the CRM row in it; the peers keep no record.",
        ),
    )


def per_call_ms(spent: Sequence[tuple[str, float, float]], calls: int, idle: float) -> dict[str, list[float]]:
    """``spent``: (peer, CPU seconds, seconds on the clock), one per round of ``calls``; ``idle``: CPU s per s."""
    found: dict[str, list[float]] = {}
    for peer, used_s, took_s in spent:
        found.setdefault(peer, []).append(1000 * (used_s - took_s * idle) / calls)
    return found


def _on_top(samples: Mapping[str, Sequence[float]], peer: str) -> list[float]:
    """Round by round, so that both had the same machine."""
    return [mine - bare for mine, bare in zip(samples[peer], samples[_BARE], strict=True)]


async def _used_s(hall: Hall, number: str, calls: int) -> tuple[float, float]:
    """CPU seconds and seconds on the clock, until the last call's row is in the CRM store."""
    await hall.until_told()
    cpu, at = cpu_s(hall.up), time.monotonic()
    async with hall.callers([Dial(number)], CallPlan(keys=_KEYS), count=calls, rate=_RATE) as callers:
        await callers.ended(timeout_s=30 + calls / _RATE)
        if any(call.ended != "peer" for call in callers.calls.values()):
            raise BenchError(f"a call to {number} did not come through the menu")
    await hall.until_told()
    return cpu_s(hall.up) - cpu, time.monotonic() - at


async def _idle(hall: Hall) -> float:
    """CPU seconds a second."""
    cpu, at = cpu_s(hall.up), time.monotonic()
    await asyncio.sleep(_IDLE_S)
    return (cpu_s(hall.up) - cpu) / (time.monotonic() - at)
