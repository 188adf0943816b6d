"""Opening hours of a line: a week of spans in a time zone. Holidays will be a second layer over the week.

The wall clock of the zone decides: on the night the clocks go back an hour that is open is open twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

_DAY = 24 * 60


class Day(StrEnum):
    """In the order of `date.weekday()`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


DAYS = tuple(Day)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Minutes since midnight, ``opens`` ≤ t < ``closes``; 1440 is the midnight at the day's end."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{_clock(self.opens)}-{_clock(self.closes)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def parse_span(text: str) -> Span:
    """``09:00-12:30``; the end may be ``24:00``. Raises ValueError."""
    opens, closes = (_minutes(part) for part in text.split("-"))
    if opens >= closes:
        raise ValueError(f"{text} ends before it begins; past midnight is the next day's 00:00-…")
    return Span(opens, closes)


def _minutes(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    total = hours * 60 + minutes
    if minutes > 59 or total > _DAY:
        raise ValueError(f"{text} is no time of day")
    return total


SpanText = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$")]


def _sound_day(texts: list[str]) -> list[str]:
    spans = sorted(parse_span(text) for text in texts)
    for first, second in pairwise(spans):
        if second.opens < first.closes:
            raise ValueError(f"{first} and {second} overlap")
    return texts


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone '{name}'") from None
    return name


class HoursForm(BaseModel):
    """One line in `hours.yaml`. A day that is not written is closed. ``timezone`` None: the site's."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    timezone: Annotated[str, AfterValidator(_known_zone)] | None = None
    week: dict[Annotated[Day, Field(strict=False)], Annotated[list[SpanText], AfterValidator(_sound_day)]]

    def hours(self, site_timezone: str) -> WeeklyHours:
        week = {day: tuple(sorted(map(parse_span, texts))) for day, texts in self.week.items()}
        return WeeklyHours(ZoneInfo(self.timezone or site_timezone), week)


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """``week``: sorted spans that do not overlap, by day."""

    zone: ZoneInfo
    week: Mapping[Day, tuple[Span, ...]]

    def is_open(self, at: datetime) -> bool:
        """Raises ValueError for an instant without a zone."""
        if at.tzinfo is None:
            raise ValueError("an instant needs a zone")
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return any(span.opens <= minute < span.closes for span in self._spans(local.date()))

    def _spans(self, day: date) -> tuple[Span, ...]:
        return self.week.get(DAYS[day.weekday()], ())

    def edges_in_gaps(self, start: date, days: int = 366) -> Iterator[datetime]:
        """The openings and closings, as wall-clock times, which the zone leaps over when its clocks go
        forward."""
        for offset in range(days):
            day = start + timedelta(days=offset)
            edges = sorted({edge for span in self._spans(day) for edge in (span.opens, span.closes)})
            yield from (wall for wall in (_at(day, edge, self.zone) for edge in edges) if not _exists(wall))


def _at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone) + timedelta(minutes=minutes)


def _exists(wall: datetime) -> bool:
    """A wall-clock time in a gap comes back from UTC as another one."""
    return wall.astimezone(UTC).astimezone(wall.tzinfo).replace(tzinfo=None) == wall.replace(tzinfo=None)
