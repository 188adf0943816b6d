"""When a call is tried: a wall-clock time of the site, in the words of `--at`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"(?:(?P<day>[a-z]{3})[a-z]* +)?(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})", re.IGNORECASE)


def parse_moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """``20:30`` today, ``sat 20:30`` today or the next Saturday, ``2026-02-17 09:00``, or ISO 8601 with an offset of
    its own. ``now``: aware. Raises ValueError."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        at = datetime.fromisoformat(text.strip())
        return at if at.tzinfo is not None else at.replace(tzinfo=zone)
    today = now.astimezone(zone)
    days = 0 if found["day"] is None else (_weekday(found["day"]) - today.weekday()) % 7
    day = today.date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, int(found["hour"]), int(found["minute"]), tzinfo=zone)


def _weekday(name: str) -> int:
    try:
        return _DAYS.index(name.lower())
    except ValueError:
        raise ValueError(f"no day '{name}'") from None
