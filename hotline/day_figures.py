"""Today's figures of queues and agents, live: what the event log tells since midnight, and every event from now on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from acd.event_log import read
from acd.events import AcdEvent
from acd.figures import AgentFigures, Figures, QueueFigures, VisitEnd


def midnight(at: float, zone: ZoneInfo, days: int = 0) -> float:
    """The beginning (Unix s) of the site's day that ``at`` is in, or of the one ``days`` later."""
    today = datetime.fromtimestamp(at, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=days)).timestamp()


class DayFigures:
    """``hear`` from the router's first event on; what was before it comes from disk (`load`), and those who ask before
    it is there get what is known by then. At midnight the sums begin anew."""

    def __init__(self, zone: ZoneInfo, clock: Callable[[], float]) -> None:
        self._zone, self._clock = zone, clock
        now = clock()
        self._figures = Figures(midnight(now, zone))
        self._turns_at = midnight(now, zone, 1)
        self._heard: list[AcdEvent] | None = []  # until the log is read

    async def load(self, folder: Path, until: float) -> None:
        """``until``: Unix s, before the first event heard."""
        figures = await asyncio.to_thread(_of_log, folder, midnight(until, self._zone), until)
        heard, self._heard = self._heard or [], None
        for event in heard:
            figures.hear(event)
        self._figures = figures

    def hear(self, event: AcdEvent) -> None:
        self._turn(event.at)
        if self._heard is not None:
            self._heard.append(event)
        self._figures.hear(event)

    def queues(self) -> Mapping[str, QueueFigures]:
        self._turn(self._clock())
        return self._figures.queues(self._clock())

    def agents(self) -> Mapping[str, AgentFigures]:
        self._turn(self._clock())
        return self._figures.agents(self._clock())

    def _turn(self, now: float) -> None:
        if now >= self._turns_at and self._heard is None:
            self._figures.begin_day(self._turns_at)
            self._turns_at = midnight(now, self._zone, 1)


def _of_log(folder: Path, since: float, until: float) -> Figures:
    figures = Figures(since)
    for event in read(folder, since, until):
        figures.hear(event)
    return figures


def told(one: QueueFigures) -> dict[str, object]:
    """For a table, for JSON: counts, seconds, shares 0-1."""
    return {
        "offered": one.offered,
        **{end.value: one.ends[end] for end in VisitEnd},
        "goes_on": one.goes_on,
        "asa_s": _rounded(one.asa_s, 1),
        "longest_answered_s": round(one.longest_wait_s, 1),
        "sl": _rounded(one.sl, 3),
        "sl2": _rounded(one.sl2, 3),
        "adds_up": one.adds_up,
    }


def told_of_agent(one: AgentFigures) -> dict[str, object]:
    """The same of an agent."""
    seconds = {word: round(value) for word, value in asdict(one).items() if word.endswith("_s") and word != "paused_s"}
    return {
        "offered": one.offered,
        "answered": one.answered,
        "missed": sum(one.missed.values()),
        **seconds,
        "paused_s": round(sum(one.paused_s.values())),
        "pauses": {reason: round(seconds) for reason, seconds in one.paused_s.items()},
        "occupancy": _rounded(one.occupancy, 3),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
