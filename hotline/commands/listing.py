"""`hotline list NAME`: what is to be done, list by list. The engine need not be up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from crm_bridge.work_lists import missed
from crm_bridge.work_lists.lines import Line, Wanted
from crm_bridge.work_lists.registry import LISTS, ListName
from hotline.clock import this_moment
from hotline.commands.cells import in_json, in_spreadsheet, in_table, span
from hotline.commands.crm_access import ask_crm, read_crm
from hotline.commands.people import AsOption, person
from hotline.commands.showing import (
    DEFAULT_SITE,
    CsvOption,
    JsonOption,
    SiteOption,
    err,
    out,
    show_csv,
    show_json,
    show_table,
    site_of,
)
from hotline.settings import SiteFolders
from hotline.site.site import Site

_WHO, _TAKEN = ("name", "customer", "tier", "number"), ("taken_by", "taken_at")
_MISSED = ("since", "last_at", "times", "longest_wait_s", "queue", "source")
_TASK = ("opened_at", "number", "name", "customer")
# Of the table; what else a line has is in the JSON and the CSV.
_COLUMNS: Mapping[ListName, Sequence[str]] = {
    ListName.MISSED: (*_MISSED, *_WHO, "mark", "rung_by"),
    ListName.CALLBACKS: (*_TASK, "tier", "queue", "language", "mark", "call_id"),
    ListName.VOICEMAILS: (*_TASK, "box", "seconds", "recording"),
    ListName.PROMISES: ("standing", "due_on", "text", "keeper", *_WHO),
    ListName.LEADS: ("state", "dealer", "left_s", "opened_at", "region", "product", "source", "owner", *_WHO),
    ListName.DELIVERIES: ("delivered_on", "order", "carrier", "place", *_WHO),
    ListName.SURVEYS: ("at", "scores", "number", "name", "queue", "agent", "seconds", "recording"),
    ListName.TICKETS: ("broken", "due_at", "due_on", "status", "category", "opened_on", "keeper", "text", *_WHO),
    ListName.APPOINTMENTS: ("at", "place", "purpose", "keeper", "quote", *_WHO),
}
_HELP = "; ".join(f"{name}: {its.about}" for name, its in LISTS.items()) + "."
_DAYS, _BELOW = 30, 3


def list_work(
    name: Annotated[ListName, typer.Argument(help=_HELP)],
    mine: Annotated[bool, typer.Option("--mine", help="Only what I have taken on (`hotline work take`).")] = False,
    free: Annotated[bool, typer.Option("--free", help="Only what nobody has taken on.")] = False,
    days: Annotated[int | None, typer.Option(min=1, max=3660, help="missed, surveys: so far back (30).")] = None,
    below: Annotated[int | None, typer.Option(min=-1000, max=1001, help="surveys: marks below it (3).")] = None,
    everything: Annotated[bool, typer.Option("--all", help="promises: later ones too; surveys: all answers.")] = False,
    me: AsOption = "",
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many lines.")] = 50,
) -> None:
    """What is to be done, with the name of each line and who has taken it on."""
    loaded, folders = site_of(site)
    _refuse_strangers(name, days=days, below=below, all=everything or None)
    if mine and free:
        raise typer.BadParameter("--mine and --free: what I have taken on is not free")
    wanted = Wanted(
        now=this_moment(),
        zone=loaded.timezone,
        limit=limit,
        taken_by=person(loaded, me) if mine else "" if free else None,
        days=days or _DAYS,
        below=_BELOW if below is None else below,
        all=everything,
    )
    rows = [_told(row, folders) for row in _lines(name, loaded, folders, wanted)]
    _show(name, rows, loaded, as_json=as_json, as_csv=as_csv)
    if name is ListName.MISSED:
        _tell_nameless(loaded, folders, wanted, aside=as_json or as_csv)


def _refuse_strangers(name: ListName, **given: object) -> None:
    """An option that another list has would else be passed over in silence."""
    for option, value in given.items():
        if value is not None and option not in LISTS[name].takes:
            takers = " and ".join(other for other, its in LISTS.items() if option in its.takes)
            raise typer.BadParameter(f"--{option} is for {takers}, not for {name}")


def _lines(name: ListName, site: Site, folders: SiteFolders, wanted: Wanted) -> Sequence[Line]:
    lines = LISTS[name].lines
    return read_crm(site, folders, lambda store: store.read(lambda connection: [*lines(connection, wanted)]))


def _told(row: Line, folders: SiteFolders) -> dict[str, Any]:
    """``recording`` as the path of its file."""
    told = asdict(row)
    if told.get("recording"):
        told["recording"] = str(folders.voicemail / f"{told['recording']}.wav")
    return told


def _show(name: ListName, rows: Sequence[Mapping[str, Any]], site: Site, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        show_json(in_json(row) for row in rows)
    elif as_csv:
        columns = list(rows[0]) if rows else ["item", *_COLUMNS[name], *_TAKEN]
        show_csv(columns, ([in_spreadsheet(value, site.timezone) for value in row.values()] for row in rows))
    elif not rows:
        out.print(f"{name.capitalize()}: none")
    else:
        columns = ["item", *_COLUMNS[name], *_TAKEN]
        show_table(name.capitalize(), columns, ([_cell(key, row[key], site) for key in columns] for row in rows))


def _tell_nameless(site: Site, folders: SiteFolders, wanted: Wanted, *, aside: bool) -> None:
    """On stderr where somebody reads lines by machine."""
    count = ask_crm(site, folders, lambda store: store.read(partial(missed.without_number, wanted=wanted)), 0)
    if count:
        text = f"Not listed: {count} missed without a number, whom nobody can call back."
        (err if aside else out).print(Text(text), soft_wrap=True)


def _cell(column: str, value: Any, site: Site) -> object:
    if isinstance(value, bool):
        return column if value else ""
    if column == "left_s":
        return span(value)
    if column == "recording" and value:
        return Path(value).relative_to(site.folder.absolute())
    return in_table(value, site.timezone)
