"""`hotline calls` and `hotline report NAME`: what the CRM store has to tell. The engine need not be up."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from crm_bridge import reports
from hotline.commands import figures
from hotline.commands.crm_access import read_crm
from hotline.commands.days import DayOption
from hotline.commands.showing import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    out,
    show_json,
    show_table,
    site_of,
)
from hotline.site.site import Site

_Row = TypeVar("_Row", reports.CallRow, reports.MediaRow)

_CALL = ("started_at", "dnis", "ani", "media_source", "language", "queue", "agent", "outcome", "waited_s", "talked_s")


class ReportName(StrEnum):
    MEDIA = "media"
    QUEUE_DAY = "queue-day"
    AGENT_DAY = "agent-day"
    SERVICE_LEVEL = "service-level"


_OF_A_DAY = {
    ReportName.QUEUE_DAY: figures.queue_day,
    ReportName.AGENT_DAY: figures.agent_day,
    ReportName.SERVICE_LEVEL: figures.service_level,
}
_REPORT_HELP = "media: calls by media source; queue-day, agent-day, service-level: a day's work."


def calls(
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest first.")] = 20,
) -> None:
    """The calls, newest first."""
    loaded, folders = site_of(site)
    rows = read_crm(loaded, folders, lambda store: reports.calls(store, limit))
    _show("Calls", _CALL, rows, as_json, loaded)


def report(
    name: Annotated[ReportName, typer.Argument(help=_REPORT_HELP)],
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
    day: DayOption = None,
) -> None:
    """A report by its name."""
    loaded, folders = site_of(site)
    if name in _OF_A_DAY:
        _OF_A_DAY[name](loaded, folders, day, as_json)
        return
    rows = read_crm(loaded, folders, reports.media_report)
    _show(f"Report: {name}", ("source", "name", "calls", "answered", "abandoned"), rows, as_json, loaded)


def _show(title: str, columns: tuple[str, ...], rows: Sequence[_Row], as_json: bool, site: Site) -> None:
    """Tables are in the site's time; JSON stays in UTC."""
    if as_json:
        show_json(row.as_json() for row in rows)
    elif not rows:
        out.print(f"{title}: none yet")
    else:
        show_table(title, columns, ([_cell(row, column, site) for column in columns] for row in rows))


def _cell(row: _Row, column: str, site: Site) -> object:
    value = getattr(row, column)
    if column == "started_at":
        return value.astimezone(site.timezone).strftime("%m-%d %H:%M:%S")
    if column == "outcome" and value is None:
        return "(goes on)"
    return f"{value:.1f}" if isinstance(value, float) else value
