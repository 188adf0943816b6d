"""The list of numbers that we never call of our own accord (`consent.may_contact` asks it). A number that is taken off
it keeps its row, which then tells until when it was on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from crm_bridge.changing import change, made
from crm_bridge.consent import in_force
from crm_bridge.models import customer_numbers, customers, do_not_call


@dataclass(frozen=True, slots=True)
class Listed:
    """``until`` None: for ever. ``customer``, ``name``: of whoever has the number, else ''."""

    e164: str
    since: datetime
    until: datetime | None
    reason: str
    by: str
    customer: str = ""
    name: str = ""


def add(connection: Connection, entry: Listed) -> bool:
    """True: it was not on the list. Again is harmless: what is said last counts (a reason that is not said again
    stays), and it is on the list since it came there first."""
    row = {name: value for name, value in asdict(entry).items() if name in do_not_call.c}
    key = {"e164": entry.e164}
    known = connection.execute(select(do_not_call.c.until).where(do_not_call.c.e164 == entry.e164)).first()
    if known is None:
        connection.execute(insert(do_not_call).values(row))
        made(connection, do_not_call, key, by=entry.by, at=entry.since)
        return True
    still_on_it = known.until is None or known.until > entry.since
    said = {name: row[name] for name in ("until", "reason") if name == "until" or row[name]}
    again = {} if still_on_it else {"since": entry.since, "by": entry.by}
    change(connection, do_not_call, key, {**said, **again}, by=entry.by, at=entry.since)
    return not still_on_it


def remove(connection: Connection, e164: str, *, by: str, at: datetime) -> bool:
    """False: it is not on the list."""
    on_it = select(do_not_call.c.e164).where(do_not_call.c.e164 == e164, in_force(at))
    if connection.execute(on_it).first() is None:
        return False
    return change(connection, do_not_call, {"e164": e164}, {"until": at}, by=by, at=at)


def listed(connection: Connection, now: datetime, e164: str | None = None, limit: int = 50) -> Sequence[Listed]:
    """Those in force, the newest first."""
    columns: list[Any] = [do_not_call.c[name] for name in ("e164", "since", "until", "reason", "by")]
    query = (
        select(*columns, customers.c.number.label("customer"), customers.c.name)
        .outerjoin(customer_numbers, customer_numbers.c.e164 == do_not_call.c.e164)
        .outerjoin(customers, customers.c.id == customer_numbers.c.customer_id)
        .where(in_force(now))
        .order_by(do_not_call.c.since.desc(), do_not_call.c.e164)
        .limit(limit)
    )
    if e164 is not None:
        query = query.where(do_not_call.c.e164 == e164)
    return [Listed(*row[:5], row.customer or "", row.name or "") for row in connection.execute(query)]
