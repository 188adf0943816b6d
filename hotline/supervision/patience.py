"""How long to wait before the next try, and when to lose patience. Pure: the time is an argument, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class BackOff:
    """The first restart is at once (callers are waiting), then ``first_s``, doubling up to ``most_s``. A child that
    lived ``healthy_s`` has earned a fresh start."""

    first_s: float = 0.5
    most_s: float = 30.0
    healthy_s: float = 60.0
    _next_s: float = 0.0

    def pause_s(self, lived_s: float) -> float:
        """The pause after a child died that had lived ``lived_s``."""
        if lived_s >= self.healthy_s:
            self._next_s = 0.0
        pause = self._next_s
        self._next_s = min(self.most_s, max(self.first_s, 2 * pause))
        return pause


@dataclass(slots=True)
class Patience:
    """Lost when there has been no sign of life for ``limit_s``."""

    limit_s: float
    last: float

    def sign(self, now: float) -> None:
        self.last = now

    def lost(self, now: float) -> bool:
        return now - self.last >= self.limit_s
