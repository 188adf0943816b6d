"""`hotline hours LINE [DATE]`: seven days of a line, date by date, each with its reason. The engine need not be up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from crm_bridge.journal import JournalError
from hotline.clock import this_moment
from hotline.closings import closure_book, told
from hotline.commands.showing import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    printable,
    refuse,
    run,
    say,
    show_json,
    show_table,
    site_of,
)
from hotline.settings import SiteFolders
from hotline.site.site import Site
from ivr.closures import ClosedLines, Closure
from ivr.hours import DayPlan, LineHours
from ivr.wall_clock import clock_change, wall_time

LineArgument = Annotated[str, typer.Argument(help="A line of hours.yaml.")]

_DAYS = 7


def hours(
    line: LineArgument,
    day: Annotated[
        datetime | None,
        typer.Argument(metavar="[DATE]", formats=["%Y-%m-%d"], help="The first day; today if left out."),
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """A week of a line: from DATE on, each date with the reason for its hours."""
    loaded, folders = site_of(site)
    plan, now = hours_of(loaded, line), this_moment()
    first = day.date() if day is not None else now.astimezone(plan.zone).date()
    closure = closed_by_hand(folders, line, now)
    rows = list(_rows(line, plan, first, closure))
    if as_json:
        show_json(rows)
        return
    cells = ([row["date"], row["weekday"], _why(row, plan), ", ".join(row["hours"]) or "closed"] for row in rows)
    show_table(f"{line} ({plan.zone.key})", ("date", "weekday", "why", "hours"), cells)
    say(_state(line, plan, closure, now))


def hours_of(site: Site, line: str) -> LineHours:
    """The line's hours, or the end of the command."""
    if line not in site.hours:
        near = get_close_matches(line, site.hours, n=1)
        known = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(site.hours)) or 'none'}"
        refuse(f"there is no line '{line}' in hours.yaml ({known})")
    return site.hours[line]


def closed_by_hand(folders: SiteFolders, line: str, now: datetime) -> Closure | None:
    """As the journal has it. To look must not make one."""
    if not folders.journal.exists():
        return None

    async def read() -> Closure | None:
        async with closure_book(folders) as book:
            return ClosedLines(await book.load()).closure(line, now)

    try:
        return run(read)
    except (JournalError, OSError) as error:
        refuse(f"the journal cannot be read: {error}")


def local_text(moment: datetime, hours: LineHours) -> str:
    return f"{moment.astimezone(hours.zone):%Y-%m-%d %H:%M %Z}"


def _rows(line: str, hours: LineHours, first: date, closure: Closure | None) -> Iterator[dict[str, Any]]:
    for offset in range(_DAYS):
        plan = hours.plan(first + timedelta(days=offset))
        change = clock_change(plan.day, hours.zone)
        yield {
            "line": line,
            "timezone": hours.zone.key,
            "date": f"{plan.day}",
            "weekday": f"{plan.day:%a}",
            "why": plan.why + (f", as {plan.like}" if plan.like else ""),
            "hours": [str(span) for span in plan.spans],
            "clock_change_min": change // timedelta(minutes=1),
            "closed_by_hand": told(closure) if closure is not None and _touches(closure, plan, hours) else None,
        }


def _touches(closure: Closure, plan: DayPlan, hours: LineHours) -> bool:
    begin, end = (wall_time(plan.day, minutes, hours.zone) for minutes in (0, 24 * 60))
    return begin.astimezone(UTC) < closure.until and closure.since < end.astimezone(UTC)


def _why(row: dict[str, Any], hours: LineHours) -> str:
    reasons = [row["why"]]
    if change := row["clock_change_min"]:
        reasons.append(f"clocks go {'forward' if change > 0 else 'back'} by {abs(change)} min")
    if closing := row["closed_by_hand"]:
        reasons.append(f"by hand until {local_text(datetime.fromisoformat(closing['until']), hours)}")
    return "; ".join(filter(None, reasons))


def _state(line: str, hours: LineHours, closure: Closure | None, now: datetime) -> str:
    if closure is not None:
        reason = f" ({printable(closure.reason)})" if closure.reason else ""
        return f"{line} is closed by hand until {local_text(closure.until, hours)}{reason}."
    return f"{line} is {'open' if hours.is_open(now) else 'closed'} now, {local_text(now, hours)}."
