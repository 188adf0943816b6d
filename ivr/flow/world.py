"""What a flow may ask of the world around the call: the time, the lines' hours, and what lies outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from ivr.closures import ClosedLines
from ivr.flow.outside import Outside
from ivr.hours import LineHours


class World(Protocol):
    def now(self) -> datetime:
        """An aware instant. The walk's time cap is measured with it, so it must be steady."""

    @property
    def outside(self) -> Outside: ...

    def is_open(self, line: str) -> bool: ...

    def is_holiday(self, line: str) -> bool:
        """Whether today is a holiday for the line, whatever its hours are."""


class SiteWorld:
    """The world of one site. ``clock``: Unix seconds, steady. A line without hours is open unless it is among
    ``closed``."""

    def __init__(
        self,
        hours: Mapping[str, LineHours],
        clock: Callable[[], float],
        closed: ClosedLines | None = None,
        outside: Outside | None = None,
    ) -> None:
        self._hours = hours
        self._clock = clock
        self._closed = closed or ClosedLines()
        self._outside = outside or Outside()

    @property
    def outside(self) -> Outside:
        return self._outside

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def is_open(self, line: str) -> bool:
        now, hours = self.now(), self._hours.get(line)
        return self._closed.closure(line, now) is None and (hours is None or hours.is_open(now))

    def is_holiday(self, line: str) -> bool:
        hours = self._hours.get(line)
        return hours is not None and hours.is_holiday(self.now())
