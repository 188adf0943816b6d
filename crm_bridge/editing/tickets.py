"""Tickets, with the time that their category's SLA gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select

from crm_bridge.editing.act import Act, Clash
from crm_bridge.editing.rows import change_row, make_row, must_name, row_of, the_row
from crm_bridge.given_numbers import TICKETS, next_number
from crm_bridge.models import calls, customers, tickets

STATUSES = ("open", "in_progress", "solved", "cancelled")
SOLVED = "solved"


@dataclass(frozen=True, slots=True)
class NewTicket:
    customer_id: int
    category: str
    text: str = ""
    keeper: str = ""
    call_id: str = ""


def make_ticket(connection: Connection, act: Act, new: NewTicket) -> str:
    """Its number. Raises Unfit, and Clash: the call has a ticket already."""
    must_name(connection, customers, {"id": new.customer_id}, "customer", where="customer_id")
    _check_call(connection, new.call_id)
    limit_s = act.rules.sla_s.get(new.category)
    due_at = None if limit_s is None else act.at + timedelta(seconds=limit_s)
    row = {
        "number": _unused_number(connection),
        "customer_id": new.customer_id,
        "status": "open",
        "category": new.category,
        "opened_on": act.today,
        "due_on": None if due_at is None else due_at.astimezone(act.rules.zone).date(),
        "text": new.text,
        "keeper": new.keeper,
        "call_id": new.call_id or None,
        "opened_at": act.at,
        "due_at": due_at,
    }
    return str(make_row(connection, tickets, row, act))


def change_ticket(connection: Connection, act: Act, number: str, values: Mapping[str, Any]) -> None:
    """``values``: ``status``, ``keeper``, ``text``. It is solved when it becomes so, and opened again it is not."""
    known = the_row(connection, tickets, {"number": number}, "ticket")
    said = dict(values)
    if "status" in said and said["status"] != known["status"]:
        said["solved_at"] = act.at if said["status"] == SOLVED else None
    change_row(connection, tickets, {"number": number}, said, act)


def _check_call(connection: Connection, call_id: str) -> None:
    if not call_id:
        return
    must_name(connection, calls, {"call_id": call_id}, "call", where="call_id")
    taken = connection.execute(select(tickets.c.number).where(tickets.c.call_id == call_id)).scalar()
    if taken is not None:
        raise Clash(f"the ticket {taken} was opened in this call", where="call_id", hint="leave the call out")


def _unused_number(connection: Connection) -> str:
    while row_of(connection, tickets, {"number": (number := next_number(connection, TICKETS))}) is not None:
        pass
    return number
