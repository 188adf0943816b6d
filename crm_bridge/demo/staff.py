"""Who is at work, and who is free: few enough that callers have to wait, as they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from crm_bridge.demo.company import Clerk, Company, Wish

_BEGIN, _LATE_BEGIN, _HOURS = 8, 12, 9  # two shifts, 8-17 and 12-21 o'clock
_CARRIED = 45.0  # calls of a day that one agent of a queue can bear, so that at a peak some wait


@dataclass(slots=True)
class Shift:
    """One agent's day, with one pause. Unix seconds."""

    clerk: Clerk
    begin: float
    end: float
    free_at: float
    pause: tuple[float, float]

    def ready_at(self, at: float) -> float:
        """The first moment from then on at which their phone may ring."""
        ready = max(self.free_at, at)
        begin, end = self.pause
        return end if begin <= ready < end else ready


class Staff:
    def __init__(self, company: Company, wish: Wish) -> None:
        self._company, self._dice = company, wish.dice("staff")
        self._a_day = wish.calls / wish.days
        self._shifts: dict[date, list[Shift]] = {}

    def free(self, queue: str, at: float) -> Shift | None:
        """Who of those at work is, or will be, free first."""
        there = [one for one in self.of_day(at) if queue in one.clerk.queues and one.begin <= at < one.end]
        return min(there, key=lambda one: (one.ready_at(at), one.free_at), default=None)

    def of_day(self, at: float) -> Sequence[Shift]:
        day = datetime.fromtimestamp(at, self._company.rules.zone).date()
        if day not in self._shifts:
            self._shifts[day] = self._planned(day)
        return self._shifts[day]

    def all(self) -> Sequence[Shift]:
        """Of the days that had calls."""
        return [shift for shifts in self._shifts.values() for shift in shifts]

    def _planned(self, day: date) -> list[Shift]:
        """For each queue as many as it needs, two at least, who come in turn."""
        needed = max(2, round(self._a_day / _CARRIED / max(1, len(self._company.queues)) * 2))
        chosen: dict[str, Clerk] = {}
        for queue in self._company.queues:
            able = [clerk for clerk in self._company.clerks if queue in clerk.queues]
            turn = day.toordinal() % len(able)
            for clerk in [*able[turn:], *able[:turn]][:needed]:
                chosen.setdefault(clerk.extension, clerk)
        return [self._shift(day, clerk, nr % 2 == 1) for nr, clerk in enumerate(chosen.values())]

    def _shift(self, day: date, clerk: Clerk, late: bool) -> Shift:
        opens = datetime.combine(day, time(_LATE_BEGIN if late else _BEGIN), self._company.rules.zone).astimezone(UTC)
        begin = opens.timestamp() + self._dice.uniform(-600, 300)
        end = begin + timedelta(hours=_HOURS).total_seconds()
        pause = begin + self._dice.uniform(3, 5) * 3600
        return Shift(clerk, begin, end, begin, (pause, pause + self._dice.uniform(900, 2400)))
