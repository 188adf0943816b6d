"""Pages that stay what they are while rows come in: a page goes on after the last row of the one before, whatever its
number has become (keyset, not offset).

A cursor holds the place in one list under one set of filters. It is checked and not signed: all that it can name is a
place in what its asker may read anyway.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, literal, select, tuple_

from crm_bridge.column_types import Instant
from hotline.api.kinds import Asked
from hotline.api.problems import ApiProblem

_LONGEST = 200
_LARGEST = 2**63 - 1

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    rows: list[Row]
    next: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A table in the order of ``keys``, none of them null, the last one unique; ``falling``: the greatest first."""

    table: Table
    keys: tuple[str, ...]
    falling: bool = False

    def page(self, connection: Connection, asked: Asked, where: Sequence[ColumnElement[bool]] = ()) -> Found:
        """Raises ApiProblem for a cursor that is none, or that belongs elsewhere."""
        query = self._after(select(self.table).where(*where), asked)
        columns = [self.table.c[name] for name in self.keys]
        ordered = query.order_by(*(column.desc() if self.falling else column for column in columns))
        found = [dict(row) for row in connection.execute(ordered.limit(asked.limit + 1)).mappings()]
        if len(found) <= asked.limit:
            return Found(found, None)
        last = found[asked.limit - 1]
        return Found(found[: asked.limit], write(self._name(asked), [last[name] for name in self.keys]))

    def _after(self, query: Select[Any], asked: Asked) -> Select[Any]:
        if asked.cursor is None:
            return query
        columns = [self.table.c[name] for name in self.keys]
        values = read(asked.cursor, self._name(asked), [_kind(column) for column in columns])
        place = tuple_(*(literal(value, column.type) for value, column in zip(values, columns, strict=True)))
        mine = tuple_(*columns)
        return query.where(mine < place if self.falling else mine > place)

    def _name(self, asked: Asked) -> str:
        return name_of(self.table.name, asked.filters())


def _kind(column: ColumnElement[Any]) -> type:
    return datetime if isinstance(column.type, Instant) else column.type.python_type


def name_of(listed: str, filters: Mapping[str, Any]) -> str:
    """Of a list under these filters."""
    told = f"{listed} {sorted((name, str(value)) for name, value in filters.items())}"
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()[:16]


def write(name: str, values: Sequence[Any]) -> str:
    told = [value.isoformat() if isinstance(value, date) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps([name, *told]).encode()).decode().rstrip("=")


def read(cursor: str, name: str, kinds: Sequence[type]) -> list[Any]:
    """Raises ApiProblem."""
    try:
        told = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if isinstance(told, list) and told and told[0] == name:
            return [_READ[kind](value) for kind, value in zip(kinds, told[1:], strict=True)]
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
        pass
    raise no_cursor()


def no_cursor() -> ApiProblem:
    return ApiProblem(
        422,
        "this cursor is none of this list under these filters",
        where="query.cursor",
        what_to_do="begin without a cursor, and take `next` of each page as it is, with the same filters",
    )


def _instant(value: Any) -> datetime:
    read = datetime.fromisoformat(value)
    if read.tzinfo is None:
        raise ValueError("without a zone")
    return read.astimezone(UTC)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError("no whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST:
        raise ValueError("no text")
    return value


_READ: Mapping[type, Callable[[Any], Any]] = {
    datetime: _instant,
    date: lambda value: date.fromisoformat(value),
    int: _number,
    str: _text,
}
