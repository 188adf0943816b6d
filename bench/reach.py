"""reach: a caller's INVITE → the INVITE at an idle agent's phone, through the menu with keys at fixed times.

Both peers are dialled in turn by one run of callers, so they share every second of the machine. Most of the time is the
caller's own keys; what is left when they are taken away is shown beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bench.children import BenchError
from bench.figures import Report, Target, report
from bench.hall import Hall
from bench.numbers import BARE_AGENTS, BARE_REACH, DESK_AGENTS, HOTLINE_REACH, LANGUAGE_KEY, TOPIC_KEY
from hotline.sip.callers import CallPlan, KeyPress
from hotline.sip.messages import SipMessage
from hotline.sip.scenario import Dial, PhoneManner, Talk
from hotline.sip.timeline import PhoneCall

CALLS = 60
_KEYS = (KeyPress(0.5, LANGUAGE_KEY), KeyPress(1.0, TOPIC_KEY))
_TONE_S = 0.1  # as `LiveCall.press` presses; Asterisk takes a key when it is up again
_PEERS = {"hotline": (HOTLINE_REACH, DESK_AGENTS), "bare Dial()": (BARE_REACH, BARE_AGENTS)}
_RATE = 3.0  # calls a second, both peers together: ten idle agents each are enough for 0.4 s of talk
_TARGETS = (Target("hotline", "bare Dial()", "p50", "at most", 1.25),)


@dataclass(frozen=True, slots=True)
class Way:
    """One call's way, Unix seconds: the caller's INVITE and the agent's."""

    dialled_at: float
    rang_at: float

    @property
    def whole_s(self) -> float:
        return self.rang_at - self.dialled_at

    @property
    def ours_s(self) -> float:
        """Without the time that the caller took for the keys."""
        return self.whole_s - (_KEYS[-1].after_s + _TONE_S)


async def run(hall: Hall, calls: int = CALLS) -> Report:
    dials = [Dial(number, f"1380013800{n}") for n in range(10) for number, _ in _PEERS.values()]
    async with hall.phones(PhoneManner(ring_s=0.2, talk=Talk(0.2, 0.2))) as phones:
        count = calls * len(_PEERS)
        async with hall.callers(dials, CallPlan(keys=_KEYS), count=count, rate=_RATE) as callers:
            await callers.ended(timeout_s=30 + count / _RATE)
        await asyncio.sleep(0.1)
        said, rung = callers.messages(), phones.calls()
    found = {peer: ways(said, number, rung, agents) for peer, (number, agents) in _PEERS.items()}
    return report(
        "reach",
        "caller's INVITE → an idle agent's INVITE, through the menu",
        "ms",
        {peer: [1000 * way.whole_s for way in its] for peer, its in found.items()},
        _TARGETS,
        aside={f"{peer}, without the keys": [1000 * way.ours_s for way in its] for peer, its in found.items()},
        notes=(
            f"{calls} calls per peer, dialled in turn; keys at {_KEYS[0].after_s:g} s and {_KEYS[1].after_s:g} s after"
            " the answer, the same sound files, no whisper.",
            "bare Dial(): Answer, Read, Read, Dial in the dialplan, and nothing else: no tag, no record, no matching.",
        ),
    )


def ways(said: Sequence[SipMessage], number: str, calls: Sequence[PhoneCall], agents: Sequence[str]) -> list[Way]:
    """The n-th call to ``number`` is the n-th to ring one of ``agents``: they are dialled a third of a second and more
    apart, and their keys are at fixed times."""
    dialled = [m for m in said if _is_dialling(m, number)]
    rung = [call for call in calls if call.phone in agents]
    if len(dialled) != len(rung):
        raise BenchError(f"{len(rung)} of {len(dialled)} calls to {number} reached an agent")
    return [Way(m.at, call.invited_at) for m, call in zip(dialled, rung, strict=True)]


def _is_dialling(message: SipMessage, number: str) -> bool:
    return message.sent and message.method == "INVITE" and message.user == number
