"""wait: how long callers wait for one of twenty agents at nine tenths of what these can do.

Conversations of 10 s in the mean (exponential), Poisson arrivals, drawn once: every peer gets the same calls at the
same instants. The floor is what no switch can beat for those calls: first come, first served, and no time lost between
two conversations of an agent. (In the long run it is Erlang's M/M/20; a run of some minutes is far from the long run,
so it is worked out for the calls of this run.)
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapreplace

from bench.children import BenchError
from bench.figures import Report, Target, report
from bench.hall import Hall
from bench.numbers import AGENTS, HOTLINE_RING, QUEUE_RING
from hotline.sip.phones import AgentPhones
from hotline.sip.scenario import Dial, PhoneManner
from hotline.sip.timeline import PhoneCall, overlaps

CALLS = 600
_PEERS = {"hotline": HOTLINE_RING, "app_queue": QUEUE_RING}
_TALK_S, _LOAD, _SEED = 10.0, 0.9, 20261123
_RATE = 200.0  # how fast SIPp takes up the calls, each of which then waits for its own instant
_HEAD_S = 5.0  # so that the first instant has not passed when its call is taken up
_TARGETS = (Target("hotline", "floor", "mean", "at most", 1.1),)


@dataclass(frozen=True, slots=True)
class Draw:
    """``arrivals``: seconds from the beginning, ascending. ``talks``: seconds, one for each."""

    arrivals: tuple[float, ...]
    talks: tuple[float, ...]


def draw(calls: int, agents: int, seed: int = _SEED) -> Draw:
    chance = random.Random(seed)
    rate = _LOAD * agents / _TALK_S
    arrivals, at = [], 0.0
    for _ in range(calls):
        at += chance.expovariate(rate)
        arrivals.append(at)
    return Draw(tuple(arrivals), tuple(chance.expovariate(1 / _TALK_S) for _ in range(calls)))


def floor_waits(arrivals: Sequence[float], talks: Sequence[float], agents: int) -> list[float]:
    """Seconds that each call waits when the first free agent takes the first caller in no time (Kiefer-Wolfowitz)."""
    free_at = [0.0] * agents
    waits = []
    for arrived, talk in zip(arrivals, talks, strict=True):
        begins = max(arrived, free_at[0])
        heapreplace(free_at, begins + talk)
        waits.append(begins - arrived)
    return waits


async def run(hall: Hall, calls: int = CALLS) -> Report:
    drawn = draw(calls, len(AGENTS))
    found: dict[str, list[float]] = {}
    async with hall.phones(PhoneManner(ring_s=0.0, talk_is_told=True)) as phones:
        for peer, number in _PEERS.items():
            found[peer] = await _round(hall, phones, peer, number, drawn)
    return report(
        "wait",
        f"wait for an agent at {_LOAD:.0%} load",
        "s",
        {**found, "floor": floor_waits(drawn.arrivals, drawn.talks, len(AGENTS))},
        _TARGETS,
        notes=(
            f"{calls} calls, the same instants and lengths of talk for each peer (seed {_SEED}); {len(AGENTS)} agents"
            f" who pick up at once, {_TALK_S:g} s of talk in the mean, exponential; Poisson arrivals; no wrap-up, no"
            " whisper.",
            "From a caller's INVITE to an agent's 200 OK, so a peer's way into the queue counts too. floor: the same"
            " calls, first come first served, nothing lost in between. The k-th answer is taken for the k-th caller's:"
            " the mean is exact, the percentiles are exact for a peer that keeps the order.",
        ),
    )


async def _round(hall: Hall, phones: AgentPhones, peer: str, number: str, drawn: Draw) -> list[float]:
    await hall.until_idle()
    before = len(phones.calls())
    calls = len(drawn.arrivals)
    dials = [
        Dial(number, _caller(place, talk), after_s=max(0.0, _HEAD_S + at - place / _RATE))
        for place, (at, talk) in enumerate(zip(drawn.arrivals, drawn.talks, strict=True))
    ]
    async with hall.callers(dials, count=calls, rate=_RATE, at_once=calls) as callers:
        await callers.ended(timeout_s=_HEAD_S + 2 * drawn.arrivals[-1] + 20 * _TALK_S)
        asked: dict[str, float] = {}
        for message in callers.messages():
            if message.sent and message.method == "INVITE":
                asked.setdefault(message.call_id, message.at)
    return _waits(peer, sorted(asked.values()), phones.calls()[before:])


def _waits(peer: str, asked: Sequence[float], rung: Sequence[PhoneCall]) -> list[float]:
    answered = sorted(call.answered_at for call in rung if call.answered_at is not None)
    if len(answered) != len(asked):
        raise BenchError(f"{peer}: {len(answered)} of {len(asked)} calls reached an agent")
    if overlaps(rung):
        raise BenchError(f"{peer}: two calls at one agent at the same time")
    return [at - since for since, at in zip(asked, answered, strict=True)]


def _caller(place: int, talk_s: float) -> str:
    """A number of its own; its last seven digits tell the phone how long to talk, in ms."""
    return f"1{place:05}{max(1, round(1000 * talk_s)):07}"
