"""A caller who was cut off and rings back soon has their old place in the line again.

Pure; time is an argument (Unix s). Known by the number alone, so it is nothing for callers without one, and a place is
given back once. It is forgotten when the engine ends.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class _Left:
    joined_at: float
    at: float


class RegainedPlaces:
    """``within_s``: 0 switches it off."""

    def __init__(self, within_s: float = 60.0) -> None:
        self._within_s = within_s
        self._left: OrderedDict[tuple[str, str], _Left] = OrderedDict()

    def left(self, caller: str, queue: str, joined_at: float, at: float) -> None:
        """``caller``: E.164, or '' for nobody in particular."""
        if caller and queue and self._within_s > 0:
            self._left[caller, queue] = _Left(joined_at, at)
            self._left.move_to_end((caller, queue))
            self._forget(at)

    def take(self, caller: str, queue: str, at: float) -> float | None:
        """The join time of the place that this caller has left in this queue, which is theirs again."""
        self._forget(at)
        left = self._left.pop((caller, queue), None)
        return None if left is None else left.joined_at

    def _forget(self, at: float) -> None:
        while self._left:
            oldest = next(iter(self._left))
            if len(self._left) <= _MOST and at - self._left[oldest].at <= self._within_s:
                return
            del self._left[oldest]
