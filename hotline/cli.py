"""The console script `hotline`. Each command is one small module in `hotline/commands`, imported when it is called:
what `report` needs of a database is no reason for `status` to be slow.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup

# The word → its module and its function there (or, for `prompts`, a group of words).
_COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("init", "init"),
    "up": ("up", "up"),
    "status": ("status", "status"),
    "doctor": ("doctor", "doctor"),
    "check": ("check", "check"),
    "try": ("trying", "try_call"),
    "graph": ("graph", "graph"),
    "schema": ("schema", "schema"),
    "problems": ("problems", "problems"),
    "prompts": ("prompts", "prompts"),
    "hours": ("hours", "hours"),
    "close": ("closing", "close_line"),
    "open": ("closing", "open_line"),
    "calls": ("calls", "calls"),
    "agents": ("status", "agents"),
    "queues": ("status", "queues"),
    "queue": ("queue", "app"),
    "explain": ("explaining", "explain_call"),
    "queue-log": ("explaining", "queue_log"),
    "list": ("listing", "list_work"),
    "report": ("reporting", "report"),
    "work": ("working", "app"),
    "lead": ("lead", "app"),
    "customer": ("customer", "app"),
    "consent": ("consent", "consent"),
    "do-not-call": ("do_not_call", "app"),
    "outbox": ("outbox", "app"),
    "backup": ("backup", "backup"),
    "restore": ("restore", "restore"),
    "db": ("db", "app"),
    "reconcile": ("reconciling", "reconcile"),
    "import": ("importing", "import_file"),
    "demo": ("demo", "demo"),
    "bench": ("bench", "bench"),
}
_SETTINGS: Mapping[str, dict[str, Any]] = {"bench": {"allow_extra_args": True, "ignore_unknown_options": True}}


class _Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        found = getattr(importlib.import_module(f"hotline.commands.{module}"), name)
        return _command(cmd_name, found)


def _command(word: str, found: Any) -> Any:  # Click's own, of which Typer may have a copy
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    alone.command(word, context_settings=_SETTINGS.get(word))(found)
    return typer.main.get_command(alone)


app = typer.Typer(
    name="hotline",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a traceback must not print a secret
)


@app.callback()
def about() -> None:
    """A call centre on a plain Asterisk: IVR and media sources, a skilled ACD, a CRM record of every call."""


def main() -> None:
    app()


if __name__ == "__main__":
    main()
