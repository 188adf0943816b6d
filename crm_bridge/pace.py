"""How long the relay lets a batch gather: as long as it pays. Pure, time is an argument.

A batch costs some CPU for one call as for fifty, so it should carry a few outcomes: so many as make the calls of the
last moments wait for little in a busy house, and cost little in a quiet one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# At so many calls a second a batch should carry so many outcomes (it then gathers for 50 ms); at a quarter of that
# twice as many (for 400 ms).
BUSY, OUTCOMES = 50.0, 2.5
MEMORY_S = 1.0  # what was seen so long ago counts for a third
_FORGOTTEN = 0.05
_MOMENT_S = 0.01  # in less than that nothing can be counted


@dataclass(slots=True)
class Pace:
    """``least_s``: from news to the batch that carries it; ``most_s``: from one batch to the next while there is news.
    Instants are seconds of any one clock; one that is set back makes a batch early, never late.

    The first outcome after a spell without any begins the counting, so that a rush is seen at once for what it is."""

    least_s: float
    most_s: float
    _began: float = -math.inf  # the last batch
    _since: float | None = None  # from when on the outcomes of the next one are counted; None: there was none for long
    _outcomes: float = 0.0
    _seconds: float = 0.0

    def due(self, news_at: float, at: float, outcomes: int) -> float:
        """When the next batch should begin, as far as is known ``at`` this instant: there is news since ``news_at``,
        and so many ``outcomes`` are in it."""
        if self._since is None and outcomes:
            self._since = at
        earliest, latest = news_at + self.least_s, news_at + self.most_s
        between_s, enough = self._wanted(at, outcomes)
        return earliest if outcomes > enough else min(latest, max(earliest, self._began + between_s))

    def batch(self, at: float, outcomes: int) -> None:
        """One begins, with so many outcomes."""
        if self._since is not None:
            gathered_s = max(0.0, at - self._since)
            fades = math.exp(-gathered_s / MEMORY_S)
            self._outcomes, self._seconds = self._outcomes * fades + outcomes, self._seconds * fades + gathered_s
        if self._outcomes < _FORGOTTEN:
            self._outcomes = self._seconds = 0.0
        self._began, self._since = at, at if self._outcomes else None

    def _wanted(self, at: float, outcomes: int) -> tuple[float, float]:
        """From one batch to the next, and the outcomes that need not wait for more."""
        seen = self._outcomes + outcomes
        if not seen or self._since is None:
            return self.most_s, math.inf
        rate = seen / max(self._seconds + at - self._since, self.least_s, _MOMENT_S)
        enough = OUTCOMES * math.sqrt(BUSY / rate)
        return min(self.most_s, enough / rate), enough
