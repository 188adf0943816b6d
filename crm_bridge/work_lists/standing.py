"""Where a line of a list stands right now: is it still to be done, and of which row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, case, select, true

from crm_bridge.follow_ups import OPEN
from crm_bridge.models import appointments, leads, promises, shipments, surveys, tasks, tickets, work_items
from crm_bridge.work_lists.care import OPEN_LEAD, OPEN_PROMISE, OPEN_TICKET, PLANNED, UNCONFIRMED
from crm_bridge.work_lists.items import Item, ItemKind
from crm_bridge.work_lists.missed import known_as, open_miss


class Why(StrEnum):
    UNKNOWN = "unknown"  # there is no such line
    DONE = "done"
    TAKEN = "taken"  # by somebody else
    ELSEWHERE = "elsewhere"  # it is not ended by closing a line


@dataclass(frozen=True, slots=True)
class Refusal:
    """``text``: for a human. ``holder``: who has taken it on, and ``since`` when."""

    why: Why
    text: str
    since: datetime | None = None
    holder: str = ""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """``since``: whoever had taken it on before that has it no more. ``up_to``: closing closes what is known until then
    (None: all of it)."""

    item: Item
    since: datetime | None = None
    up_to: datetime | None = None


_ANY = true()


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of ``table`` where ``where`` holds are lines while they are ``open``."""

    table: Table
    open: ColumnElement[bool]
    where: ColumnElement[bool] = _ANY

    def key(self, item: Item) -> Mapping[str, Any]:
        [column] = self.table.primary_key
        return {column.name: int(item.key) if column.type.python_type is int else item.key}


ROWS: Mapping[ItemKind, Rows] = {
    ItemKind.PROMISE: Rows(promises, OPEN_PROMISE),
    ItemKind.LEAD: Rows(leads, OPEN_LEAD),
    ItemKind.DELIVERY: Rows(shipments, UNCONFIRMED),
    ItemKind.TICKET: Rows(tickets, OPEN_TICKET),
    ItemKind.APPOINTMENT: Rows(appointments, PLANNED),
    ItemKind.CALLBACK: Rows(tasks, tasks.c.state == OPEN, tasks.c.kind == ItemKind.CALLBACK.value),
    ItemKind.VOICEMAIL: Rows(tasks, tasks.c.state == OPEN, tasks.c.kind == ItemKind.VOICEMAIL.value),
}


def standing(connection: Connection, item: Item) -> OpenItem | Refusal:
    """Locks the row, so that of two who close it the second one sees that it is done."""
    if item.kind is ItemKind.MISSED:
        return _missed(connection, known_as(connection, item))
    if item.kind is ItemKind.SURVEY:
        return _survey(connection, item)
    rows = ROWS[item.kind]
    [(name, value)] = rows.key(item).items()
    query = select(case((rows.open, 1), else_=0)).where(rows.table.c[name] == value, rows.where).with_for_update()
    open_ = connection.execute(query).scalar()
    if open_ is None:
        return unknown(item)
    return OpenItem(item) if open_ else _done(connection, item)


def unknown(item: Item) -> Refusal:
    return Refusal(Why.UNKNOWN, f"there is no {item}")


def _missed(connection: Connection, item: Item) -> OpenItem | Refusal:
    found = open_miss(connection, item)
    if found is None:
        text = f"nobody is to be called back as {item}: somebody has spoken with them or closed it, or we missed nobody"
        return Refusal(Why.DONE, text)
    return OpenItem(item, since=found.spoken_at, up_to=found.last_at)


def _survey(connection: Connection, item: Item) -> OpenItem | Refusal:
    call_id, _, seq = item.key.rpartition("-")
    answered = (
        select(table.c.seq).where(table.c.call_id == call_id, table.c.seq == int(seq)) for table in (surveys, tasks)
    )
    if not any(connection.execute(query).first() for query in answered):
        return unknown(item)
    closed = select(work_items.c.item).where(work_items.c.item == str(item), work_items.c.closed_at.is_not(None))
    return OpenItem(item) if connection.execute(closed).first() is None else _done(connection, item)


def _done(connection: Connection, item: Item) -> Refusal:
    said = select(work_items.c.closed_by).where(work_items.c.item == str(item))
    closed_by = connection.execute(said).scalar()
    return Refusal(Why.DONE, f"{item} is done already" + (f", by {closed_by}" if closed_by else ""))
