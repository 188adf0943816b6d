"""scale: CPU per delivered call with 5,000 agents logged in, against the same with 50. What a larger house costs.

Every agent has a registered phone and could take the call. Two sites, one after the other, each with an Asterisk of its
own; app_queue is measured beside us in both, with the same members.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.children import BenchError
from bench.figures import Report, Target, report
from bench.hall import Hall, open_staffed_hall
from bench.numbers import HOTLINE_RING, QUEUE_RING
from bench.spending import spending
from hotline.sip.callers import Callers, CallPlan
from hotline.sip.scenario import Dial, PhoneManner, Talk

CALLS = 300
FEW, MANY = 50, 5000
_PEERS = {"hotline": Dial(HOTLINE_RING), "app_queue": Dial(QUEUE_RING)}
_RATE, _ROUNDS, _TALK = 5.0, 3, Talk(1, 3)
_TARGETS = (Target(f"hotline, {MANY}", f"hotline, {FEW}", "p50", "at most", 1.2),)


@asynccontextmanager
async def open_small(work: Path) -> AsyncIterator[Hall]:
    async with open_staffed_hall(work / "few", FEW) as hall:
        yield hall


async def run(few: Hall, calls: int = CALLS) -> Report:
    samples, idle = await _spent(few, FEW, calls)
    async with open_staffed_hall(few.folders.site.parent.parent / "many", MANY) as many:
        more, more_idle = await _spent(many, MANY, calls)
    return report(
        "scale",
        "CPU per delivered call",
        "ms",
        samples | more,
        _TARGETS,
        notes=(
            f"{calls // _ROUNDS * _ROUNDS} calls per peer at {_RATE:g} a second in {_ROUNDS} alternating rounds (n"
            f" counts rounds), talk {_TALK.least_s:g}-{_TALK.most_s:g} s; all agents idle but those who talk.",
            "Asterisk + engine + supervisor, user and system, less what they use without calls:"
            f" {100 * idle:.1f} % of a core with {FEW} agents, {100 * more_idle:.1f} % with {MANY}"
            " (their phones are asked whether they are there).",
        ),
    )


async def _spent(hall: Hall, agents: int, calls: int) -> tuple[dict[str, list[float]], float]:
    async with hall.phones(PhoneManner(ring_s=0.0, talk=_TALK)) as phones:
        before = len(phones.calls())
        spent = await spending(
            hall, _PEERS, CallPlan(), each=calls // _ROUNDS, rounds=_ROUNDS, rate=_RATE, came_through=_talked
        )
        if any(call.answered_at is None for call in phones.calls()[before:]):
            raise BenchError("a phone rang in vain")
    return {f"{peer}, {agents}": list(found) for peer, found in spent.per_call_ms.items()}, spent.idle


def _talked(callers: Callers, _: CallPlan) -> bool:
    """Each caller was answered, and the other side hung up."""
    return all(call.answered_at is not None and call.ended == "peer" for call in callers.calls.values())
