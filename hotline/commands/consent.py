"""`hotline consent NUMBER CHANNEL given|withdrawn`: what somebody allows us, or does not any more."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text
from sqlalchemy import Connection

from crm_bridge.card.finding import addresses_of, find_customers, is_mail
from crm_bridge.consent import Channel, say
from crm_bridge.numbers import e164
from hotline.clock import this_moment
from hotline.commands.crm_access import change_crm, who
from hotline.commands.showing import DEFAULT_SITE, SiteOption, out, refuse, site_of


class Word(StrEnum):
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


def consent(
    number: Annotated[
        str,
        typer.Argument(help="A telephone number or a mail address; or a customer: all of theirs.", metavar="NUMBER"),
    ],
    channel: Annotated[Channel, typer.Argument(help="What for.")],
    word: Annotated[Word, typer.Argument(help="Yes, or not any more.")],
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Write down what somebody allows us: the newest word counts, the older ones stay."""
    loaded, folders = site_of(site)
    by, at = who(), this_moment()

    def write(connection: Connection) -> list[str]:
        found = _addresses(connection, number.strip(), channel, loaded.country)
        for address in found:
            say(connection, address, channel, word is Word.GIVEN, by=by, at=at)
        return found

    found = change_crm(loaded, folders, lambda store: store.write(write))
    if not found:
        kind = "mail address" if channel is Channel.MAIL else "telephone number"
        refuse(f"'{number}' is no {kind} of anybody's, nor a customer who has one")
    out.print(Text(f"{', '.join(found)}: {channel} {word}."), soft_wrap=True)


def _addresses(connection: Connection, said: str, channel: Channel, region: str) -> list[str]:
    """The one that was typed, of the kind that fits the channel; or all of the customer's."""
    typed = said if is_mail(said) else e164(said, region)
    if typed is not None:
        return [typed] if is_mail(typed) is (channel is Channel.MAIL) else []
    customers = find_customers(connection, said, region)
    theirs = [address for customer in customers for address in addresses_of(connection, customer)]
    return [address for address in theirs if is_mail(address) is (channel is Channel.MAIL)]
