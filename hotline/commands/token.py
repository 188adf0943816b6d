"""`hotline token`: who may ask the REST API. The engine need not be up."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import typer
from rich.text import Text

from crm_bridge.editing.act import Act, Refusal
from crm_bridge.tokens import SCOPES, Token, all_tokens, draw_token, make_token, revoke_token
from hotline.clock import this_moment
from hotline.commands.crm_access import change_crm, read_crm, who
from hotline.commands.showing import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    err,
    out,
    refuse,
    show_json,
    show_table,
    site_of,
)
from hotline.site.site import Site

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Who may ask the REST API.")

_COLUMNS = ("name", "scopes", "made_at", "last_used_at", "revoked_at")
_NameArgument = Annotated[str, typer.Argument(help="By which its changes are known: api:NAME. a-z, 0-9, - and _.")]
_SCOPE_HELP = f"What it may do; again for another one. One of {', '.join(sorted(SCOPES))}."


@app.command("make")
def make(
    name: _NameArgument,
    scope: Annotated[list[str], typer.Option("--scope", help=_SCOPE_HELP)],
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Make a token. It is printed once, and kept only as a hash."""
    loaded, folders = site_of(site)
    token = draw_token()
    work = partial(make_token, act=_act(loaded), name=name, token=token, scopes=scope)
    try:
        change_crm(loaded, folders, lambda store: store.write(work))
    except Refusal as error:
        refuse(f"{error.where}: {error.message} ({error.hint})", 2)
    err.print(Text(f"{name} may {', '.join(sorted(set(scope)))}. Keep it now: it is not shown again."), soft_wrap=True)
    typer.echo(token)


@app.command("list")
def list_tokens(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """All tokens, also the revoked ones."""
    loaded, folders = site_of(site)
    tokens = read_crm(loaded, folders, lambda store: store.read(all_tokens))
    if as_json:
        show_json(_as_json(token) for token in tokens)
    elif not tokens:
        out.print("Tokens: none; `hotline token make NAME --scope customers:read` makes one")
    else:
        show_table("Tokens", _COLUMNS, ([_cell(getattr(token, name), loaded) for name in _COLUMNS] for token in tokens))


@app.command("revoke")
def revoke(name: _NameArgument, site: SiteOption = DEFAULT_SITE) -> None:
    """End a token: from now on it is refused. Its name stays taken."""
    loaded, folders = site_of(site)
    try:
        new = change_crm(loaded, folders, lambda store: store.write(partial(revoke_token, act=_act(loaded), name=name)))
    except Refusal as error:
        refuse(f"{error.message}: {name} ({error.hint})")
    out.print(f"{name} is revoked." if new else f"{name} was revoked before.")


def _act(site: Site) -> Act:
    return Act(who(), this_moment(), site.crm_rules, site.country)


def _as_json(token: Token) -> dict[str, object]:
    return {name: _plain(getattr(token, name)) for name in _COLUMNS}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return list(value) if isinstance(value, tuple) else value


def _cell(value: object, site: Site) -> object:
    if isinstance(value, datetime):
        return value.astimezone(site.timezone).strftime("%Y-%m-%d %H:%M")
    return " ".join(value) if isinstance(value, tuple) else value
