"""`hotline report queue-day | agent-day | service-level`: a day's figures out of the ACD's event log."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from acd.event_log import read
from acd.figures import AgentFigures, Figures, QueueFigures
from hotline.commands.days import day_of
from hotline.commands.showing import err, out, show_json, show_table
from hotline.day_figures import told, told_of_agent
from hotline.settings import SiteFolders
from hotline.site.site import Site

_QUEUE = ("queue", "offered", "answered", "abandoned", "short_abandon", "timed_out", "sent_on", "callback", "lost")
_QUEUE_DAY = (*_QUEUE, "goes_on", "asa_s", "longest_answered_s")
_LEVEL = ("queue", "within_s", "answered", "in_time", "sl", "sl2")
_AGENT_DAY = (
    *("agent", "name", "offered", "answered", "missed", "logged_in_s", "paused_s", "talk_s", "wrap_up_s", "occupancy"),
)


def queue_day(site: Site, folders: SiteFolders, day: datetime | None, as_json: bool) -> None:
    figures, now = _of_day(site, folders, day)
    queues = figures.queues(now)
    rows = [{"queue": name, **told(one)} for name, one in sorted(queues.items())]
    _show("Queues", _QUEUE_DAY, rows, as_json)
    for name, one in queues.items():
        if not one.adds_up:
            err.print(f"the books of {name} do not add up: {one.offered} offered, {one.ends.total()} ended")


def service_level(site: Site, folders: SiteFolders, day: datetime | None, as_json: bool) -> None:
    figures, now = _of_day(site, folders, day)
    _show("Service level", _LEVEL, [_level(site, one) for one in figures.queues(now).values()], as_json)


def agent_day(site: Site, folders: SiteFolders, day: datetime | None, as_json: bool) -> None:
    figures, now = _of_day(site, folders, day)
    rows = [_agent(site, one) for _, one in sorted(figures.agents(now).items())]
    _show("Agents", _AGENT_DAY, rows, as_json)


def _of_day(site: Site, folders: SiteFolders, day: datetime | None) -> tuple[Figures, float]:
    """And the instant (Unix s) up to which they are."""
    since, until = day_of(day, site.timezone)
    figures = Figures(since)
    for event in read(folders.events, since, until):
        figures.hear(event)
    return figures, min(until, time.time())


def _level(site: Site, one: QueueFigures) -> Mapping[str, object]:
    spec = site.queues.get(one.queue)
    within_s = spec.service_level_s if spec is not None else None
    row = told(one)
    return {"queue": one.queue, "within_s": within_s, "in_time": one.in_time, **row}


def _agent(site: Site, one: AgentFigures) -> Mapping[str, object]:
    known = site.agents.get(one.extension)
    return {"agent": one.extension, "name": known.spec.name if known else "", **told_of_agent(one)}


def _show(title: str, columns: tuple[str, ...], rows: Sequence[Mapping[str, object]], as_json: bool) -> None:
    if as_json:
        show_json(rows)
    elif rows:
        show_table(title, columns, ([_cell(row.get(column), column) for column in columns] for row in rows))
    else:
        out.print(f"{title}: nothing on that day")


def _cell(value: object, column: str) -> object:
    if column in ("sl", "sl2", "occupancy") and isinstance(value, float):
        return f"{value:.1%}"
    return value
