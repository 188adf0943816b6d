"""`hotline explain CALL`: every decision about a call, with each agent's reasons; `hotline queue-log`: the same events
in app_queue's words. The engine need not be up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from acd.event_log import read
from acd.events import AcdEvent
from acd.explain import Candidate, Decision, Reason, Told, explain
from acd.queue_log import queue_log as lines_of
from hotline.commands.days import DayOption, day_of
from hotline.commands.showing import DEFAULT_SITE, JsonOption, SiteOption, out, printable, refuse, show_json, site_of
from hotline.settings import SiteFolders

_SHORTEST_ID = 4
_DAY_S = 86400.0
_HIDDEN = ("token", "deadline", "queue", "attributes", "joined_at", "entered_at")
DaysOption = Annotated[int, typer.Option(min=1, max=36500, help="How many days back to look for the call.")]


def explain_call(
    call: Annotated[str, typer.Argument(help="A call id, or its first characters.", metavar="CALL")],
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
    days: DaysOption = 7,
) -> None:
    """Why this agent and no other: what happened to a call in its queues, with every agent's reasons at each step."""
    loaded, folders = site_of(site)
    call_id, since, until = _find(folders, call, time.time() - days * _DAY_S)
    told = explain(read(folders.events, since, until), call_id)
    if as_json:
        show_json(_as_json(one) for one in told)
        return
    out.print(call_id)
    for one in told:
        for line in _lines(one, loaded.timezone):
            out.print(printable(line), soft_wrap=True, markup=False)


def queue_log(site: SiteOption = DEFAULT_SITE, day: DayOption = None) -> None:
    """A day's events as app_queue's queue_log, for the tools that read that."""
    loaded, folders = site_of(site)
    since, until = day_of(day, loaded.timezone)
    for line in lines_of(read(folders.events, since, until), since):
        typer.echo(line)


def _find(folders: SiteFolders, wanted: str, since: float) -> tuple[str, float, float]:
    """The whole id, and the instants (Unix s) between which its events are. Ends the command where there is no such
    call, or more than one."""
    if len(wanted) < _SHORTEST_ID:
        refuse(f"'{wanted}' is too short for a call id: at least {_SHORTEST_ID} characters")
    seen: dict[str, tuple[float, float]] = {}
    for event in read(folders.events, since, float("inf")):
        if event.call_id.startswith(wanted):
            seen[event.call_id] = (seen.get(event.call_id, (event.at, 0))[0], event.at)
    if not seen:
        refuse(f"no call '{wanted}' has come into a queue in that time; --days looks further back")
    if len(seen) > 1:
        refuse(f"{len(seen)} calls begin with '{wanted}': {', '.join(sorted(seen)[:5])}")
    ((call_id, (first, last)),) = seen.items()
    return call_id, first, last + 0.001


def _as_json(one: Told) -> Mapping[str, Any]:
    return {"decision" if isinstance(one, Decision) else "event": asdict(one)}


def _lines(one: Told, zone: ZoneInfo) -> Iterable[str]:
    if isinstance(one, AcdEvent):
        yield f"{_clock(one.at, zone)}  {_event(one)}"
        return
    who = f"offered to {one.agent}" if one.agent else "waits: nobody can take it"
    asks = f"kept for {one.kept_for}" if one.kept_for else f"step {one.step}: {one.requirement}"
    yield f"{_clock(one.event.at, zone)}  {who}   ({one.queue}, {asks}; number {one.place} in line)"
    for candidate in (candidate for candidate in one.candidates if not candidate.out):
        yield f"              in   {candidate.extension} {candidate.name}: {_keys(candidate, zone)}"
    out_of_it = [candidate for candidate in one.candidates if candidate.out]
    for why, candidates in groupby(sorted(out_of_it, key=lambda c: _why(c, zone)), key=lambda c: _why(c, zone)):
        yield f"              out  {', '.join(f'{c.extension} {c.name}' for c in candidates)}: {why}"


def _event(event: AcdEvent) -> str:
    who = f" {event.agent}" if event.agent else ""
    told = ", ".join(f"{word} {value}" for word, value in event.fields.items() if word not in _HIDDEN and value != "")
    return f"{event.kind.value}{who}{f' ({event.queue})' if event.queue else ''}{f'  {told}' if told else ''}"


def _why(candidate: Candidate, zone: ZoneInfo) -> str:
    return "; ".join(_reason(reason, zone) for reason in candidate.out)


def _reason(reason: Reason, zone: ZoneInfo) -> str:
    return reason.what if reason.until is None else f"{reason.what} until {_clock(reason.until, zone)[:8]}"


def _keys(candidate: Candidate, zone: ZoneInfo) -> str:
    """As they are compared. One that is an instant is shown as one."""
    return ", ".join(_key(name, value, zone) for name, value in candidate.keys) or "the call is theirs alone"


def _key(name: str, value: float | str, zone: ZoneInfo) -> str:
    if name == "refused before":
        return "has missed it before, so the last choice" if value else "has not missed it"
    if name == "skill":
        return f"skill {-float(value):g}"
    if isinstance(value, float) and value > 1e9:
        return f"{name} since {_clock(value, zone)}"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def _clock(at: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%H:%M:%S.%f}"[:12]
