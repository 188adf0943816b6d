"""The rows of the company that is played, table by table, until they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table

from crm_bridge import bulk
from crm_bridge.changing import change_row, made_row
from crm_bridge.models import changes


class Book:
    def __init__(self) -> None:
        self._columns: dict[str, tuple[str, ...]] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    def add(self, table: Table, row: Mapping[str, Any]) -> None:
        """All rows of a table name the same columns, in the same order."""
        columns = self._columns.setdefault(table.name, tuple(row))
        if columns != tuple(row):
            raise ValueError(f"{table.name}: {tuple(row)} after {columns}")
        self._rows.setdefault(table.name, []).append(tuple(row.values()))

    def made(self, table: Table, key: object, by: str, at: datetime) -> None:
        self._change(made_row(table, key, by=by, at=at))

    def changed(
        self, table: Table, key: Mapping[str, Any], field: str, before: Any, after: Any, by: str, at: datetime
    ) -> None:
        self._change(tuple(change_row(table, key, field, before, after, by=by, at=at).values()))

    def _change(self, values: tuple[Any, ...]) -> None:
        self.add(changes, dict(zip(("at", "by", "subject", "key", "field", "before", "after"), values, strict=True)))

    @property
    def counts(self) -> dict[str, int]:
        """Rows by table."""
        return {name: len(rows) for name, rows in sorted(self._rows.items())}

    def rows(self, table: Table) -> Sequence[dict[str, Any]]:
        return [dict(zip(self._columns[table.name], row, strict=True)) for row in self._rows.get(table.name, ())]

    def write(self, connection: Connection, tables: Sequence[Table]) -> None:
        """In this order: whoever is named by another row comes first."""
        for table in tables:
            if table.name in self._rows:
                bulk.add(connection, table, self._columns[table.name], self._rows[table.name])
