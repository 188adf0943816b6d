"""The days that a report is about: the site's days, which begin at its midnight and may have 23 or 25 hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from sqlalchemy import ColumnElement, and_

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From ``first`` to ``last``, both in."""

    first: date
    last: date
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self.last} is before {self.first}")

    @property
    def begin(self) -> datetime:
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        return midnight(self.last + ONE_DAY, self.zone)

    def days(self) -> Sequence[date]:
        return [self.first + ONE_DAY * nr for nr in range((self.last - self.first).days + 1)]

    def within(self, at: ColumnElement[datetime]) -> ColumnElement[bool]:
        return and_(at >= self.begin, at < self.end)

    def on(self, day: ColumnElement[date]) -> ColumnElement[bool]:
        return and_(day >= self.first, day <= self.last)


def midnight(day: date, zone: tzinfo) -> datetime:
    """In UTC. Where clocks jump over midnight, the instant at which they do."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)
