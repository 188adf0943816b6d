"""A day of the site's, or several, as options of a command."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from crm_bridge.reporting.period import Period
from hotline.commands.showing import refuse
from hotline.day_figures import midnight

_MONTH_DAYS = 30
_YEARS = range(1970, 2200)  # of which time zones and databases have the same idea

DayOption = Annotated[
    datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="YYYY-MM-DD; today when left out.")
]
OneDayOption = Annotated[datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="YYYY-MM-DD.")]
MonthOption = Annotated[datetime | None, typer.Option("--month", formats=["%Y-%m"], help="YYYY-MM.")]
SinceOption = Annotated[datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="YYYY-MM-DD, in.")]
UntilOption = Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="YYYY-MM-DD, in.")]


@dataclass(frozen=True, slots=True)
class Days:
    """What has been said of a period: one day, one month, or from one day to another; nothing: the last 30 days."""

    day: datetime | None = None
    month: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None

    def period(self, zone: ZoneInfo) -> Period:
        """Or the end of the command."""
        if (self.day is not None) + (self.month is not None) + (self.since is not None or self.until is not None) > 1:
            refuse("which days? Either --day, or --month, or --since and --until", 2)
        first, last = self._ends(datetime.now(zone).date())
        if last < first:
            refuse(f"--since {first} is after --until {last}", 2)
        if first.year not in _YEARS or last.year not in _YEARS:
            refuse(f"reports know the years from {_YEARS[0]} to {_YEARS[-1]}", 2)
        return Period(first, last, zone)

    def _ends(self, today: date) -> tuple[date, date]:
        if self.day is not None:
            return self.day.date(), self.day.date()
        if self.month is not None:
            first = self.month.date()
            return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        last = self.until.date() if self.until is not None else today
        earliest = date.fromordinal(max(1, last.toordinal() - _MONTH_DAYS + 1))
        return self.since.date() if self.since is not None else earliest, last


def day_of(day: datetime | None, zone: ZoneInfo) -> tuple[float, float]:
    """[beginning, end) in Unix seconds, by the site's clock."""
    noon = time.time() if day is None else day.replace(hour=12, tzinfo=zone).timestamp()
    return midnight(noon, zone), midnight(noon, zone, 1)
