"""Until when: what a person types for a moment to come, in the time zone of the line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ivr.wall_clock import Odd, instant, oddity, wall_time

LONGEST = timedelta(days=366)

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def read_until(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of ``18:00`` (the next one; 24:00 is midnight), ``2026-02-24``, ``2026-02-24 09:00``, or the
    same with an offset. Of a time that the clocks show twice, the later. Raises ValueError: no such time, not in the
    future, or further off than a year, which is a slip of the pen."""
    clock = _CLOCK.fullmatch(text)
    until = _next(int(clock[1]) * 60 + int(clock[2]), int(clock[2]), now, zone) if clock else _written(text, zone)
    if until <= now:
        raise ValueError(f"{text} is over already")
    if until - now > LONGEST:
        raise ValueError(f"{text} is more than a year away")
    return until


def _next(minutes: int, past_hour: int, now: datetime, zone: ZoneInfo) -> datetime:
    if minutes > 24 * 60 or past_hour > 59:
        raise ValueError("there is no such time of day")
    local = now.astimezone(zone)
    today = wall_time(local.date(), minutes, zone)
    second_is_ahead = oddity(today) is Odd.FOLD and instant(today) > now
    if local < today or second_is_ahead:  # of one zone, so the two are compared as the wall shows them
        return instant(today)
    return instant(wall_time(local.date() + timedelta(days=1), minutes, zone))


def _written(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no time; write 18:00, 2026-02-24 or '2026-02-24 09:00'") from None
    return moment.astimezone(UTC) if moment.tzinfo is not None else instant(moment.replace(tzinfo=zone))
