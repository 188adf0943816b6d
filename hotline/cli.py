"""The console script `hotline`. Each command is one small module in `hotline/commands`."""

from __future__ import annotations

import typer

from hotline.commands.bench import bench
from hotline.commands.calls import calls, report
from hotline.commands.check import check
from hotline.commands.closing import close_line, open_line
from hotline.commands.demo import demo
from hotline.commands.doctor import doctor
from hotline.commands.graph import graph
from hotline.commands.hours import hours
from hotline.commands.init import init
from hotline.commands.listing import list_work
from hotline.commands.problems import problems
from hotline.commands.prompts import prompts
from hotline.commands.schema import schema
from hotline.commands.status import agents, queues, status
from hotline.commands.trying import try_call
from hotline.commands.up import up

app = typer.Typer(
    name="hotline",
    help="A call centre on a plain Asterisk: IVR and media sources, a skilled ACD, a CRM record of every call.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a traceback must not print a secret
)
for command in (init, up, status, doctor, check, calls, agents, queues, report, graph, demo):
    app.command()(command)
app.command()(hours)
app.command()(schema)
app.command()(problems)
app.command("list")(list_work)
app.command("close")(close_line)
app.command("open")(open_line)  # Python has an `open` of its own
app.command("try")(try_call)
app.add_typer(prompts)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
