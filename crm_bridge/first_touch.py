"""Whose call it is: the customer who has the number, made when nobody has; and which call was that customer's first.

Calls arrive in any order (the fail-open spool is taken in late, a caller names the advert later than the call began),
so the first touch is taken again whenever an earlier call, or the same one, comes by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, case, insert, select, update

from crm_bridge import bulk
from crm_bridge.fold import Row
from crm_bridge.models import customer_numbers, customers
from crm_bridge.numbers import e164

# Built once: to build one takes longer than to run it.
_NAME = case((customers.c.number.is_(None), bindparam("b_name")), else_=customers.c.name)
_TOUCHED = update(customers).where(customers.c.id == bindparam("b_id")).values(name=_NAME)
_MADE = insert(customers).returning(customers.c.id, sort_by_parameter_order=True)


@cache
def _known(dialect: str) -> Select[Any]:
    return (
        select(customer_numbers.c.e164, customers.c.id, customers.c.first_call_at, customers.c.first_call_id)
        .join(customers, customers.c.id == customer_numbers.c.customer_id)
        .where(bulk.among(dialect, customer_numbers.c.e164))
    )


class _Known(NamedTuple):
    """A customer, and their first call as far as it is known: null for one who has never called."""

    customer_id: int
    first_call_at: datetime | None
    first_call_id: str

    def is_touched_by(self, row: Row) -> bool:
        if self.first_call_at is None or row["call_id"] == self.first_call_id:
            return True
        return _age(row) < (self.first_call_at, self.first_call_id)


def link_customers(connection: Connection, rows: Sequence[Row], region: str) -> None:
    """Set ``ani_e164`` and ``customer_id`` of each row of `calls`."""
    for row in rows:
        row["ani_e164"] = e164(row["ani"], region) if row["ani"] else None
    callers = [row for row in rows if row["ani_e164"]]
    if not callers:
        return
    known = _customers_of(connection, {row["ani_e164"] for row in callers})
    strangers = _earliest([row for row in callers if row["ani_e164"] not in known], "ani_e164")
    ids = {number: customer.customer_id for number, customer in known.items()} | _made(connection, strangers)
    for row in callers:
        row["customer_id"] = ids[row["ani_e164"]]
    _touch(connection, callers, {customer.customer_id: customer for customer in known.values()})


def _age(row: Row) -> tuple[datetime, str]:
    return row["started_at"], row["call_id"]


def _earliest(rows: Iterable[Row], by: str) -> Mapping[Any, Row]:
    """Value of the column ``by`` → the earliest call among ``rows`` that has it."""
    first: dict[Any, Row] = {}
    for row in sorted(rows, key=_age):
        first.setdefault(row[by], row)
    return first


def _customers_of(connection: Connection, numbers: set[str]) -> dict[str, _Known]:
    dialect = connection.dialect.name
    found = connection.execute(_known(dialect), {"values": bulk.asked(dialect, sorted(numbers))})
    return {row.e164: _Known(row.id, row.first_call_at, row.first_call_id) for row in found}


def _first_touch(row: Row) -> dict[str, Any]:
    return {
        "first_source": row["media_source"],
        "first_campaign": row["campaign"],
        "first_call_at": row["started_at"],
        "first_call_id": row["call_id"],
    }


def _made(connection: Connection, strangers: Mapping[str, Row]) -> dict[str, int]:
    if not strangers:
        return {}
    rows = [{"name": row["caller_name"], **_first_touch(row)} for row in strangers.values()]
    made = dict(zip(strangers, connection.execute(_MADE, rows).scalars(), strict=True))
    connection.execute(insert(customer_numbers), [{"e164": number, "customer_id": id_} for number, id_ in made.items()])
    return made


def _touch(connection: Connection, callers: Iterable[Row], known: Mapping[int, _Known]) -> None:
    """Who is in the books has a name there; of anybody else we know the one that their first call came with."""
    rows = [
        {"b_id": id_, "b_name": row["caller_name"], **_first_touch(row)}
        for id_, row in _earliest((row for row in callers if row["customer_id"] in known), "customer_id").items()
        if known[id_].is_touched_by(row)
    ]
    if rows:
        connection.execute(_TOUCHED, rows)
