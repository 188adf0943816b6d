"""What a caller hears beside the music: how far they have come, about how long it will take, what else they could do.

Every sentence yields at once: to a key, and to the agent who has been found. A time is said as a range, and not at all
while the queue's last promises were mostly broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

from acd.expected_wait import WaitLook
from acd.router import Ticket
from agi_scripts.centre import Centre
from ivr.agi_voice import AgiVoice
from ivr.spoken import Spoken, SpokenKind
from ivr.spoken.value import spoken
from ivr.voice import SILENCE, Ended, Heard

ANYONE_KEY, CALLBACK_KEY = "1", "2"
_LONGEST_S = 3600.0  # nobody is told a longer time than that
_MINUTE_S = 60.0

Part = str | Spoken


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """When a caller is offered to be called back instead of waiting on: who has waited ``after_s``, or would have to
    wait ``expected_s``. ``trunk``: the carrier that takes the call out. ``open_at``, ``close_at``: hours of the site's
    day between which people are called. ``tries``: at most; ``again_s`` between them; after ``keep_s`` it is a human's
    task."""

    trunk: str
    after_s: float = 120.0
    expected_s: float = 360.0
    open_at: float = 9.0
    close_at: float = 21.0
    tries: int = 3
    again_s: float = 600.0
    ring_s: float = 25.0
    keep_s: float = 96 * 3600.0


@dataclass(frozen=True, slots=True)
class WaitingRules:
    """Of one queue. ``first_s``, ``every_s``: when something is said, counted from the join; None: only music.
    ``position``, ``expected``, ``choice``: whether it is said; ``messages``: prompts, one each time, in turn.
    ``music``: the class of music on hold."""

    first_s: float | None = None
    every_s: float = 60.0
    position: bool = True
    expected: bool = True
    choice: bool = False
    messages: tuple[str, ...] = ()
    music: str = "default"
    callback: CallbackRules | None = None


class Announcer:
    """One caller in one queue. ``due``: the next announcement (Unix s); None: none."""

    def __init__(self, rules: WaitingRules, centre: Centre, ticket: Ticket) -> None:
        self._rules, self._centre, self._ticket = rules, centre, ticket
        self._said = 0
        entered_at = ticket.call.entered_at or ticket.call.joined_at
        self.due = None if rules.first_s is None else max(entered_at + rules.first_s, centre.clock())
        self.offered: frozenset[str] = frozenset()  # the keys that mean something now

    async def speak(self, voice: AgiVoice) -> Heard:
        """Say what is due. The music is off afterwards."""
        look = self._centre.router.wait_look(self._ticket)
        self.due = self._centre.clock() + self._rules.every_s
        if look is None:
            return SILENCE
        parts, self.offered = self._sentence(look)
        self._said += 1
        return await voice.announce(parts) if parts else SILENCE

    def _sentence(self, look: WaitLook) -> tuple[Sequence[Part], frozenset[str]]:
        parts: list[Part] = []
        keys: set[str] = set()
        if self._rules.position:
            parts += ["wait_position", spoken(SpokenKind.NUMBER, str(look.position))]
        if self._rules.expected and look.high_s <= _LONGEST_S:
            parts += self._promise(_in_minutes(look))
        if self._rules.choice and look.anyone_now:
            parts += ["wait_anyone"]
            keys.add(ANYONE_KEY)
        if self._may_be_called_back(look):
            parts += ["wait_callback"]
            keys.add(CALLBACK_KEY)
        if self._rules.messages:
            parts += [self._rules.messages[self._said % len(self._rules.messages)]]
        return parts, frozenset(keys)

    def _promise(self, look: WaitLook) -> Sequence[Part]:
        """Silent while most of the queue's promises are broken; what would have been said is compared all the same, or
        it would be silent for good."""
        aloud = self._centre.router.wait_is_known(self._ticket)
        self._centre.router.announced(self._ticket, look, aloud=aloud)
        return _range(look) if aloud else []

    def _may_be_called_back(self, look: WaitLook) -> bool:
        rules, call = self._rules.callback, self._ticket.call
        if rules is None or call.agent or self._centre.callbacks is None:
            return False
        waited_s = self._centre.clock() - call.joined_at
        return waited_s >= rules.after_s or look.expected_s >= rules.expected_s


def _in_minutes(look: WaitLook) -> WaitLook:
    """The range in whole minutes, as it is said."""
    low_s, high_s = floor(look.low_s / _MINUTE_S) * _MINUTE_S, max(1, ceil(look.high_s / _MINUTE_S)) * _MINUTE_S
    return replace(look, low_s=low_s, high_s=high_s)


def _range(look: WaitLook) -> list[Part]:
    """Between two and four minutes."""
    low, high = round(look.low_s / _MINUTE_S), round(look.high_s / _MINUTE_S)
    if high <= 1:
        return ["wait_under_a_minute"]
    if low < 1:
        return ["wait_at_most", _minutes(high)]
    return ["wait_between", _minutes(low), "wait_and", _minutes(high)]


def _minutes(count: int) -> Spoken:
    return spoken(SpokenKind.DURATION, str(count * 60))


def key_of(heard: Heard, offered: frozenset[str]) -> str:
    """The key that was pressed, if it means something now."""
    return heard.keys if heard.ended is Ended.KEYS and heard.keys in offered else ""
