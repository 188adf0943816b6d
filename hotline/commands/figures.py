"""`hotline report queue-day | agent-day | service-level`: a day's figures out of the ACD's event log."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from acd.event_log import read
from acd.figures import AgentFigures, Figures, QueueFigures, Visit, VisitEnd
from hotline.commands.days import day_of
from hotline.commands.report_showing import Manner, show_rows, tell_books
from hotline.commands.showing import refuse
from hotline.day_figures import told, told_of_agent
from hotline.settings import SiteFolders
from hotline.site.site import Site

_QUEUE = ("queue", "offered", "answered", "abandoned", "short_abandon", "timed_out", "sent_on", "callback", "lost")
_QUEUE_DAY = (*_QUEUE, "goes_on", "asa_s", "longest_answered_s")
_LEVEL = ("queue", "within_s", "answered", "in_time", "sl", "sl2")
_AGENT_DAY = (
    *("agent", "name", "offered", "answered", "missed", "logged_in_s", "paused_s", "talk_s", "wrap_up_s", "occupancy"),
)
_NOTHING = "nothing on that day"
_OFFERED, _GOES_ON = "offered", "goes_on"
_VISIT = ("joined_at", "call_id", "queue", "end", "waited_s", "agent")


def queue_day(
    site: Site, folders: SiteFolders, day: datetime | None, manner: Manner, calls: str | None, of: Sequence[str]
) -> None:
    """``calls``: the figure whose visits are wanted in its place, ``of`` one queue."""
    kept: list[Visit] = []
    figures, now = _of_day(site, folders, day, kept)
    queues = figures.queues(now)
    if calls is not None:
        _show_visits([*kept, *figures.open_visits()], sorted(queues), calls, of, manner)
        return
    rows = [{"queue": name, **told(one)} for name, one in sorted(queues.items())]
    show_rows("Queues", _QUEUE_DAY, rows, manner, _NOTHING)
    tell_books(
        f"{name}: {one.offered} offered, {one.ends.total()} ended, {one.goes_on} go on"
        for name, one in queues.items()
        if not one.adds_up
    )


def service_level(
    site: Site, folders: SiteFolders, day: datetime | None, manner: Manner, calls: str | None, of: Sequence[str]
) -> None:
    _no_calls(calls)
    figures, now = _of_day(site, folders, day)
    show_rows("Service level", _LEVEL, [_level(site, one) for one in figures.queues(now).values()], manner, _NOTHING)


def agent_day(
    site: Site, folders: SiteFolders, day: datetime | None, manner: Manner, calls: str | None, of: Sequence[str]
) -> None:
    _no_calls(calls)
    figures, now = _of_day(site, folders, day)
    rows = [_agent(site, one) for _, one in sorted(figures.agents(now).items())]
    show_rows("Agents", _AGENT_DAY, rows, manner, _NOTHING)


def _no_calls(calls: str | None) -> None:
    if calls is not None:
        refuse("of the reports of a day only queue-day has --calls", 2)


def _of_day(
    site: Site, folders: SiteFolders, day: datetime | None, kept: list[Visit] | None = None
) -> tuple[Figures, float]:
    """And the instant (Unix s) up to which they are. ``kept``: where the visits go that are over."""
    since, until = day_of(day, site.timezone)
    figures = Figures(since, None if kept is None else kept.append)
    for event in read(folders.events, since, until):
        figures.hear(event)
    return figures, min(until, time.time())


def _show_visits(
    visits: Sequence[Visit], queues: Sequence[str], figure: str, of: Sequence[str], manner: Manner
) -> None:
    ends = [_OFFERED, *(end.value for end in VisitEnd), _GOES_ON]
    if figure not in ends:
        refuse(f"there are no calls behind '{figure}', but behind {', '.join(ends)}", 2)
    if len(of) > 1 or (of and of[0] not in queues):
        refuse(f"--of: one of the queues of that day: {', '.join(queues) or 'none'}", 2)
    by_time = sorted(visits, key=lambda visit: (visit.joined_at, visit.call_id))
    rows = [_visit(visit) for visit in by_time if not of or visit.queue == of[0]]
    wanted = [row for row in rows if figure in (_OFFERED, row["end"])]
    show_rows(figure.capitalize().replace("_", " "), _VISIT, wanted, manner)


def _visit(visit: Visit) -> dict[str, object]:
    return {
        "joined_at": datetime.fromtimestamp(visit.joined_at, UTC),
        "call_id": visit.call_id,
        "queue": visit.queue,
        "end": _GOES_ON if visit.end is None else visit.end.value,
        "waited_s": round(visit.waited_s, 1),
        "agent": visit.agent,
    }


def _level(site: Site, one: QueueFigures) -> Mapping[str, object]:
    spec = site.queues.get(one.queue)
    within_s = spec.service_level_s if spec is not None else None
    row = told(one)
    return {"queue": one.queue, "within_s": within_s, "in_time": one.in_time, **row}


def _agent(site: Site, one: AgentFigures) -> Mapping[str, object]:
    known = site.agents.get(one.extension)
    return {"agent": one.extension, "name": known.spec.name if known else "", **told_of_agent(one)}
