"""Opening hours of a line, in its time zone. Of several layers the first that knows a date decides it: the line's own
dates, the site's, the public holidays and make-up working days, the week.

The wall clock of the zone decides: on the night the clocks go back an hour that is open is open twice, and on the night
they go forward an hour that is left out is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict

from ivr.span import DAY_MINUTES, DayText, Span, parse_spans
from ivr.special_dates import (
    DAYS,
    AnyDay,
    DatesForm,
    Day,
    HolidaysForm,
    LineHolidays,
    SpecialDate,
    special_dates,
)
from ivr.wall_clock import Odd, oddity, wall_time

__all__ = ["DAYS", "Day", "DayPlan", "HoursForm", "LineHours"]

_ONE_DAY = timedelta(days=1)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone '{name}'") from None
    return name


class HoursForm(BaseModel):
    """One line in `hours.yaml`. A day that is not written is closed. ``timezone`` None: the site's. ``site_dates``
    False: the dates for the whole site do not touch this line (the night line stays open)."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    timezone: Annotated[str, AfterValidator(_known_zone)] | None = None
    week: dict[AnyDay, DayText]
    holidays: HolidaysForm | None = None
    dates: DatesForm = {}
    site_dates: bool = True

    def hours(self, site_timezone: str, site_dates: Mapping[date, SpecialDate] | None = None) -> LineHours:
        of_site = (site_dates or {}) if self.site_dates else {}
        return LineHours(
            zone=ZoneInfo(self.timezone or site_timezone),
            week={day: parse_spans(texts) for day, texts in self.week.items()},
            dates={**of_site, **special_dates(self.dates)},
            holidays=self.holidays.holidays() if self.holidays is not None else None,
        )


@dataclass(frozen=True, slots=True)
class DayPlan:
    """One date of a line. ``spans``: sorted, none where it is closed. ``why``: empty for a day as the week has it.
    ``like``: the day of the week whose hours it borrows."""

    day: date
    spans: tuple[Span, ...]
    why: str = ""
    like: Day | None = None


@dataclass(frozen=True, slots=True)
class LineHours:
    """``week``: sorted spans that do not overlap, by day. ``dates``: the line's own and the site's."""

    zone: ZoneInfo
    week: Mapping[Day, tuple[Span, ...]]
    dates: Mapping[date, SpecialDate]
    holidays: LineHolidays | None

    def is_open(self, at: datetime) -> bool:
        """Raises ValueError for an instant without a zone."""
        if at.tzinfo is None:
            raise ValueError("an instant needs a zone")
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return any(span.opens <= minute < span.closes for span in self.plan(local.date()).spans)

    def is_holiday(self, at: datetime) -> bool:
        """Whether the date is one on which the week does not hold, and no make-up working day."""
        special = self._special(at.astimezone(self.zone).date())
        return special is not None and special.like is None

    def plan(self, day: date) -> DayPlan:
        special = self._special(day)
        if special is None:
            return DayPlan(day, self.week.get(DAYS[day.weekday()], ()))
        spans = special.spans if special.like is None else self.week.get(special.like, ())
        return DayPlan(day, spans, special.why, special.like)

    def day_ends(self, at: datetime) -> datetime:
        """When the last opening of the date of ``at`` is over, in UTC; the midnight after it where none is left."""
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        left = [span.closes for span in self.plan(local.date()).spans if span.closes > minute]
        wall = wall_time(local.date(), max(left, default=DAY_MINUTES), self.zone)
        return wall.replace(fold=oddity(wall) is Odd.FOLD).astimezone(UTC)

    def _special(self, day: date) -> SpecialDate | None:
        special = self.dates.get(day)
        return self.holidays.special_date(day) if special is None and self.holidays is not None else special

    def odd_edges(self, start: date, days: int = 366) -> Iterator[tuple[datetime, Odd]]:
        """The openings and closings, as wall-clock times, which the zone leaps over or has twice. Not a midnight that
        the line is open through: nothing opens there and nothing closes."""
        for offset in range(days):
            for wall in self._edges(start + timedelta(days=offset)):
                if odd := oddity(wall):
                    yield wall, odd

    def _edges(self, day: date) -> Iterator[datetime]:
        """A closing at 24:00 is told as the next day's 00:00."""
        edges = {edge for span in self.plan(day).spans for edge in (span.opens, span.closes)} - {DAY_MINUTES}
        if self._closes_at_midnight(day - _ONE_DAY):
            edges ^= {0}  # it opens again at once, or this is where it closes
        yield from (wall_time(day, edge, self.zone) for edge in sorted(edges))

    def _closes_at_midnight(self, day: date) -> bool:
        return any(span.closes == DAY_MINUTES for span in self.plan(day).spans)
