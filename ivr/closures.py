"""Lines that somebody has closed by hand, until a moment at which they are open again by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Closure:
    """Aware instants. ``since`` is for people: it was another clock than the one that asks, so it decides nothing."""

    line: str
    since: datetime
    until: datetime
    reason: str

    def holds(self, at: datetime) -> bool:
        return at < self.until


class ClosedLines:
    """One closure a line: the latest word counts."""

    def __init__(self, closures: Iterable[Closure] = ()) -> None:
        self._by_line: dict[str, Closure] = {}
        self.replace(closures)

    def replace(self, closures: Iterable[Closure]) -> None:
        """What was known before is forgotten."""
        self._by_line = {closure.line: closure for closure in closures}

    def closure(self, line: str, at: datetime) -> Closure | None:
        found = self._by_line.get(line)
        return found if found is not None and found.holds(at) else None

    def closures(self, at: datetime) -> tuple[Closure, ...]:
        """In the order of their lines' names."""
        return tuple(closure for _, closure in sorted(self._by_line.items()) if closure.holds(at))
