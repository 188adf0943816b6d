"""Offers in writing, and when somebody of ours will be with a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from crm_bridge.editing.act import Act, Clash
from crm_bridge.editing.lines import Line, amount_of, write_lines
from crm_bridge.editing.rows import change_row, make_row, must_name, row_of, the_row
from crm_bridge.models import appointments, customers, orders, quote_lines, quotes

QUOTE_STATUSES = ("draft", "sent", "accepted", "declined", "expired")
APPOINTMENT_STATES = ("planned", "kept", "missed", "cancelled")


@dataclass(frozen=True, slots=True)
class NewQuote:
    """``amount`` None: the lines tell it. ``currency`` '': the house's. ``made_on`` None: today."""

    number: str
    customer_id: int
    amount: Decimal | None = None
    lines: Sequence[Line] = ()
    status: str = "draft"
    currency: str = ""
    made_on: date | None = None
    valid_until: date | None = None
    keeper: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class NewAppointment:
    """``ref``: by which its maker knows it again; None for none."""

    customer_id: int
    at: datetime
    ref: str | None = None
    place: str = ""
    purpose: str = ""
    keeper: str = ""
    call_id: str = ""
    quote_number: str = ""


def make_quote(connection: Connection, act: Act, new: NewQuote) -> None:
    """Raises Unfit, and Clash: the number is taken."""
    must_name(connection, customers, {"id": new.customer_id}, "customer", where="customer_id")
    if row_of(connection, quotes, {"number": new.number}) is not None:
        raise Clash("there is a quote of this number", where="number", hint="change that one, or take another number")
    row = asdict(new)
    del row["lines"]
    row["amount"] = amount_of(new.amount, new.lines)
    row |= {"currency": new.currency or act.rules.currency, "made_on": new.made_on or act.today}
    make_row(connection, quotes, row, act)
    write_lines(connection, quote_lines, new.number, new.lines)


def change_quote(connection: Connection, act: Act, number: str, values: Mapping[str, Any]) -> None:
    """``values``: ``status``, ``valid_until``, ``keeper``, ``order_number``."""
    the_row(connection, quotes, {"number": number}, "quote")
    if values.get("order_number"):
        must_name(connection, orders, {"number": values["order_number"]}, "order", where="order_number")
    change_row(connection, quotes, {"number": number}, values, act)


def make_appointment(connection: Connection, act: Act, new: NewAppointment) -> tuple[int, bool]:
    """(its id, True if it is new): who says the same ref again, finds what they had made. Raises Unfit, and Clash: the
    ref is another customer's appointment."""
    must_name(connection, customers, {"id": new.customer_id}, "customer", where="customer_id")
    known = row_of(connection, appointments, {"ref": new.ref}) if new.ref else None
    if known is not None:
        if known["customer_id"] != new.customer_id:
            raise Clash("another customer's appointment has this ref", where="ref", hint="take another ref")
        return int(known["id"]), False
    if new.quote_number:
        must_name(connection, quotes, {"number": new.quote_number}, "quote", where="quote_number")
    return int(make_row(connection, appointments, {**asdict(new), "state": "planned"}, act)), True


def change_appointment(connection: Connection, act: Act, id_: int, values: Mapping[str, Any]) -> None:
    """``values``: ``at``, ``place``, ``purpose``, ``keeper``, ``state``."""
    the_row(connection, appointments, {"id": id_}, "appointment")
    change_row(connection, appointments, {"id": id_}, values, act)
