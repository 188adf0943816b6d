"""Our tables as a database has them at this moment, of whatever revision: the models' kinds of columns, where the
models still have them, and else the database's own.

A column or table that a later revision drops is still in the backups of before; so one that needs a kind of its own
(money, an instant) must stay known here when it leaves the models.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, Date, DateTime, MetaData, Numeric, Table, inspect

from crm_bridge.column_types import Instant, Money
from crm_bridge.models import metadata


def tables_there(connection: Connection) -> list[Table]:
    """Those that are ours, parents before children."""
    there = MetaData()
    names = set(inspect(connection).get_table_names())
    return [_as_it_is(connection, there, table) for table in metadata.sorted_tables if table.name in names]


def _as_it_is(connection: Connection, there: MetaData, model: Table) -> Table:
    """Without keys and constraints: it is read and filled, never made."""
    columns = []
    for found in inspect(connection).get_columns(model.name):
        known = model.columns.get(found["name"])
        kind = known.type if known is not None else found["type"]
        primary = known is not None and known.primary_key
        columns.append(Column(found["name"], kind, primary_key=primary, autoincrement=False))
    return Table(model.name, there, *columns)


def readers_of(table: Table, names: tuple[str, ...]) -> list[Callable[[Any], Any] | None]:
    """For each column: what makes its value of what JSON has of it; None: nothing to do. Raises KeyError."""
    return [_reader(table.columns[name]) for name in names]


def _reader(column: Column[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column.type, Instant | DateTime):
        return datetime.fromisoformat
    if isinstance(column.type, Date):
        return date.fromisoformat
    if isinstance(column.type, Money) or (isinstance(column.type, Numeric) and column.type.asdecimal):
        return Decimal
    return None
