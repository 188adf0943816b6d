"""Somebody whom only their calls made known turns out to be a customer of the books: all that is theirs becomes the
customer's, their first call too if it was the earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from crm_bridge import bulk
from crm_bridge.models import customers, metadata

_TOUCH = ("first_source", "first_campaign", "first_call_at", "first_call_id")
_COLUMNS = [customers.c[name] for name in ("id", *_TOUCH)]


def merge(connection: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """Each pair: who is no more, and the customer that they are. Several may be one customer."""
    if not pairs:
        return
    touches = _earliest(connection, pairs)
    for table in metadata.sorted_tables:
        if "customer_id" in table.c:
            bulk.change(connection, table, "customer_id", ["customer_id"], pairs)
    bulk.change(connection, customers, "id", _TOUCH, touches)
    bulk.remove(connection, customers, "id", [caller for caller, _ in pairs])


def _earliest(connection: Connection, pairs: Sequence[tuple[int, int]]) -> list[tuple[Any, ...]]:
    """(customer, the touch) of each customer whose first call was a caller's."""
    ids = {id_ for pair in pairs for id_ in pair}
    known = {row[0]: tuple(row[1:]) for row in bulk.found(connection, _COLUMNS, customers.c.id, ids)}
    first: dict[int, tuple[Any, ...]] = {}
    for caller, customer in pairs:
        touch, best = known[caller], first.get(customer, known[customer])
        if touch[2] is not None and (best[2] is None or touch[2] < best[2]):
            first[customer] = touch
    return [(customer, *touch) for customer, touch in first.items()]
