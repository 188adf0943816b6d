"""What happens in a tried call, as values in order: the terminal tells them, --json prints them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hotline.trying.clock import VirtualClock


class Kind(StrEnum):
    """The words of --json. Others read them: add, never rename."""

    DIALLED = "dialled"
    NODE = "node"
    PROMPT = "prompt"
    HEARD = "heard"
    LINE = "line"
    SET = "set"
    QUEUE = "queue"
    QUEUE_END = "queue_end"
    TRANSFER = "transfer"
    TRANSFER_END = "transfer_end"
    HOLIDAY = "holiday"
    QUEUE_LOOK = "queue_look"
    CALLER = "caller"
    LOOKUP = "lookup"
    WEB = "web"
    RECORDED = "recorded"
    SCRIPT = "script"
    TEXT = "text"
    KEPT = "kept"
    PROBLEM = "problem"
    END = "end"


@dataclass(frozen=True, slots=True)
class Happening:
    """``at_s``: seconds of the call until then. ``fields``: plain JSON values."""

    at_s: float
    kind: Kind
    fields: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"at_s": self.at_s, "event": self.kind.value, **self.fields}


class CallLog:
    """``hear`` gets each happening at once. ``here``: those since the last node was entered, it included.
    ``secret``: what is typed now is written down nowhere; only how much it was."""

    def __init__(self, clock: VirtualClock, hear: Callable[[Happening], None]) -> None:
        self._clock = clock
        self._hear = hear
        self.here: list[Happening] = []
        self.secret = False

    def note(self, kind: Kind, /, **fields: Any) -> None:
        if self.secret and "keys" in fields:
            fields["keys"] = "•" * len(fields["keys"])
        happening = Happening(round(self._clock.passed_s, 3), kind, fields)
        if kind is Kind.NODE:
            self.here.clear()
        self.here.append(happening)
        self._hear(happening)
