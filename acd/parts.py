"""What the rooms of the router share. Joined once, by `acd/router.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from acd.deadlines import Deadlines
from acd.floor import Floor
from acd.line import Line
from acd.matching import Index
from acd.rules import RouterRules
from acd.store import Store
from acd.telling import Telling
from acd.tickets import Ticket
from ivr.flow.outside import QueueLook


@dataclass(slots=True)
class Held:
    """Why no offers are made now: named reasons, and calls that must first have come back."""

    reasons: set[str] = field(default_factory=set)
    expected: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.reasons or self.expected)


@dataclass(frozen=True, slots=True)
class Parts:
    """``clock``: Unix seconds. ``wake`` is called inside a turn: quick, and it must not raise.
    ``doubt``: what we believe and what the store says may differ; it will be read again soon.
    ``look``: how a queue stands. ``is_closed``: a line, now."""

    store: Store
    floor: Floor
    line: Line
    index: Index
    deadlines: Deadlines
    held: Held
    rules: RouterRules
    clock: Callable[[], float]
    wake: Callable[[Ticket], None]
    tell: Telling
    doubt: Callable[[], None]
    look: Callable[[str], QueueLook]
    is_closed: Callable[[str], bool]
