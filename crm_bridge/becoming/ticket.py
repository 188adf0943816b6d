"""A service call becomes a ticket, with the time that its category's SLA gives it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from crm_bridge.becoming.word import Word, customer_of
from crm_bridge.changing import change, made
from crm_bridge.given_numbers import next_number
from crm_bridge.models import tickets
from crm_bridge.rules import CrmRules, DispositionRule

OPEN, CANCELLED = "open", "cancelled"


def make(connection: Connection, word: Word, rule: DispositionRule, rules: CrmRules) -> None:
    known = _ticket(connection, word)
    if known is not None:
        if known["status"] == CANCELLED:
            change(connection, tickets, {"number": known["number"]}, {"status": OPEN}, by=word.by, at=word.at)
        return
    number, category = next_number(connection, tickets), rule.category
    limit_s = rules.sla_s.get(category)
    due_at = None if limit_s is None else word.at + timedelta(seconds=limit_s)
    row = {
        "number": number,
        "customer_id": customer_of(connection, word),
        "status": OPEN,
        "category": category,
        "opened_on": word.day(rules),
        "due_on": None if due_at is None else due_at.astimezone(rules.zone).date(),
        "text": rule.text,
        "keeper": word.agent[:16],
        "call_id": word.call_id,
        "opened_at": word.at,
        "due_at": due_at,
    }
    connection.execute(insert(tickets).values(row))
    made(connection, tickets, {"number": number}, by=word.by, at=word.at)


def take_back(connection: Connection, word: Word, rules: CrmRules) -> None:
    known = _ticket(connection, word)
    if known is not None and known["status"] == OPEN:
        change(connection, tickets, {"number": known["number"]}, {"status": CANCELLED}, by=word.by, at=word.at)


def _ticket(connection: Connection, word: Word) -> Mapping[str, Any] | None:
    query = select(tickets.c.number, tickets.c.status).where(tickets.c.call_id == word.call_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)
