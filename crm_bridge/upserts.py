"""Rows into a table that may have them already, in SQLite's words and in PostgreSQL's."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, Table, func
from sqlalchemy.dialects import postgresql, sqlite


def put(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert, or overwrite the row with the same primary key. All rows name the same columns."""
    if not rows:
        return
    connection.execute(_putting(_dialect_insert(connection), table, tuple(rows[0])), rows)


def add_missing(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert those whose primary key is not there."""
    if rows:
        connection.execute(_adding(_dialect_insert(connection), table), rows)


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


@lru_cache(maxsize=64)  # to build one takes longer than to run it
def _putting(insert: Any, table: Table, columns: Iterable[str]) -> Any:
    return _overwriting(insert, table, columns)


def _overwriting(insert: Any, table: Table, columns: Iterable[str], where: ColumnElement[bool] | None = None) -> Any:
    statement = insert(table)
    keys = {column.name for column in table.primary_key}
    changes = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=sorted(keys), set_=changes, where=where)


@lru_cache(maxsize=64)
def _adding(insert: Any, table: Table) -> Any:
    return insert(table).on_conflict_do_nothing()


def _said(table: Table, name: str, new: ColumnElement[Any]) -> ColumnElement[Any]:
    column = table.c[name]
    return func.coalesce(func.nullif(new, "") if isinstance(column.type, String) else new, column)


def _dialect_insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
