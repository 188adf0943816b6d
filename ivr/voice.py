"""The port through which a flow speaks and listens. The interpreter owns it.

The AGI twin is `ivr/agi_voice.py`; the terminal and the tests have their own. Endings are values:
a hang-up, a silence or a match is an everyday `Heard`, not an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Recorded:
    """``ended``: SILENCE (also when ``max_s`` is over), KEYS or GONE. ``seconds``: from the first sound to the last
    one; 0 when there is nothing."""

    ended: Ended
    seconds: float
    keys: str = ""


@dataclass(frozen=True, slots=True)
class ScriptEnd:
    """``ended``: SILENCE (it ran to its end) or GONE (the caller hung up). ``failed``: why it did not do its work, or
    ''. ``values``: what it set."""

    ended: Ended
    values: Mapping[str, str] = field(default_factory=dict)
    failed: str = ""


class CannotGoOn(Exception):
    """Raised by a voice when nobody can play the caller any more (a script that does not fit): it ends the walk, where
    any other fault only sends the call its default way."""


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

    async def play_recording(self, name: str, *, barge_in: bool = True) -> Heard:
        """Play what `record` has recorded under this name; ends as `play` does."""

    async def record(self, name: str, *, max_s: float, silence_s: float, stop_keys: str = "#") -> Recorded:
        """After a beep, record what the caller says until they are silent for ``silence_s``, press one of
        ``stop_keys``, have spoken for ``max_s`` or hang up. ``name``: letters, digits, - and _; what was recorded
        under it before is replaced."""

    async def run_script(
        self, name: str, given: Mapping[str, str], wanted: Sequence[str], *, limit_s: float
    ) -> ScriptEnd:
        """Hand the line over to an AGI script of the site's, until it ends or its time is up. It is ``given`` values,
        and may set those that are ``wanted``; one that it leaves unset or empty is not among them afterwards."""

    async def ask(
        self,
        prompts: Sequence[str],
        *,
        first_digit_s: float,
        inter_digit_s: float,
        max_digits: int,
        barge_in: bool = True,
    ) -> Heard:
        """Play, then listen. Without ``barge_in`` keys count from the end of the prompts on. ``first_digit_s`` starts
        when the last prompt has ended, ``inter_digit_s`` after each key. KEYS with 1..max_digits keys of 0-9*, or
        SILENCE. '#' ends the entry; '#' alone gives KEYS with keys == ''."""
