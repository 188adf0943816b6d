"""`hotline do-not-call add | remove | list`: the numbers that we never call of our own accord."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from crm_bridge import do_not_call
from crm_bridge.do_not_call import Listed
from crm_bridge.numbers import e164
from hotline.clock import this_moment
from hotline.commands.cells import in_json, in_spreadsheet
from hotline.commands.crm_access import change_crm, read_crm, who
from hotline.commands.showing import (
    DEFAULT_SITE,
    CsvOption,
    JsonOption,
    SiteOption,
    out,
    refuse,
    say,
    show_csv,
    show_json,
    show_table,
    site_of,
)
from hotline.site.site import Site
from ivr.wall_clock import NoSuchTime, instant

app = typer.Typer(help="Numbers that we never call of our own accord.", no_args_is_help=True)

NumberArgument = Annotated[str, typer.Argument(help="A telephone number.", metavar="NUMBER")]
_COLUMNS = ("e164", "since", "until", "reason", "by", "customer", "name")
_LONGEST_REASON = 500


@app.command()
def add(
    number: NumberArgument,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%d %H:%M"],
            metavar="DAY",
            help="2027-01-31, or '2027-01-31 18:00', by the site's clock; for ever if left out.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="For people.")] = "",
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Nobody calls it of our own accord any more. Once more changes the entry."""
    loaded, folders = site_of(site)
    if len(reason) > _LONGEST_REASON:
        raise typer.BadParameter(f"--reason has more than {_LONGEST_REASON} characters")
    now = this_moment()
    entry = Listed(_number(number, loaded), now, _until(until, now, loaded), reason, who())
    change_crm(loaded, folders, lambda store: store.write(partial(do_not_call.add, entry=entry)))
    say(f"{entry.e164} is not called any more.")


@app.command()
def remove(number: NumberArgument, site: SiteOption = DEFAULT_SITE) -> None:
    """It may be called again, if no consent was withdrawn."""
    loaded, folders = site_of(site)
    found = _number(number, loaded)
    job = partial(do_not_call.remove, e164=found, by=who(), at=this_moment())
    if not change_crm(loaded, folders, lambda store: store.write(job)):
        refuse(f"{found} is not on the list")
    say(f"{found} is off the list.")


@app.command("list")
def list_numbers(
    number: Annotated[str, typer.Argument(help="Only this one.", metavar="[NUMBER]")] = "",
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many, the newest first.")] = 50,
) -> None:
    """The numbers that are on it now."""
    loaded, folders = site_of(site)
    only = _number(number, loaded) if number else None
    job = partial(do_not_call.listed, now=this_moment(), e164=only, limit=limit)
    rows = read_crm(loaded, folders, lambda store: store.read(lambda connection: [*job(connection)]))
    cells = ([in_spreadsheet(getattr(row, name), loaded.timezone) for name in _COLUMNS] for row in rows)
    if as_json:
        show_json(in_json(asdict(row)) for row in rows)
    elif as_csv:
        show_csv(_COLUMNS, cells)
    elif rows:
        show_table("Do not call", _COLUMNS, cells)
    else:
        out.print("Do not call: none")


def _number(said: str, site: Site) -> str:
    found = e164(said.strip(), site.country)
    if found is None:
        raise typer.BadParameter(
            f"'{said:.40}' is no telephone number of {site.country}, nor of another country with +"
        )
    return found


def _until(said: datetime | None, now: datetime, site: Site) -> datetime | None:
    if said is None:
        return None
    try:
        until = instant(said.replace(tzinfo=site.timezone))
    except NoSuchTime as error:
        raise typer.BadParameter(str(error)) from error
    if until <= now:
        raise typer.BadParameter(f"--until {said:%Y-%m-%d %H:%M} is over already")
    return until
