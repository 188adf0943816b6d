"""`hotline lead accept | return | assign | won | lost LEAD`: what dealers and we do with it (`crm_bridge/leads.py`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from crm_bridge import leads as steps
from crm_bridge.lead_refusals import why_not
from crm_bridge.work_lists.items import BadItem, ItemKind, read_item
from hotline.clock import this_moment
from hotline.commands.crm_access import change_crm, who
from hotline.commands.showing import DEFAULT_SITE, SiteOption, refuse, say, site_of

app = typer.Typer(help="A lead in dealers' hands: accept, return, assign, won, lost.", no_args_is_help=True)

LeadArgument = Annotated[str, typer.Argument(help="Its number, or lead-NUMBER.", metavar="LEAD")]
HolderArgument = Annotated[
    str, typer.Argument(help="Whose it is: refused when another dealer has it.", metavar="[DEALER]")
]
_Step = Callable[[Connection, int], bool]


@app.command()
def accept(lead: LeadArgument, dealer: HolderArgument = "", site: SiteOption = DEFAULT_SITE) -> None:
    """The dealer takes it."""
    step = partial(steps.accept, by=who(), at=this_moment())
    _do(site, lead, "accept", step, holder=dealer, done="accepted")


@app.command("return")
def give_back(lead: LeadArgument, dealer: HolderArgument = "", site: SiteOption = DEFAULT_SITE) -> None:
    """The dealer does not want it: the next one of the region has it."""
    step = partial(steps.give_back, by=who(), at=this_moment())
    _do(site, lead, "return", step, holder=dealer, done="returned")


@app.command()
def assign(
    lead: LeadArgument,
    dealer: Annotated[str, typer.Argument(help="The dealer's code.", metavar="DEALER")],
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Into this dealer's hands; whoever has it, has it no more."""
    rules = site_of(site)[0].crm_rules
    step = partial(steps.assign, dealer=dealer, rules=rules, by=who(), at=this_moment())
    _do(site, lead, "assign", step, to=dealer, done=f"assigned to {dealer}")


@app.command()
def won(lead: LeadArgument, site: SiteOption = DEFAULT_SITE) -> None:
    """They have bought."""
    _do(site, lead, "close", partial(steps.close, won=True, by=who(), at=this_moment()), done="won")


@app.command()
def lost(lead: LeadArgument, site: SiteOption = DEFAULT_SITE) -> None:
    """Nothing came of it."""
    _do(site, lead, "close", partial(steps.close, won=False, by=who(), at=this_moment()), done="lost")


def _do(site: Path, text: str, act: str, step: _Step, *, done: str, holder: str = "", to: str = "") -> None:
    """Or the end of the command, with the reason."""
    loaded, folders = site_of(site)
    lead = _lead_id(text)
    job = partial(_take, lead=lead, act=act, step=step, holder=holder, to=to)
    why_not = change_crm(loaded, folders, lambda store: store.write(job))
    if why_not:
        refuse(why_not)
    say(f"lead-{lead}: {done}.")


def _lead_id(text: str) -> int:
    try:
        return int(read_item(f"{ItemKind.LEAD}-{text.strip().removeprefix('lead-')}", "").key)
    except BadItem as error:
        raise typer.BadParameter(str(error)) from error


def _take(connection: Connection, lead: int, act: str, step: _Step, holder: str, to: str) -> str:
    """'' when it is done; else why not."""
    return why_not(connection, lead, act, holder=holder, to=to) or ("" if step(connection, lead) else "not possible")
