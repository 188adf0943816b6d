"""Virtual time: it stands still until somebody speaks or waits."""

from __future__ import annotations

from datetime import datetime


class VirtualClock:
    """Callable as the steady clock is: Unix seconds."""

    def __init__(self, begun: datetime) -> None:
        self._begun = begun.timestamp()
        self.passed_s = 0.0

    def __call__(self) -> float:
        return self._begun + self.passed_s

    def advance(self, seconds: float) -> None:
        self.passed_s += seconds
