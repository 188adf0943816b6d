"""ivr: the same menu (two prompts, two levels, one look-up of who calls) in hotline, bare dialplan, a forked pyst2 AGI
and ARI: CPU per call, the highest clean rate, how soon the next prompt is heard, and what a waiting caller weighs.
"""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator, Mapping

from bench.carrying import rates, weight
from bench.children import BenchError
from bench.figures import Report, Target, report
from bench.hall import Hall
from bench.numbers import (
    ARI_IVR,
    BARE_IVR,
    FORKED_IVR,
    HOTLINE_IVR,
    KNOWN_CALLER,
    LANGUAGE_KEY,
    TOPIC_KEY,
)
from bench.spending import on_top, spending
from hotline.sip.callers import Callers, CallPlan, KeyPress, LiveCall
from hotline.sip.scenario import Dial

CALLS = 200
_HOTLINE, _BARE, _FORKED, _ARI = "hotline", "bare dialplan", "forked pyst2", "ARI"
_PEERS = {_HOTLINE: HOTLINE_IVR, _BARE: BARE_IVR, _FORKED: FORKED_IVR, _ARI: ARI_IVR}
_ROUNDS = 5
_RATE = 12.0
_PROMPT_RATE = 5.0
_LISTENING = CallPlan(keys=(KeyPress(3.0, LANGUAGE_KEY), KeyPress(6.0, TOPIC_KEY)))


async def run(hall: Hall, calls: int = CALLS) -> AsyncIterator[Report]:
    """One report after the other. ``calls`` per peer for the CPU; a third of them for the prompts."""
    dials = {peer: Dial(number, KNOWN_CALLER) for peer, number in _PEERS.items()}
    yield await _cpu(hall, dials, calls)
    yield await _next_prompt(hall, dials, max(20, calls // 3))
    yield await rates(hall, dials, Target(_HOTLINE, _BARE, "p50", "at least", 0.8))
    yield await weight(hall)


async def _cpu(hall: Hall, dials: Mapping[str, Dial], calls: int) -> Report:
    each = max(1, calls // _ROUNDS)
    spent = await spending(hall, dials, _LISTENING, each=each, rounds=_ROUNDS, rate=_RATE)
    samples = spent.per_call_ms
    return report(
        "ivr cpu",
        "CPU per call: two prompts, two levels, one look-up",
        "ms",
        samples,
        (
            Target(_HOTLINE, _BARE, "p50", "at most", 1.3),
            Target(_HOTLINE, _FORKED, "p50", "at most", 1 / 15),
            Target(_HOTLINE, _ARI, "p50", "at most", 0.6),
        ),
        aside={f"{peer}, on top of {_BARE}": on_top(samples, peer, _BARE) for peer in samples if peer != _BARE},
        notes=(
            f"{each * _ROUNDS} calls per peer at {_RATE:g} a second in {_ROUNDS} alternating rounds (n counts rounds),"
            " keys at 3 and 6 s after the answer. All processes: Asterisk, engine, supervisor, forked children, the ARI"
            f" client; less what they use without calls ({100 * spent.idle:.1f} % of a core).",
            "The look-up: hotline asks its CRM store (SQLite) who calls, ARI's client a SQLite file of its own, the"
            " other two AstDB. Only hotline tags and records.",
        ),
    )


async def _next_prompt(hall: Hall, dials: Mapping[str, Dial], calls: int) -> Report:
    """Key up → the first packet of the second prompt. Both are heard by the caller, in the silence after the first."""
    lengths = [_seconds(path) for path in (hall.sounds.language, hall.sounds.topic)]
    first = lengths[0] + 0.8
    plan = CallPlan(keys=(KeyPress(first, LANGUAGE_KEY), KeyPress(first + lengths[1] + 1.0, TOPIC_KEY)))
    count = calls * len(dials)
    async with hall.callers(list(dials.values()), plan, count=count, rate=_PROMPT_RATE, listen=True) as callers:
        await callers.ended(timeout_s=60 + count / _PROMPT_RATE)
        delays = {peer: _delays_ms(callers, dial.number) for peer, dial in dials.items()}
    return report(
        "ivr prompt",
        "key up → the next prompt is heard",
        "ms",
        delays,
        (Target(_HOTLINE, _BARE, "p99", "at most", 1.15),),
        notes=(
            f"{calls} calls per peer, dialled in turn, {_PROMPT_RATE:g} a second; the caller's own ear, 20 ms packets.",
        ),
    )


def _delays_ms(callers: Callers, number: str) -> list[float]:
    mine = {m.call_id for m in callers.messages() if m.sent and m.method == "INVITE" and m.user == number}
    return [1000 * delay(call) for call_id, call in callers.calls.items() if call_id in mine]


def delay(call: LiveCall) -> float:
    """Seconds from the first key's end to the first sound after it."""
    up = call.sound.keys_up_at
    after = [at for at in call.sound.begun_at if up and at >= up[0]]
    if not after:
        raise BenchError("a caller heard no second prompt")
    return after[0] - up[0]


def _seconds(path: str) -> float:
    with wave.open(f"{path}.wav") as sound:
        return float(sound.getnframes() / sound.getframerate())
