"""`hotline customer show | note | set | changes`: a customer's card, and what people write on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from typing import Annotated, TypeVar

import typer
from rich.text import Text
from sqlalchemy import Connection

from crm_bridge.card.card import Card, card_of
from crm_bridge.card.finding import find_customers, is_mail, number_of
from crm_bridge.card.noting import LONGEST_NOTE, note, set_fields
from crm_bridge.card.time_line import Contact, time_line
from crm_bridge.card.trail import Change, trail
from crm_bridge.numbers import e164
from hotline.clock import this_moment
from hotline.commands.card_text import show_card
from hotline.commands.cells import in_json, in_table
from hotline.commands.crm_access import ask_crm, change_crm, who
from hotline.commands.customer_fields import overruled, read_fields
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
from hotline.settings import SiteFolders
from hotline.site.site import Site

app = typer.Typer(help="A customer's card: show, note, set, changes.", no_args_is_help=True)

WhoArgument = Annotated[
    str, typer.Argument(help="The customer's number, a telephone number, a mail address, or c17: their id.")
]
LimitOption = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")]
_Done = TypeVar("_Done")
_Found = TypeVar("_Found")
_CHANGES = ("at", "by", "subject", "key", "field", "before", "after")


class NoteKind(StrEnum):
    MAIL = "mail"
    VISIT = "visit"
    NOTE = "note"


@app.command()
def show(
    customer: WhoArgument, site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False, limit: LimitOption = 20
) -> None:
    """All there is to know of a customer: who they are, what is open, and every contact. --limit: of the contacts."""
    loaded, folders = site_of(site)
    card, contacts = _read(loaded, folders, customer, limit)
    if as_json:
        show_json([in_json({**asdict(card), "time_line": [asdict(contact) for contact in contacts]})])
    else:
        show_card(card, contacts, loaded)


def _read(site: Site, folders: SiteFolders, key: str, limit: int) -> tuple[Card, list[Contact]]:
    now = this_moment()

    def read(connection: Connection) -> tuple[Card, list[Contact]] | str:
        customer = _one(connection, key, site)
        if isinstance(customer, str):
            return customer
        card = card_of(connection, customer, now, site.timezone)
        return _nobody(key) if card is None else (card, time_line(connection, customer, limit))

    nothing: tuple[Card, list[Contact]] | str = _nobody(key)
    found = ask_crm(site, folders, lambda store: store.read(read), nothing)
    return _or_refuse(found)


@app.command("note")
def add_note(
    customer: WhoArgument,
    text: Annotated[str, typer.Argument(help="What was said, or what happened.")],
    kind: Annotated[NoteKind, typer.Option(help="What it was.")] = NoteKind.NOTE,
    outgoing: Annotated[bool, typer.Option("--out", help="We wrote to them, or went to them.")] = False,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Write a mail, a visit or a note down on the customer's card."""
    loaded, folders = site_of(site)
    if not text.strip() or len(text) > LONGEST_NOTE:
        raise typer.BadParameter(f"the text has 1 to {LONGEST_NOTE} characters, this one has {len(text.strip())}")
    address = customer.strip() if is_mail(customer) else e164(customer, loaded.country) or ""
    job = partial(note, kind=kind.value, text=text, out=outgoing, by=who(), at=this_moment(), address=address)
    _change(loaded, folders, customer, job)
    out.print("Noted.")


@app.command("set")
def set_customer(
    customer: WhoArgument,
    fields: Annotated[
        list[str], typer.Argument(help="FIELD=VALUE; FIELD= alone empties it.", metavar="FIELD=VALUE...")
    ],
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Set name, tier, price_list, owner, language, household, company, region or email."""
    loaded, folders = site_of(site)
    values = read_fields(fields, loaded)
    by, at = who(), this_moment()

    def write(connection: Connection, id_: int) -> tuple[bool, str]:
        return set_fields(connection, id_, values, by=by, at=at), number_of(connection, id_)

    changed, number = _change(loaded, folders, customer, write)
    out.print("Set." if changed else "It is so already.")
    for warning in overruled(loaded, number, values):
        err.print(Text(warning), soft_wrap=True)


@app.command()
def changes(
    customer: WhoArgument, site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False, limit: LimitOption = 50
) -> None:
    """Who has changed what and when, of every row that is the customer's."""
    loaded, folders = site_of(site)

    def read(connection: Connection) -> list[Change] | str:
        found = _one(connection, customer, loaded)
        return found if isinstance(found, str) else trail(connection, found, limit)

    nothing: list[Change] | str = _nobody(customer)
    rows = _or_refuse(ask_crm(loaded, folders, lambda store: store.read(read), nothing))
    if as_json:
        show_json(in_json(asdict(row)) for row in rows)
    elif rows:
        told = ([in_table(getattr(row, name), loaded.timezone) for name in _CHANGES] for row in rows)
        show_table("Changes", _CHANGES, told)
    else:
        out.print("Changes: none")


def _change(site: Site, folders: SiteFolders, key: str, job: Callable[[Connection, int], _Done]) -> _Done:
    """What comes of ``job`` for the customer, or the end of the command."""

    def change(connection: Connection) -> _Done | str:
        found = _one(connection, key, site)
        return found if isinstance(found, str) else job(connection, found)

    return _or_refuse(change_crm(site, folders, lambda store: store.write(change)))


def _one(connection: Connection, key: str, site: Site) -> int | str:
    """The customer's id, or why there is no one whom it means."""
    found = find_customers(connection, key, site.country)
    if len(found) > 1:
        return f"several customers have {key}: say which one, {', '.join(f'c{id_}' for id_ in found)}"
    return found[0] if found else _nobody(key)


def _nobody(key: str) -> str:
    return f"no customer has the number, the telephone number, the mail address or the id '{key}'"


def _or_refuse(found: _Found | str) -> _Found:
    return refuse(found) if isinstance(found, str) else found
