"""What somebody notes of a customer: a mail, a visit, a note; and what customers allow us, or do not any more."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from crm_bridge.editing.act import Act, Unfit
from crm_bridge.editing.customers import NOUN
from crm_bridge.editing.rows import make_row, the_row
from crm_bridge.models import consents, customer_numbers, customers, interactions

KINDS = ("mail", "visit", "note")
CHANNELS = ("call", "sms", "mail", "recording")


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """``at``: when it was, None for now. ``address``: E.164 or a mail address, '' for none."""

    customer_id: int
    kind: str
    text: str
    direction: str = "out"
    at: datetime | None = None
    address: str = ""


def note(connection: Connection, act: Act, new: NewInteraction) -> int:
    the_row(connection, customers, {"id": new.customer_id}, NOUN)
    return int(make_row(connection, interactions, {**asdict(new), "at": new.at or act.at, "by": act.by[:64]}, act))


def say(connection: Connection, act: Act, customer_id: int, address: str, channel: str, given: bool) -> int:
    """One more word; none is ever changed. Raises Unfit for an address that is not the customer's."""
    if address not in addresses(connection, customer_id):
        hint = "add the number or the mail address to the customer first"
        raise Unfit("this is no address of the customer's", where="address", hint=hint)
    row = {"address": address, "channel": channel, "given": given, "at": act.at, "by": act.by[:64]}
    return int(make_row(connection, consents, row, act))


def addresses(connection: Connection, customer_id: int) -> list[str]:
    """The customer's numbers, and the mail address if there is one. Raises NotThere."""
    email = the_row(connection, customers, {"id": customer_id}, NOUN)["email"]
    numbers = select(customer_numbers.c.e164).where(customer_numbers.c.customer_id == customer_id)
    return [*connection.execute(numbers.order_by(customer_numbers.c.e164)).scalars(), *([email] if email else [])]
