"""What a wall clock shows, and when: the nights on which an hour is left out (a gap) or comes twice (a fold)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Odd(StrEnum):
    """Why a time on the wall is not one instant. The value ends a sentence that begins with the time."""

    GAP = "does not exist"
    FOLD = "happens twice"


class NoSuchTime(ValueError):
    """The clocks leap over this time."""


def wall_time(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """``minutes`` as the wall shows them: 540 is 09:00, also on a day whose clocks are changed before."""
    return datetime.combine(day, time(), zone) + timedelta(minutes=minutes)


def oddity(wall: datetime) -> Odd | None:
    if _back_from_utc(wall) != wall.replace(tzinfo=None):
        return Odd.GAP
    return Odd.FOLD if wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset() else None


def instant(wall: datetime) -> datetime:
    """The moment, in UTC, at which the clock of its zone shows ``wall``; of two moments the later, so that what is
    closed until then is not opened an hour too soon. Raises NoSuchTime."""
    if oddity(wall) is Odd.GAP:
        raise NoSuchTime(f"{wall:%Y-%m-%d %H:%M} does not exist: the clocks go forward over it")
    return wall.replace(fold=1).astimezone(UTC)


def clock_change(day: date, zone: ZoneInfo) -> timedelta:
    """How far the clocks of ``zone`` are put forward on ``day`` (negative: back; mostly nothing)."""
    offsets = [wall_time(day, minutes, zone).utcoffset() or timedelta() for minutes in (0, 24 * 60)]
    return offsets[1] - offsets[0]


def _back_from_utc(wall: datetime) -> datetime:
    """A time in a gap comes back from UTC as another one."""
    return wall.astimezone(UTC).astimezone(wall.tzinfo).replace(tzinfo=None)
