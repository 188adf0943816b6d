"""`hotline work take | give | drop | close ITEM`: who has taken on which line of a list, and that it is done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from crm_bridge.work_lists import working
from crm_bridge.work_lists.items import BadItem, Item, ItemKind, read_item
from crm_bridge.work_lists.standing import Refusal, Why
from hotline.clock import this_moment
from hotline.commands.crm_access import change_crm, who
from hotline.commands.people import AsOption, person
from hotline.commands.showing import DEFAULT_SITE, SiteOption, refuse, say, site_of
from hotline.site.site import Site

app = typer.Typer(help="A line of `hotline list`: take it on, give it, drop it, close it.", no_args_is_help=True)

ItemArgument = Annotated[str, typer.Argument(help="The line's name, as `hotline list` shows it.", metavar="ITEM")]
ForceOption = Annotated[bool, typer.Option("--force", help="Also when somebody else has it.")]

_Act = Callable[[Connection, Item], Refusal | None]


@app.command()
def take(item: ItemArgument, me: AsOption = "", force: ForceOption = False, site: SiteOption = DEFAULT_SITE) -> None:
    """It is mine from now on."""
    mine = person(site_of(site)[0], me)
    _do(site, item, partial(working.take, me=mine, at=this_moment(), by=who(), force=force))
    say(f"{item}: taken on by {mine}.")


@app.command()
def give(
    item: ItemArgument,
    to: Annotated[str, typer.Argument(help="An agent's extension, or a name.", metavar="TO")],
    me: AsOption = "",
    force: ForceOption = False,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """It is theirs from now on: what is mine, or what nobody has."""
    loaded = site_of(site)[0]
    if not to.strip():
        raise typer.BadParameter("TO is empty: an agent's extension, or a name")
    theirs, mine = person(loaded, to), person(loaded, me)
    _do(site, item, partial(working.give, to=theirs, me=mine, at=this_moment(), by=who(), force=force))
    say(f"{item}: given to {theirs}.")


@app.command()
def drop(item: ItemArgument, me: AsOption = "", force: ForceOption = False, site: SiteOption = DEFAULT_SITE) -> None:
    """Not mine any more: anybody may take it."""
    mine = person(site_of(site)[0], me)
    _do(site, item, partial(working.drop, me=mine, at=this_moment(), by=who(), force=force))
    say(f"{item}: nobody's.")


@app.command()
def close(
    item: ItemArgument,
    note: Annotated[str, typer.Option(help="What came of it, for people.")] = "",
    me: AsOption = "",
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Done: the promise is kept, the delivery confirmed, the ticket solved, the appointment kept, the caller called."""
    if len(note) > working.LONGEST_NOTE:
        raise typer.BadParameter(f"--note has more than {working.LONGEST_NOTE} characters")
    mine = person(site_of(site)[0], me)
    _do(site, item, partial(working.close, me=mine, at=this_moment(), by=who(), note=note))
    say(f"{item}: done.")


def _do(site: Path, text: str, act: _Act) -> None:
    """Or the end of the command, with the reason."""
    loaded, folders = site_of(site)
    try:
        item = read_item(text, loaded.country)
    except BadItem as error:
        raise typer.BadParameter(str(error)) from error
    refusal = change_crm(loaded, folders, lambda store: store.write(lambda connection: act(connection, item)))
    if refusal is not None:
        refuse(_told(refusal, item, loaded))


def _told(refusal: Refusal, item: Item, site: Site) -> str:
    since = f" since {refusal.since.astimezone(site.timezone):%m-%d %H:%M:%S}" if refusal.since is not None else ""
    hint = ""
    if refusal.why is Why.TAKEN:
        hint = " (--force)" if refusal.since is not None else ""
    elif item.kind is ItemKind.LEAD and refusal.why is Why.ELSEWHERE:
        hint = f": hotline lead accept, won or lost {item.key}"
    return f"{refusal.text}{since}{hint}"
