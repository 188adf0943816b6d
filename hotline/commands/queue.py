"""`hotline queue list | move | withdraw`: the line, call by call, and what a supervisor may do with it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hotline.commands.showing import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    ask_engine,
    out,
    show_json,
    show_table,
    site_of,
)
from hotline.line import LINE, SEND_ON

_COLUMNS = ("call", "queue", "priority", "waited_s", "step", "rings", "kept for")
CallArgument = Annotated[str, typer.Argument(help="A call id, or its first characters.", metavar="CALL")]

app = typer.Typer(help="The line: list it, move a call in it, withdraw a call.", no_args_is_help=True)


@app.command("list")
def list_line(
    queue: Annotated[str, typer.Argument(help="Only this queue's.", metavar="[QUEUE]")] = "",
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """The calls that wait or ring, in the order in which they will be served."""
    loaded, folders = site_of(site)
    if queue and queue not in loaded.queues:
        raise typer.BadParameter(f"there is no queue '{queue}'; there is {', '.join(loaded.queues)}")
    rows = [row for row in ask_engine(folders, LINE)["calls"] if queue in ("", row["queue"])]
    if as_json:
        show_json(rows)
    elif rows:
        show_table("The line", _COLUMNS, [_in_short(row) for row in rows])
    else:
        out.print("Nobody waits.")


def _in_short(row: dict[str, Any]) -> list[object]:
    return [row["call_id"][:8], *(row[name] for name in ("queue", "priority", "waited_s", "step", "agent", "kept_for"))]


@app.command()
def move(
    call: CallArgument,
    queue: Annotated[str, typer.Argument(help="Where it is to wait.", metavar="QUEUE")],
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Send a waiting call to another queue. It keeps its place by the time at which it joined."""
    answer = ask_engine(site_of(site)[1], SEND_ON, call=call, queue=queue)
    out.print(f"{answer['call_id']} goes from {answer['from']} to {queue}.")


@app.command()
def withdraw(call: CallArgument, site: SiteOption = DEFAULT_SITE) -> None:
    """Take a waiting call out of the line. Its flow goes on as if the queue had given up."""
    answer = ask_engine(site_of(site)[1], SEND_ON, call=call, queue="")
    out.print(f"{answer['call_id']} has left {answer['from']}; its flow goes on.")
