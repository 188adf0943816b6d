"""menu: CPU per call through the same menu (answer, welcome, language, topic, hang up): what a machine can carry."""

from __future__ import annotations

from bench.figures import Report, Target, report
from bench.hall import Hall
from bench.numbers import BARE_MENU, FORKED_MENU, HOTLINE_MENU, LANGUAGE_KEY, TOPIC_KEY
from bench.spending import on_top, spending
from hotline.sip.callers import CallPlan, KeyPress
from hotline.sip.scenario import Dial

CALLS = 210
_BARE = "bare dialplan"
_PEERS = {"hotline": HOTLINE_MENU, _BARE: BARE_MENU, "forked pyst2": FORKED_MENU}
# A caller who listens: the welcome to its end, and most of each menu.
_KEYS = (KeyPress(5.0, LANGUAGE_KEY), KeyPress(9.0, TOPIC_KEY))
_RATE = 12.0
_ROUNDS = 5
_TARGETS = (
    Target("hotline", _BARE, "p50", "at most", 1.3),
    Target("hotline", "forked pyst2", "p50", "at most", 0.1),
)


async def run(hall: Hall, calls: int = CALLS) -> Report:
    each = max(1, calls // _ROUNDS)
    peers = {peer: Dial(number) for peer, number in _PEERS.items()}
    spent = await spending(hall, peers, CallPlan(keys=_KEYS), each=each, rounds=_ROUNDS, rate=_RATE)
    samples = spent.per_call_ms
    return report(
        "menu",
        "CPU per call through the menu",
        "ms",
        samples,
        _TARGETS,
        aside={f"{peer}, on top of {_BARE}": on_top(samples, peer, _BARE) for peer in samples if peer != _BARE},
        notes=(
            f"{each * _ROUNDS} calls per peer at {_RATE:g} a second, in {_ROUNDS} alternating rounds; n counts rounds,"
            f" for CPU time is read for a round as a whole. Keys at {_KEYS[0].after_s:g} s and {_KEYS[1].after_s:g} s,"
            " as a caller presses them who listens: the shorter a call, the larger the share of all that is not sound.",
            "Asterisk + engine + supervisor + forked children, user and system, less what they use without calls"
            f" ({100 * spent.idle:.1f} % of a core). hotline's figure has the tag, the journal on disk"
            " and the CRM row in it; the peers keep no record.",
        ),
    )
