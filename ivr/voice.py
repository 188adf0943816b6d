"""The port through which a flow speaks and listens. The interpreter owns it.

The AGI twin is `ivr/agi_voice.py`; the terminal and the tests have their own. Endings are values:
a hang-up, a silence or a match is an everyday `Heard`, not an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ivr.spoken import Spoken


class Ended(StrEnum):
    """Why speaking or listening ended."""

    KEYS = "keys"  # `Heard.keys` has them
    SILENCE = "silence"  # the prompt was heard to its end, or the time-out passed
    MATCH = "match"  # the router woke us: an agent may have been found
    GONE = "gone"  # the caller has hung up, or the line to Asterisk is cut


@dataclass(frozen=True, slots=True)
class Heard:
    ended: Ended
    keys: str = ""


SILENCE = Heard(Ended.SILENCE)
MATCH = Heard(Ended.MATCH)
GONE = Heard(Ended.GONE)


class Voice(Protocol):
    """One caller's ear and keypad. ``prompts`` are prompt keys of the site ("welcome"); ``language`` is
    chosen with `speak_language` and applies from then on."""

    def speak_language(self, language: str) -> None: ...

    async def play(self, prompts: Sequence[str], *, barge_in: bool = True) -> Heard:
        """Play; SILENCE at the end of the last prompt. With ``barge_in`` a key ends it (one key is in
        `keys`); without, keys are ignored."""

    async def say(self, spoken: Spoken, *, barge_in: bool = True) -> Heard:
        """Say a number, a date, … in the language chosen; ends as `play` does. What cannot be put into words is
        replaced (by its digits, or a beep), never left out."""

    async def ask(
        self, prompts: Sequence[str], *, first_digit_s: float, inter_digit_s: float, max_digits: int
    ) -> Heard:
        """Play, with barge-in, then listen. ``first_digit_s`` starts when the last prompt has ended,
        ``inter_digit_s`` after each key. KEYS with 1..max_digits keys of 0-9*, or SILENCE.
        '#' ends the entry; '#' alone gives KEYS with keys == ''."""
