"""What people write on a customer's card: notes of mail and visits, and the fields that are theirs to set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert

from crm_bridge.card.finding import addresses_of, is_mail
from crm_bridge.changing import change, made
from crm_bridge.models import customers, interactions

NoteKind = Literal["mail", "visit", "note"]
FIELDS = ("name", "tier", "price_list", "owner", "language", "household", "company", "region", "email")
LONGEST_NOTE = 2000


def note(
    connection: Connection,
    customer_id: int,
    kind: NoteKind,
    text: str,
    *,
    out: bool,
    by: str,
    at: datetime,
    address: str = "",
    noted_at: datetime | None = None,
) -> int:
    """The id of the row. ``at``: when it was; ``noted_at``: when it is written down, if that is another time. ``out``:
    we wrote to them, or went to them. ``address``: the one it was; left out, the customer's own of the kind that fits,
    if they have one."""
    if len(text) > LONGEST_NOTE:
        raise ValueError(f"the text has more than {LONGEST_NOTE} characters")
    row = {
        "customer_id": customer_id,
        "address": address or _address(connection, customer_id, mail=kind == "mail"),
        "kind": kind,
        "direction": "out" if out else "in",
        "at": at,
        "by": by[:64],
        "text": text,
    }
    new = connection.execute(insert(interactions).values(row).returning(interactions.c.id)).scalar_one()
    made(connection, interactions, {"id": new}, by=by, at=noted_at or at)
    return int(new)


def _address(connection: Connection, customer_id: int, *, mail: bool) -> str:
    """A mail is of the mail address, all else of the first number; of the other where there is no such."""
    found = addresses_of(connection, customer_id)
    return next((each for each in found if is_mail(each) is mail), next(iter(found), ""))


def set_fields(connection: Connection, customer_id: int, values: Mapping[str, str], *, by: str, at: datetime) -> bool:
    """False: there is no such customer, or nothing in it is new. Raises ValueError for what is no field of ours to set,
    and for what is too long for it; the house's own rules on what may be in one are for the asker to keep."""
    for field, value in values.items():
        if field not in FIELDS:
            raise ValueError(f"'{field}' is not set here; there are {', '.join(FIELDS)}")
        width = getattr(customers.c[field].type, "length", None)
        if width is not None and len(value) > width:
            raise ValueError(f"{field} has more than {width} characters")
    return change(connection, customers, {"id": customer_id}, values, by=by, at=at)
