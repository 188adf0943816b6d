"""ring: an agent hangs up → the next call's INVITE at a phone. The figure that a caller's wait is made of.

Twenty phones, all peers one after the other, in turns: the same phones, callers and music. The phones' own logs are the
clock: BYE sent → INVITE received.
"""

from __future__ import annotations

from bench.children import BenchError
from bench.figures import Report, Target, report
from bench.hall import Hall
from bench.numbers import AGENTS, ECHO_RING, HOTLINE_RING, QUEUE_RING
from hotline.sip.phones import AgentPhones
from hotline.sip.scenario import Dial, PhoneManner, Talk
from hotline.sip.timeline import PhoneCall, handovers, overlaps

CALLS = 240
_PEERS = {"hotline": HOTLINE_RING, "echo": ECHO_RING, "app_queue": QUEUE_RING}
_TALK = Talk(2, 6)
_WAITING = 20  # callers who wait besides the twenty who talk: the queue is never empty before the last call has come
_RATE = 20.0
_ROUNDS = 2
_TARGETS = (
    Target("app_queue", "hotline", "p50", "at least", 100),
    Target("app_queue", "hotline", "p99", "at least", 60),
    Target("hotline", "echo", "p50", "at most", 1.5),
)


async def run(hall: Hall, calls: int = CALLS) -> Report:
    samples: dict[str, list[float]] = {peer: [] for peer in _PEERS}
    async with hall.phones(PhoneManner(ring_s=0.2, talk=_TALK)) as phones:
        for _ in range(_ROUNDS):
            for peer, number in _PEERS.items():
                found = await _round(hall, phones, number, calls // _ROUNDS)
                _check(peer, found, calls // _ROUNDS)
                samples[peer] += [1000 * pair.delay_s for pair in handovers(found)]
    return report(
        "ring",
        "agent hangs up → next INVITE at a phone",
        "ms",
        samples,
        _TARGETS,
        notes=(
            f"{calls} calls per peer in {_ROUNDS} turns, {len(AGENTS)} agents, talk {_TALK.least_s:g}-"
            f"{_TALK.most_s:g} s uniform, {_WAITING} callers waiting with music; no wrap-up, no whisper for anybody.",
            "hotline is the whole engine: outcome on disk before the agent is free, matching, agents' states, the"
            " phone's own word that it is free. echo: the same mechanism with none of these. app_queue: leastrecent,"
            " autofill, retry=1, ringinuse=no.",
        ),
    )


async def _round(hall: Hall, phones: AgentPhones, number: str, calls: int) -> list[PhoneCall]:
    """Its own calls only, as the phones saw them."""
    await hall.until_idle()
    before = len(phones.calls())
    at_once = len(AGENTS) + _WAITING
    async with hall.callers([Dial(number)], count=calls, rate=_RATE, at_once=at_once) as callers:
        await callers.ended(timeout_s=30 + 8 * calls / len(AGENTS) + calls / _RATE)
    return phones.calls()[before:]


def _check(peer: str, found: list[PhoneCall], calls: int) -> None:
    """A peer that dropped a call or rang a phone twice was not fast, it was wrong."""
    answered = sum(1 for call in found if call.answered_at is not None)
    if answered != calls:
        raise BenchError(f"{peer}: {answered} of {calls} calls reached an agent")
    if overlaps(found):
        raise BenchError(f"{peer}: two calls at one agent at the same time")
