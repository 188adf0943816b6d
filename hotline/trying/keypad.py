"""The caller's hand: a script first, then a person at the terminal, then nobody, who is silent.

A script is a list with commas, one entry for each time that somebody listens to the caller:

    2,1         key 2 in the first menu, key 1 in the second
    t           the time-out passes: silence in a menu, nobody comes in a queue (an empty entry is the same)
    h           hang up, when the prompts have been heard
    !2, !h      the same in the middle of the next prompt, be it a menu's or a notice's
    a, a45      in a queue: an agent answers, at once or after 45 s; at a transfer: they do
    v12         where a message is recorded: 12 s are spoken, then silence; v12# a key ends it, v12h the hang-up
    tier=gold;day=mon   in an AGI script: it ends, and has set these; = it has set nothing; t its time is over

More keys than a menu takes (`21` where one is enough) go on into the next prompt, as a hasty caller presses them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ivr.voice import CannotGoOn

_ACT = re.compile(
    r"(?P<early>!?)(?:(?P<keys>[0-9*#]{1,64})|(?P<hang_up>h))|(?P<silence>t?)|a(?P<after>[0-9]{0,5})"
    r"|v(?P<spoken>[0-9]{1,4})(?P<end>[0-9*#h]?)|(?P<values>=|[a-z][a-z0-9_]*=[^;]+(;[a-z][a-z0-9_]*=[^;]+)*)"
)
_IN_MENU = "keys, Enter: silence, h: hang up"
_IN_QUEUE = "a: answered (a45: after 45 s), Enter: nobody comes, h: hang up"
_IN_RECORDING = "v12: speak for 12 s (v12# then a key, v12h then hang up), Enter: silence, #: a key at once, h: hang up"
_IN_SCRIPT = "name=value;…: it sets this and ends, =: it ends, Enter: its time is over, h: hang up"


class ScriptError(CannotGoOn):
    """The script, or an entry of it, cannot be done. The message says which and why."""


class Doing(StrEnum):
    KEYS = "keys"
    SILENCE = "silence"
    HANG_UP = "hang_up"
    ANSWER = "answer"  # the agent's doing, not the caller's
    SPEAK = "speak"
    SET = "set"  # a script's doing


@dataclass(frozen=True, slots=True)
class Act:
    """``text`` as it was written. ``early``: in the middle of the next prompt. ``after_s``: how long the caller has
    waited when the agent answers, or has spoken. ``ends``: what follows the speaking, a key or "h". ``values``: what a
    script sets."""

    text: str
    doing: Doing
    keys: str = ""
    early: bool = False
    after_s: float = 0.0
    ends: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


_NOTHING = Act("t", Doing.SILENCE)
_LEFT = Act("h", Doing.HANG_UP)
_MENU = frozenset({Doing.KEYS, Doing.SILENCE, Doing.HANG_UP})
_QUEUE = frozenset({Doing.ANSWER, Doing.SILENCE, Doing.HANG_UP})
_RECORDING = frozenset({Doing.SPEAK, Doing.KEYS, Doing.SILENCE, Doing.HANG_UP})
_SCRIPT = frozenset({Doing.SET, Doing.SILENCE, Doing.HANG_UP})


def parse_act(text: str) -> Act:
    """Raises ScriptError."""
    text = text.strip()
    found = _ACT.fullmatch(text)
    if found is None:
        known = "keys (0-9 * #) nor t, h, a or a45, v12, name=value"
        raise ScriptError(f"'{text}' is neither {known}, nor ! before keys or h")
    early = found["early"] == "!"
    if found["keys"]:
        return Act(text, Doing.KEYS, found["keys"], early)
    if found["hang_up"]:
        return Act(text, Doing.HANG_UP, early=early)
    if found["after"] is not None:
        return Act(text, Doing.ANSWER, after_s=float(found["after"] or 0))
    if found["spoken"] is not None:
        return Act(text, Doing.SPEAK, after_s=float(found["spoken"]), ends=found["end"])
    if found["values"] is not None:
        pairs = (pair.partition("=") for pair in text.split(";") if text != "=")
        return Act(text, Doing.SET, values={name: value for name, _, value in pairs})
    return _NOTHING


def parse_script(text: str) -> tuple[Act, ...]:
    """Raises ScriptError."""
    return tuple(map(parse_act, text.split(","))) if text.strip() else ()


class Keypad:
    """``read(question)``: a line from the person at the terminal, None at its end (which is a hang-up); no ``read``:
    there is no person."""

    def __init__(self, script: Iterable[Act] = (), read: Callable[[str], str | None] | None = None) -> None:
        self._script = deque(script)
        self._read = read

    @property
    def unused(self) -> str:
        return ",".join(act.text for act in self._script)

    def early(self) -> Act | None:
        """What is done in the middle of the prompt that begins now."""
        return self._script.popleft() if self._script and self._script[0].early else None

    def in_menu(self) -> Act:
        return self._next(_MENU, _IN_MENU)

    def in_queue(self) -> Act:
        """Raises ScriptError for keys: nobody listens to them there."""
        return self._next(_QUEUE, _IN_QUEUE)

    def in_recording(self) -> Act:
        return self._next(_RECORDING, _IN_RECORDING)

    def in_agi_script(self) -> Act:
        return self._next(_SCRIPT, _IN_SCRIPT)

    def _next(self, possible: frozenset[Doing], question: str) -> Act:
        if self._script:
            return _possible(self._script.popleft(), possible, question)
        while self._read is not None:
            line = self._read(question)
            if line is None:
                return _LEFT
            try:
                return _possible(parse_act(line), possible, question)
            except ScriptError as error:
                question = str(error)
        return _NOTHING


def _possible(act: Act, possible: frozenset[Doing], wanted: str) -> Act:
    if act.doing not in possible:
        raise ScriptError(f"'{act.text}' cannot be done here ({wanted})")
    return act
