"""`hotline problems`: what failed in the flows while calls were in them. The engine need not be up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer

from crm_bridge.journal import Journal, JournalError
from crm_bridge.problems import FlowProblem, flow_problems
from hotline.clock import SteadyClock
from hotline.commands.showing import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    out,
    refuse,
    run,
    show_json,
    show_table,
    site_of,
)
from hotline.settings import SiteFolders
from hotline.site.site import Site

_COLUMNS = ("flow", "node", "what", "times", "last", "last_call")
_DAYS = 7


def problems(
    since: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="From this day on; the last 7 days if left out."),
    ] = None,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """What failed in the flows: by flow, node and kind, the newest first. Its calls went their default way."""
    loaded, folders = site_of(site)
    found = _read(folders, _begin(since.date() if since is not None else None, loaded))
    if as_json:
        show_json(problem.as_json() for problem in found)
    elif not found:
        out.print("Flow problems: none")
    else:
        show_table("Flow problems", _COLUMNS, ([*_cells(problem, loaded)] for problem in found))


def _begin(day: date | None, site: Site) -> float:
    if day is None:
        return SteadyClock()() - timedelta(days=_DAYS).total_seconds()
    return datetime.combine(day, time(), site.timezone).timestamp()


def _cells(problem: FlowProblem, site: Site) -> tuple[object, ...]:
    last = datetime.fromtimestamp(problem.last_at, UTC).astimezone(site.timezone)
    times = (problem.count, f"{last:%m-%d %H:%M:%S}", problem.last_call)
    return (problem.flow, problem.node, problem.what, *times)


def _read(folders: SiteFolders, since: float) -> list[FlowProblem]:
    """To look must not make a journal."""
    if not folders.journal.exists():
        return []

    async def read() -> list[FlowProblem]:
        journal = await Journal.open(folders.journal)
        try:
            return await flow_problems(journal, since)
        finally:
            await journal.close()

    try:
        return run(read)
    except (JournalError, OSError) as error:
        refuse(f"the journal cannot be read: {error}")
