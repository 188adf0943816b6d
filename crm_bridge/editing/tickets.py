"""Tickets, with the time that their category's SLA gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import change_row, make_row, must_be_its_first, must_name, the_row
from crm_bridge.given_numbers import next_number
from crm_bridge.models import customers, tickets

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
    must_be_its_first(connection, tickets, new.call_id, "ticket")
    limit_s = act.rules.sla_s.get(new.category)
    due_at = None if limit_s is None else act.at + timedelta(seconds=limit_s)
    row = {
        "number": next_number(connection, tickets),
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
