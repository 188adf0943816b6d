"""The site's days and hours in SQL, and the only place of the reports in which SQLite's and PostgreSQL's words differ.

SQLite knows no time zones, so the zone is told to both as pieces: from which instant on it is so many seconds ahead of
UTC. SQLite rounds to milliseconds, which would carry 23:59:59.9996 into the next day: it is shown whole seconds only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Float, Integer, case, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from crm_bridge.column_types import Instant
from crm_bridge.reporting.period import ONE_DAY, Period, midnight

_SECOND = timedelta(seconds=1)


def site_day(at: ColumnElement[Any], period: Period) -> ColumnElement[date]:
    """The day of an instant within the period."""
    return _piecewise(at, offsets(period.begin, period.end, period), lambda ahead: _Day(at, literal(ahead)))


def site_hour(at: ColumnElement[Any], period: Period) -> ColumnElement[int]:
    """0-23, of an instant within the period."""
    return _piecewise(at, offsets(period.begin, period.end, period), lambda ahead: _Hour(at, literal(ahead)))


def day_over(day: ColumnElement[Any], period: Period) -> ColumnElement[datetime]:
    """The instant at which a day of the period ends."""
    return _piecewise(day, _midnights(period), lambda ahead: _NextMidnight(day, literal(-ahead)))


def earlier(at: ColumnElement[Any], seconds: float) -> ColumnElement[datetime]:
    return _Moved(at, literal(-round(seconds)))


def seconds_between(begin: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[float]:
    """To a millisecond or so."""
    return _Between(begin, end)


def offsets(begin: datetime, end: datetime, period: Period) -> Sequence[tuple[datetime, int]]:
    """(the instant from which on, how many seconds the zone is ahead of UTC), the first at ``begin``."""
    pieces, at = [(begin, _ahead(begin, period))], begin
    while at < end:
        later = min(at + ONE_DAY, end)
        if _ahead(later, period) != pieces[-1][1]:
            pieces.append(_change(at, later, period))
        at = later
    return pieces


def _change(before: datetime, after: datetime, period: Period) -> tuple[datetime, int]:
    """Where between the two the clocks are changed, to the second."""
    new = _ahead(after, period)
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (before, middle) if _ahead(middle, period) == new else (middle, after)
    return after, new


def _midnights(period: Period) -> Sequence[tuple[date, int]]:
    """(the day from which on, how far the zone is ahead at the ends of days)."""
    pieces: list[tuple[date, int]] = []
    for day in period.days():
        there = midnight(day + ONE_DAY, period.zone)
        ahead = round((datetime.combine(day + ONE_DAY, datetime.min.time(), UTC) - there).total_seconds())
        if not pieces or pieces[-1][1] != ahead:
            pieces.append((day, ahead))
    return pieces


def _ahead(at: datetime, period: Period) -> int:
    offset = at.astimezone(period.zone).utcoffset() or timedelta()
    return round(offset.total_seconds())


def _piecewise(
    column: ColumnElement[Any], pieces: Sequence[tuple[Any, int]], make: Callable[[int], ColumnElement[Any]]
) -> ColumnElement[Any]:
    (_, first), *later = pieces
    if not later:
        return make(first)
    return case(*((column >= begin, make(ahead)) for begin, ahead in reversed(later)), else_=make(first))


class _Day(FunctionElement[date]):
    type = Date()
    inherit_cache = True


class _Hour(FunctionElement[int]):
    type = Integer()
    inherit_cache = True


class _NextMidnight(FunctionElement[datetime]):
    """Of a date: its end in UTC, so many seconds on."""

    type = Instant()
    inherit_cache = True


class _Moved(FunctionElement[datetime]):
    type = Instant()
    inherit_cache = True


class _Between(FunctionElement[float]):
    type = Float()
    inherit_cache = True


_WORDS = {
    _Day: ("date(substr({0}, 1, 19), {1} || ' seconds')", "CAST(({0} AT TIME ZONE 'UTC') + {1} AS DATE)"),
    _Hour: (
        "CAST(strftime('%H', substr({0}, 1, 19), {1} || ' seconds') AS INTEGER)",
        "CAST(EXTRACT(HOUR FROM ({0} AT TIME ZONE 'UTC') + {1}) AS INTEGER)",
    ),
    _NextMidnight: (
        "strftime('%Y-%m-%d %H:%M:%S.000000', {0}, '+1 day', {1} || ' seconds')",
        "((CAST({0} + 1 AS TIMESTAMP) + {1}) AT TIME ZONE 'UTC')",
    ),
    _Moved: (
        "(strftime('%Y-%m-%d %H:%M:%S', substr({0}, 1, 19), {1} || ' seconds') || substr({0}, 20))",
        "({0} + {1})",
    ),
    _Between: (
        "((julianday({1}) - julianday({0})) * 86400.0)",
        "CAST(EXTRACT(EPOCH FROM ({1} - {0})) AS DOUBLE PRECISION)",
    ),
}


@compiles(_Day)
@compiles(_Hour)
@compiles(_NextMidnight)
@compiles(_Moved)
@compiles(_Between)
def _written(element: Any, compiler: Any, **how: Any) -> str:
    first, second = (compiler.process(one, **how) for one in element.clauses)
    of_sqlite, of_postgresql = _WORDS[type(element)]
    if compiler.dialect.name == "sqlite":
        return of_sqlite.format(first, second)
    seconds = second if isinstance(element, _Between) else f"make_interval(secs => {second})"
    return of_postgresql.format(first, seconds)
