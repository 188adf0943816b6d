"""What the supervisor tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"
    NOTE = "note"  # something happened that nobody asked for: a death, a kill, an adoption


@dataclass(frozen=True, slots=True)
class Step:
    """``name``: "engine", "asterisk", "files", ..."""

    name: str
    state: State
    text: str


Tell = Callable[[Step], None]
