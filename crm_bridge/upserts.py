"""Rows into a table that may have them already, in SQLite's words and in PostgreSQL's.

All rows of one call go in one statement, by the driver's own words: SQLite's takes them as they are; PostgreSQL gets
them as one JSON document, which it reads by the columns' types. SQLAlchemy would work out each row's parameters anew,
and PostgreSQL carry out a statement for each: several times what the row costs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, String, Table, func
from sqlalchemy.dialects import postgresql, sqlite

from crm_bridge import bulk


def put(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert, or overwrite the row with the same primary key. All rows name the same columns."""
    keys = [column.name for column in table.primary_key]
    last = {tuple(row[key] for key in keys): row for row in rows}  # PostgreSQL would overwrite none of them twice
    _write(connection, table, list(last.values()), overwriting=True)


def add_missing(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert those whose primary key is not there. All rows name the same columns."""
    _write(connection, table, rows, overwriting=False)


def put_where(connection: Connection, table: Table, row: dict[str, Any], where: ColumnElement[bool]) -> bool:
    """Insert, or overwrite the row with the same primary key if ``where`` holds of it as it is at that very moment: of
    two who do it at once only one does. False: it is as it was."""
    statement = _overwriting(_dialect_insert(connection), table, row, where)
    return connection.execute(statement.returning(*table.primary_key), row).first() is not None


def put_said(connection: Connection, table: Table, rows: list[dict[str, Any]], key: str) -> None:
    """As `put`, by the unique column ``key``; but what a row leaves empty (null, or no text) stays as it was."""
    if not rows:
        return
    statement = _dialect_insert(connection)(table)
    changes = {name: _said(table, name, statement.excluded[name]) for name in rows[0] if name != key}
    connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=changes), rows)


def _write(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], *, overwriting: bool) -> None:
    if not rows:
        return
    names, on_server = tuple(rows[0]), connection.dialect.name == "postgresql"
    words = _words(table, names, on_server=on_server, overwriting=overwriting)
    if on_server:
        connection.exec_driver_sql(words, (_document(connection, table, names, rows),))
    else:
        told = [[row[name] for name in names] for row in rows]
        connection.exec_driver_sql(words, bulk.bound(connection, [table.c[name] for name in names], told))


@lru_cache(maxsize=128)
def _words(table: Table, names: Sequence[str], *, on_server: bool, overwriting: bool) -> str:
    into, keys = bulk.quoted(names), [column.name for column in table.primary_key]
    given = f"VALUES ({', '.join('?' * len(names))})"
    if on_server:
        given = f'SELECT {into} FROM json_populate_recordset(NULL::"{table.name}", %s::json)'  # noqa: S608 (ours)
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in keys)
    clash = f"({bulk.quoted(keys)}) DO UPDATE SET {sets}" if overwriting and sets else "DO NOTHING"
    return f'INSERT INTO "{table.name}" ({into}) {given} ON CONFLICT {clash}'


def _document(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    plain = [name for name in names if not isinstance(table.c[name].type, JSON)]
    told = bulk.bound(connection, [table.c[name] for name in plain], [[row[name] for name in plain] for row in rows])
    whole = [{**row, **dict(zip(plain, values, strict=True))} for row, values in zip(rows, told, strict=True)]
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, default=_text)


def _text(value: date | Decimal) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _overwriting(insert: Any, table: Table, columns: Iterable[str], where: ColumnElement[bool] | None = None) -> Any:
    statement = insert(table)
    keys = {column.name for column in table.primary_key}
    changes = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=sorted(keys), set_=changes, where=where)


def _said(table: Table, name: str, new: ColumnElement[Any]) -> ColumnElement[Any]:
    column = table.c[name]
    return func.coalesce(func.nullif(new, "") if isinstance(column.type, String) else new, column)


def _dialect_insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
