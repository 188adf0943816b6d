"""What a flow may ask of the world around the call: the time, and whether a line is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from ivr.hours import WeeklyHours


class World(Protocol):
    def now(self) -> datetime:
        """An aware instant. The walk's time cap is measured with it, so it must be steady."""

    def is_open(self, line: str) -> bool: ...


class SiteWorld:
    """The world of one site. ``clock``: Unix seconds, steady. A line without hours is always open."""

    def __init__(self, hours: Mapping[str, WeeklyHours], clock: Callable[[], float]) -> None:
        self._hours = hours
        self._clock = clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def is_open(self, line: str) -> bool:
        hours = self._hours.get(line)
        return hours is None or hours.is_open(self.now())
