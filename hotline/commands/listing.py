"""`hotline list NAME`: what the calls have left to be done. The engine need not be up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from crm_bridge.work_lists import SurveyRow, TaskRow, open_tasks, survey_answers
from hotline.commands.crm_access import read_crm
from hotline.commands.showing import DEFAULT_SITE, JsonOption, SiteOption, out, show_json, show_table, site_of
from hotline.settings import SiteFolders
from hotline.site.site import Site


class ListName(StrEnum):
    VOICEMAILS = "voicemails"
    CALLBACKS = "callbacks"
    SURVEYS = "surveys"


_COLUMNS = {
    ListName.VOICEMAILS: ("opened_at", "number", "box", "seconds", "recording", "call_id"),
    ListName.CALLBACKS: ("opened_at", "number", "queue", "language", "call_id"),
    ListName.SURVEYS: ("at", "number", "queue", "agent", "scores", "seconds", "recording", "call_id"),
}


def list_work(
    name: Annotated[ListName, typer.Argument(help="voicemails and callbacks: those still open; surveys: the answers.")],
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest first.")] = 50,
) -> None:
    """What callers have left: messages, wishes to be called back, marks."""
    loaded, folders = site_of(site)
    rows = [_told(row, folders) for row in _rows(name, loaded, folders, limit)]
    if as_json:
        show_json({**row, **_instants(row)} for row in rows)
    elif not rows:
        out.print(f"{name.capitalize()}: none")
    else:
        columns = _COLUMNS[name]
        show_table(name.capitalize(), columns, ([_cell(row[column], loaded) for column in columns] for row in rows))


def _rows(name: ListName, site: Site, folders: SiteFolders, limit: int) -> Iterable[TaskRow | SurveyRow]:
    match name:
        case ListName.VOICEMAILS:
            return read_crm(site, folders, lambda store: open_tasks(store, "voicemail", limit))
        case ListName.CALLBACKS:
            return read_crm(site, folders, lambda store: open_tasks(store, "callback", limit))
        case ListName.SURVEYS:
            return read_crm(site, folders, lambda store: survey_answers(store, limit))


def _told(row: TaskRow | SurveyRow, folders: SiteFolders) -> dict[str, Any]:
    """``recording`` as the path of its file."""
    recording = str(folders.voicemail / f"{row.recording}.wav") if row.recording else ""
    return {**asdict(row), "recording": recording}


def _instants(row: Mapping[str, Any]) -> dict[str, str]:
    """ISO 8601 in UTC."""
    return {
        key: value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for key, value in row.items()
        if isinstance(value, datetime)
    }


def _cell(value: Any, site: Site) -> object:
    """Tables are in the site's time."""
    if isinstance(value, datetime):
        return value.astimezone(site.timezone).strftime("%m-%d %H:%M:%S")
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {score}" for name, score in value.items())
    return f"{value:.1f}" if isinstance(value, float) else value
