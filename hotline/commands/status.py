"""`hotline status`, `hotline agents`, `hotline queues`: what the running engine says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from hotline.commands.showing import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    ask_engine,
    out,
    run,
    show_json,
    show_table,
    site_of,
    table_of,
)
from hotline.commands.watching import watch
from hotline.control import ask
from hotline.settings import SiteFolders
from hotline.site.site import Site
from hotline.supervision.health import answers

_AGENT = ("agent", "name", "presence", "engagement", "phone", "queue", "call")
_QUEUE = ("name", "waiting", "longest_wait_s", "ringing", "talking", "staffed", "idle", "promises_kept")


def status(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """Is the site up? Exit code 1 when the engine does not answer, 2 when it has no Asterisk."""
    loaded, folders = site_of(site)
    answer = ask_engine(folders, "status") | _api(loaded)
    if as_json:
        show_json([answer])
    else:
        show_table("Engine", ("what", "is"), _flat(_told(answer)))
    if answer.get("asterisk") == "away":
        raise typer.Exit(2)


def _api(site: Site) -> dict[str, Any]:
    """Of a site that has one."""
    port = site.ports.api
    if port is None:
        return {}
    return {"api": "up" if run(lambda: answers(site.bind, port, "/health")) else "away"}


def _told(answer: Mapping[str, Any]) -> dict[str, Any]:
    """For people: of flow problems only when there are any, and where to read them."""
    told = {word: value for word, value in answer.items() if word != "flow_problems"}
    if count := answer.get("flow_problems"):
        told["flow problems"] = f"{count} in the last day: hotline problems"
    return told


WatchOption = Annotated[bool, typer.Option("--watch", help="Draw it anew every second, until Ctrl-C.")]


def agents(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False, watching: WatchOption = False) -> None:
    """The agents now."""
    folders = site_of(site)[1]
    if watching:
        watch(lambda: _table("Agents", _AGENT, map(_in_short, _told_now(folders, "agents"))))
        return
    rows = ask_engine(folders, "agents")["agents"]
    _show("Agents", _AGENT, rows if as_json else [_in_short(row) for row in rows], as_json)


def queues(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False, watching: WatchOption = False) -> None:
    """The queues now."""
    folders = site_of(site)[1]
    if watching:
        watch(lambda: _table("Queues", _QUEUE, _told_now(folders, "queues")))
        return
    _show("Queues", _QUEUE, ask_engine(folders, "queues")["queues"], as_json)


def _told_now(folders: SiteFolders, word: str) -> list[dict[str, Any]]:
    """Raises ControlError."""
    return list(run(lambda: ask(folders.run, word))[word])


def _table(title: str, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> Table:
    return table_of(title, columns, ([_short(row.get(column)) for column in columns] for row in rows))


def _in_short(agent: Mapping[str, Any]) -> dict[str, Any]:
    """An agent's row for 80 columns; --json has all of it."""
    reason = f" ({agent['pause_reason']})" if agent["pause_reason"] else ""
    short = {"agent": agent["extension"], "presence": f"{agent['presence']}{reason}", "call": agent["call_id"][:8]}
    return {**agent, **short}


def _show(title: str, columns: tuple[str, ...], rows: list[Mapping[str, Any]], as_json: bool) -> None:
    if as_json:
        show_json(rows)
    elif rows:
        show_table(title, columns, ([_short(row.get(column)) for column in columns] for row in rows))
    else:
        out.print(f"{title}: none")


def _short(value: object) -> object:
    return round(value, 1) if isinstance(value, float) else value


def _flat(answer: Mapping[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    """Nested answers as one list of (path, value)."""
    rows: list[tuple[str, object]] = []
    for key, value in answer.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return rows
