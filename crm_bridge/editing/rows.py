"""Rows as the editing of every noun needs them: the one with a key, made or changed under somebody's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, select

from crm_bridge.changing import change, made
from crm_bridge.editing.act import Act, Clash, NotThere, Unfit
from crm_bridge.models import calls

Key = Mapping[str, Any]
Values = Mapping[str, Any]


def row_of(connection: Connection, table: Table, key: Key) -> dict[str, Any] | None:
    where = and_(*(table.c[name] == value for name, value in key.items()))
    found = connection.execute(select(table).where(where)).mappings().one_or_none()
    return None if found is None else {str(name): value for name, value in found.items()}


def the_row(connection: Connection, table: Table, key: Key, noun: str) -> dict[str, Any]:
    """Raises NotThere."""
    found = row_of(connection, table, key)
    if found is None:
        raise NotThere(f"there is no such {noun}", hint="look it up in its list")
    return found


def must_name(connection: Connection, table: Table, key: Key, noun: str, *, where: str) -> dict[str, Any]:
    """What a field names has to be there. Raises Unfit."""
    found = row_of(connection, table, key)
    if found is None:
        raise Unfit(f"there is no such {noun}", where=where, hint=f"make the {noun} first, or name another")
    return found


def must_be_its_first(connection: Connection, table: Table, call_id: str, noun: str) -> None:
    """A call comes to one row of ``table`` at most; ``call_id`` '': of no call. Raises Unfit, Clash."""
    if not call_id:
        return
    must_name(connection, calls, {"call_id": call_id}, "call", where="call_id")
    taken = connection.execute(select(table.c.number).where(table.c.call_id == call_id)).scalar()
    if taken is not None:
        raise Clash(f"the {noun} {taken} is of this call already", where="call_id", hint="leave the call out")


def make_row(connection: Connection, table: Table, values: Values, act: Act) -> Any:
    """The new row's primary key, which is one column."""
    (column,) = table.primary_key
    key = connection.execute(insert(table).values(dict(values)).returning(column)).scalar_one()
    made(connection, table, {column.name: key}, by=act.by, at=act.at)
    return key


def change_row(connection: Connection, table: Table, key: Key, values: Values, act: Act) -> bool:
    """False: nothing in it is new."""
    return bool(values) and change(connection, table, key, values, by=act.by, at=act.at)


def put_row(connection: Connection, table: Table, key: Key, values: Values, act: Act) -> bool:
    """True: it was not there before."""
    if row_of(connection, table, key) is not None:
        change_row(connection, table, key, values, act)
        return False
    make_row(connection, table, {**key, **values}, act)
    return True
