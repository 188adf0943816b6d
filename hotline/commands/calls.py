"""`hotline calls`: the calls as the CRM store has them. The engine need not be up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from crm_bridge import reports
from hotline.commands.crm_access import read_crm
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

_CALL = ("started_at", "dnis", "ani", "media_source", "language", "queue", "agent", "outcome", "waited_s", "talked_s")


def calls(
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest first.")] = 20,
) -> None:
    """The calls, newest first."""
    loaded, folders = site_of(site)
    rows = read_crm(loaded, folders, lambda store: reports.calls(store, limit))
    _show("Calls", _CALL, rows, as_json, loaded)


def _show(title: str, columns: tuple[str, ...], rows: Sequence[reports.CallRow], as_json: bool, site: Site) -> None:
    """Tables are in the site's time; JSON stays in UTC."""
    if as_json:
        show_json(row.as_json() for row in rows)
    elif not rows:
        out.print(f"{title}: none yet")
    else:
        show_table(title, columns, ([_cell(row, column, site) for column in columns] for row in rows))


def _cell(row: reports.CallRow, column: str, site: Site) -> object:
    value = getattr(row, column)
    if column == "started_at":
        return value.astimezone(site.timezone).strftime("%m-%d %H:%M:%S")
    if column == "outcome" and value is None:
        return "(goes on)"
    return f"{value:.1f}" if isinstance(value, float) else value
