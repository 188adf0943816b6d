"""One batch of journal entries into the tables, in the transaction it is given.

Delivering a batch again, whole or in other pieces, changes nothing: only entries whose (call_id, seq) the
store does not have are folded. Works with one relay per call; two relays for different calls may run
beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from crm_bridge.entry import Logged
from crm_bridge.fold import UNKNOWN_SOURCE, Row, blank, fold, moment
from crm_bridge.models import agent_events, call_events, calls, customer_numbers, customers, media_sources
from crm_bridge.numbers import e164


def write_batch(connection: Connection, batch: Sequence[Logged], region: str) -> None:
    """Raises fold.EntryRefused and what SQLAlchemy raises; the caller's transaction then rolls back."""
    of_agents = [logged for logged in batch if not logged.entry.call_id]
    of_calls = [logged for logged in batch if logged.entry.call_id]
    add_missing(connection, agent_events, [_agent_event(logged) for logged in of_agents])
    fresh = _fresh(connection, of_calls)
    if not fresh:
        return
    rows = _folded(connection, fresh)
    _name_unknown_sources(connection, rows.values())
    _link_customers(connection, list(rows.values()), region)
    put(connection, calls, list(rows.values()))
    add_missing(connection, call_events, [_call_event(logged) for logged in fresh])


def put(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert, or overwrite the row with the same primary key. All rows name the same columns."""
    if not rows:
        return
    statement = _dialect_insert(connection)(table)
    keys = {column.name for column in table.primary_key}
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=sorted(keys), set_=changes), rows)


def add_missing(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert those whose primary key is not there."""
    if rows:
        connection.execute(_dialect_insert(connection)(table).on_conflict_do_nothing(), rows)


def _dialect_insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _fresh(connection: Connection, batch: Sequence[Logged]) -> list[Logged]:
    ids = {logged.entry.call_id for logged in batch}
    found = connection.execute(
        select(call_events.c.call_id, call_events.c.seq).where(
            call_events.c.call_id.in_(ids), call_events.c.seq.in_([logged.seq for logged in batch])
        )
    )
    known = {(row.call_id, row.seq) for row in found} if batch else set()
    return [logged for logged in batch if (logged.entry.call_id, logged.seq) not in known]


def _folded(connection: Connection, fresh: Sequence[Logged]) -> dict[str, Row]:
    ids = {logged.entry.call_id for logged in fresh}
    found = connection.execute(select(calls).where(calls.c.call_id.in_(ids)).with_for_update())
    rows: dict[str, Row] = {row["call_id"]: dict(row) for row in found.mappings()}
    for logged in fresh:
        call_id = logged.entry.call_id
        rows[call_id] = fold(rows.get(call_id) or blank(logged.entry), logged.entry)
    return rows


def _name_unknown_sources(connection: Connection, rows: Iterable[Row]) -> None:
    sources = sorted({row["media_source"] for row in rows} | {UNKNOWN_SOURCE})
    add_missing(connection, media_sources, [{"id": name, "name": name, "kind": "unknown"} for name in sources])


def _link_customers(connection: Connection, rows: Sequence[Row], region: str) -> None:
    for row in rows:
        row["ani_e164"] = e164(row["ani"], region) if row["ani"] else None
    callers = [row for row in rows if row["ani_e164"]]
    if not callers:
        return
    known = _customers_of(connection, {row["ani_e164"] for row in callers})
    _correct_first_source(connection, callers, known)
    known |= _new_customers(connection, [row for row in callers if row["ani_e164"] not in known])
    for row in callers:
        row["customer_id"] = known[row["ani_e164"]][0]


def _customers_of(connection: Connection, numbers: set[str]) -> dict[str, tuple[int, datetime]]:
    """E.164 → (customer, instant of their earliest call)."""
    found = connection.execute(
        select(customer_numbers.c.e164, customers.c.id, customers.c.first_call_at)
        .join(customers, customers.c.id == customer_numbers.c.customer_id)
        .where(customer_numbers.c.e164.in_(numbers))
    )
    return {row.e164: (row.id, row.first_call_at) for row in found}


def _earliest(rows: Iterable[Row]) -> Mapping[str, Row]:
    """E.164 → that caller's earliest call in ``rows``."""
    first: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: row["started_at"]):
        first.setdefault(row["ani_e164"], row)
    return first


def _first_touch(row: Row) -> dict[str, Any]:
    return {
        "name": row["caller_name"],
        "first_source": row["media_source"],
        "first_campaign": row["campaign"],
        "first_call_at": row["started_at"],
    }


def _new_customers(connection: Connection, rows: Sequence[Row]) -> dict[str, tuple[int, datetime]]:
    first = _earliest(rows)
    if not first:
        return {}
    statement = insert(customers).returning(customers.c.id, sort_by_parameter_order=True)
    ids = connection.execute(statement, [_first_touch(row) for row in first.values()]).scalars()
    made = dict(zip(first, ids, strict=True))
    connection.execute(insert(customer_numbers), [{"e164": number, "customer_id": made[number]} for number in made])
    return {number: (made[number], row["started_at"]) for number, row in first.items()}


def _correct_first_source(
    connection: Connection, rows: Sequence[Row], known: Mapping[str, tuple[int, datetime]]
) -> None:
    """A call that is taken in late (the fail-open spool) may be earlier than the one we knew."""
    earlier = [
        {"b_id": known[number][0], **_first_touch(row)}
        for number, row in _earliest(rows).items()
        if number in known and row["started_at"] < known[number][1]
    ]
    if earlier:
        connection.execute(update(customers).where(customers.c.id == bindparam("b_id")), earlier)


def _call_event(logged: Logged) -> dict[str, Any]:
    entry = logged.entry
    return {
        "call_id": entry.call_id,
        "seq": logged.seq,
        "kind": entry.kind,
        "at": moment(entry.at),
        "fields": dict(entry.fields),
    }


def _agent_event(logged: Logged) -> dict[str, Any]:
    entry = logged.entry
    return {
        "seq": logged.seq,
        "at": moment(entry.at),
        "agent": str(entry.fields.get("agent") or entry.fields.get("extension") or "")[:64],
        "kind": entry.kind,
        "fields": dict(entry.fields),
    }
