"""Orders with their lines, and their shipments. After each change the customer's stage is worked out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from crm_bridge.editing.act import Act, Clash
from crm_bridge.editing.lines import Line, amount_of, write_lines
from crm_bridge.editing.rows import change_row, make_row, must_be_its_first, must_name, put_row, row_of, the_row
from crm_bridge.given_numbers import next_number
from crm_bridge.life_cycle import refresh_stages
from crm_bridge.models import customers, order_lines, orders, shipments

STATUSES = ("placed", "paid", "packed", "shipped", "delivered", "cancelled")
SHIPMENT_STATUSES = ("packed", "in_transit", "out_for_delivery", "delivered", "returned")


@dataclass(frozen=True, slots=True)
class NewOrder:
    """``number`` '': we give one out. ``amount`` None: the lines tell it. ``currency`` '': the house's. ``placed_on``
    None: today. ``call_id``: of the call in which it was taken."""

    customer_id: int
    amount: Decimal | None = None
    lines: Sequence[Line] = ()
    number: str = ""
    status: str = "placed"
    currency: str = ""
    placed_on: date | None = None
    expected_on: date | None = None
    call_id: str = ""
    agent: str = ""
    channel: str = "api"


def make_order(connection: Connection, act: Act, new: NewOrder) -> str:
    """Its number. Raises Unfit, and Clash: the number is taken, or the call has an order already."""
    must_name(connection, customers, {"id": new.customer_id}, "customer", where="customer_id")
    amount = amount_of(new.amount, new.lines)
    must_be_its_first(connection, orders, new.call_id, "order")
    number = new.number or next_number(connection, orders)
    if new.number and row_of(connection, orders, {"number": number}) is not None:
        raise Clash("there is an order of this number", where="number", hint="change that one, or leave the number out")
    row = {
        "number": number,
        "customer_id": new.customer_id,
        "status": new.status,
        "amount": amount,
        "currency": new.currency or act.rules.currency,
        "placed_on": new.placed_on or act.today,
        "expected_on": new.expected_on,
        "call_id": new.call_id or None,
        "agent": new.agent,
        "channel": new.channel,
    }
    make_row(connection, orders, row, act)
    write_lines(connection, order_lines, number, new.lines)
    refresh_stages(connection, [new.customer_id], act.today, act.rules.stages)
    return number


def change_order(connection: Connection, act: Act, number: str, values: Mapping[str, Any]) -> None:
    """``values``: ``status``, ``expected_on``."""
    known = the_row(connection, orders, {"number": number}, "order")
    change_row(connection, orders, {"number": number}, values, act)
    refresh_stages(connection, [known["customer_id"]], act.today, act.rules.stages)


def put_shipment(connection: Connection, act: Act, number: str, values: Mapping[str, Any]) -> bool:
    """True: it was not there before. One that is delivered without a day was delivered today, or when it was known to
    be before."""
    must_name(connection, orders, {"number": values["order_number"]}, "order", where="order_number")
    said = dict(values)
    if said["status"] == "delivered" and said["delivered_on"] is None:
        known = row_of(connection, shipments, {"number": number})
        said["delivered_on"] = (known and known["delivered_on"]) or act.today
    return put_row(connection, shipments, {"number": number}, said, act)
