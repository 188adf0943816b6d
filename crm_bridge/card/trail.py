"""Who has changed what of a customer, and when: the customer's own row and every row that is theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, Table, and_, cast, select, union_all

from crm_bridge.card.finding import addresses_of
from crm_bridge.models import (
    appointments,
    calls,
    changes,
    consents,
    customer_numbers,
    customers,
    do_not_call,
    interactions,
    leads,
    orders,
    promises,
    quotes,
    shipments,
    tasks,
    tickets,
    work_items,
)
from crm_bridge.work_lists.items import ItemKind, called


@dataclass(frozen=True, slots=True)
class Change:
    """``field`` ``*``: the row itself was made. ``before``, ``after``: as text."""

    at: datetime
    by: str
    subject: str
    key: str
    field: str
    before: str | None
    after: str | None


def trail(connection: Connection, customer_id: int, limit: int = 50) -> list[Change]:
    """The newest first. What a call has written of itself is in its own events."""
    parts = [_changes(subject, keys) for subject, keys in _rows_of(customer_id, addresses_of(connection, customer_id))]
    every = union_all(*parts).subquery()
    newest = select(every).order_by(every.c.at.desc(), every.c.id.desc()).limit(limit)
    return [Change(*row[1:]) for row in connection.execute(newest)]


def _changes(subject: str, keys: Select[Any] | Sequence[str]) -> Select[Any]:
    columns = [changes.c[name] for name in ("id", "at", "by", "subject", "key", "field", "before", "after")]
    return select(*columns).where(changes.c.subject == subject, changes.c.key.in_(keys))


# Their rows have a customer_id; those of which a list has lines, with what these are called.
_THEIRS: Mapping[Table, ItemKind | None] = {
    orders: None,
    quotes: None,
    interactions: None,
    promises: ItemKind.PROMISE,
    leads: ItemKind.LEAD,
    tickets: ItemKind.TICKET,
    appointments: ItemKind.APPOINTMENT,
}


def _rows_of(customer_id: int, addresses: Sequence[str]) -> Iterator[tuple[str, Select[Any] | Sequence[str]]]:
    """Tables, and the keys of the customer's rows in them as `changes` writes them."""
    yield customers.name, [str(customer_id)]
    yield work_items.name, [f"{ItemKind.MISSED}-c{customer_id}"]
    for table, kind in _THEIRS.items():
        yield from _of(table, kind, table.c.customer_id == customer_id)
    ours = select(orders.c.number).where(orders.c.customer_id == customer_id)
    yield from _of(shipments, ItemKind.DELIVERY, shipments.c.order_number.in_(ours))
    their_calls = select(calls.c.call_id).where(calls.c.customer_id == customer_id)
    for kind in (ItemKind.CALLBACK, ItemKind.VOICEMAIL):
        yield from _of(tasks, kind, and_(tasks.c.call_id.in_(their_calls), tasks.c.kind == kind.value))
    yield do_not_call.name, addresses
    yield customer_numbers.name, addresses
    yield from _of(consents, None, consents.c.address.in_(addresses))


def _of(table: Table, kind: ItemKind | None, where: ColumnElement[bool]) -> Iterator[tuple[str, Select[Any]]]:
    [key] = table.primary_key
    yield table.name, select(cast(key, String)).where(where)
    if kind is not None:
        yield work_items.name, select(called(kind, key)).where(where)
