"""A CRM store with rows in every table, with the values that are hard to carry; and all that a store holds, read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Boolean, Connection, Date, Float, Integer, Table, insert, select

from crm_bridge.column_types import Instant, Money
from crm_bridge.database import plain_engine
from crm_bridge.models import metadata

ODD = ("王芳 \U0001f600", 'a "quoted", \\ comma\tand\nline', "'=1+1", "\u202ertl", "", "é" * 12)
AMOUNTS = ("0.0001", "99999999999999.9999", "-7.5", "0")
Rows = Mapping[str, list[dict[str, Any]]]


def fill(url: str, each: int = 6) -> None:
    """``each`` rows in each table; keys that point elsewhere point to rows that are there."""
    engine = plain_engine(url)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(insert(table), [_row(table, nr) for nr in range(1, each + 1)])
    engine.dispose()


def _row(table: Table, nr: int) -> dict[str, Any]:
    return {column.name: _value(column, nr) for column in table.columns}


def _value(column: Any, nr: int) -> Any:
    kind = column.type
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return _value(key.column, nr)
    if column.nullable and nr % 3 == 0:
        return None
    if isinstance(kind, Instant):
        return datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC) + timedelta(days=nr, microseconds=nr)
    if isinstance(kind, Money):
        return Decimal(AMOUNTS[nr % len(AMOUNTS)])
    if isinstance(kind, Date):
        return date(2026, 2, 1) + timedelta(days=nr)
    if isinstance(kind, Boolean):
        return nr % 2 == 0
    if isinstance(kind, Integer):
        return nr * 10 if column.primary_key else nr
    if isinstance(kind, Float):
        return nr / 3
    if isinstance(kind, JSON):
        return {"text": ODD[nr % len(ODD)], "nested": [1, None, {"x": 0.1}], "big": 2**53 + nr}
    return _text(column, nr)


def _text(column: Any, nr: int) -> str:
    unique = column.primary_key or any(
        column.name in constraint.columns for constraint in column.table.constraints if len(constraint.columns) == 1
    )
    text = f"{column.name[:4]}{nr}" if unique else f"{ODD[nr % len(ODD)]}"
    return text[: column.type.length or 500]


def everything(url: str) -> Rows:
    engine = plain_engine(url, reading=True)
    with engine.connect() as connection:
        found = all_rows(connection)
    engine.dispose()
    return found


def all_rows(connection: Connection) -> Rows:
    """Table → its rows, sorted by their keys in Python: databases sort letters as they please."""
    found = {}
    for name, table in metadata.tables.items():
        rows = [dict(row) for row in connection.execute(select(*table.columns)).mappings()]
        keys = [column.name for column in table.primary_key]
        found[name] = sorted(rows, key=lambda row: [row[key] for key in keys])
    return found


def counts(url: str) -> dict[str, int]:
    return {name: len(rows) for name, rows in everything(url).items()}
