"""What somebody notes of a customer: a mail, a visit, a note; and what customers allow us, or do not any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from crm_bridge import consent
from crm_bridge.card import noting
from crm_bridge.card.finding import addresses_of
from crm_bridge.card.noting import NoteKind
from crm_bridge.editing.act import Act, Unfit
from crm_bridge.editing.customers import NOUN
from crm_bridge.editing.rows import the_row
from crm_bridge.models import customers


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """``at``: when it was, None for now. ``address``: E.164 or a mail address, '' for their own."""

    customer_id: int
    kind: NoteKind
    text: str
    direction: str = "out"
    at: datetime | None = None
    address: str = ""


def note(connection: Connection, act: Act, new: NewInteraction) -> int:
    """The id of the row. Raises NotThere."""
    the_row(connection, customers, {"id": new.customer_id}, NOUN)
    return noting.note(
        connection,
        new.customer_id,
        new.kind,
        new.text,
        out=new.direction == "out",
        by=act.by,
        at=new.at or act.at,
        address=new.address,
        noted_at=act.at,
    )


def say(connection: Connection, act: Act, customer_id: int, address: str, channel: str, given: bool) -> int:
    """The id of the row: one more word, none is ever changed. Raises NotThere, and Unfit for an address that is not the
    customer's."""
    if address not in addresses(connection, customer_id):
        hint = "add the number or the mail address to the customer first"
        raise Unfit("this is no address of the customer's", where="address", hint=hint)
    return consent.say(connection, address, consent.Channel(channel), given, by=act.by, at=act.at)


def addresses(connection: Connection, customer_id: int) -> list[str]:
    """The customer's numbers, and the mail address if there is one. Raises NotThere."""
    the_row(connection, customers, {"id": customer_id}, NOUN)
    return addresses_of(connection, customer_id)
