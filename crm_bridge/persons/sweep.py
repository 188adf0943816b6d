"""The last look: a number in any text of any table, whatever it stands in, is blotted out there.

It reads everything, which takes its time but keeps nobody waiting; it writes only what it has found, a few rows at a
time. Keys are left alone: they are ours (an order's number may look like a telephone's).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    UniqueConstraint,
    and_,
    cast,
    or_,
    select,
    update,
)
from sqlalchemy import Text as TextType

from crm_bridge.models import api_tokens, counters, dealers, media_sources, metadata
from crm_bridge.persons.spelling import Spellings
from crm_bridge.store import CrmStore

_NOT_OF_PEOPLE = {dealers, api_tokens, counters, media_sources}
_OURS = frozenset({"call_id", "dnis", "first_call_id", "called_back_of"})  # ids and lines of ours, and no texts
_AT_ONCE = 500


async def sweep(store: CrmStore, spellings: Spellings) -> dict[str, int]:
    """Table → how many of its rows had it in them. Raises StoreAway."""
    count = {}
    for table, columns in searched():
        found = await store.read(partial(_found, table=table, columns=columns, spellings=spellings))
        for begin in range(0, len(found), _AT_ONCE):
            piece = found[begin : begin + _AT_ONCE]
            await store.write(partial(_blot, table=table, columns=columns, keys=piece, spellings=spellings))
        if found:
            count[table.name] = len(found)
    return count


def sweep_in(connection: Connection, spellings: Spellings) -> None:
    """As `sweep`, in a store that is nobody else's."""
    for table, columns in searched():
        keys = _found(connection, table, columns, spellings)
        _blot(connection, table, columns, keys, spellings)


def searched() -> Iterator[tuple[Table, list[Column[Any]]]]:
    """Each table with its columns of text."""
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if _is_text(column)]
        if columns and table not in _NOT_OF_PEOPLE:
            yield table, columns


def _is_text(column: Column[Any]) -> bool:
    is_key = column.primary_key or bool(column.foreign_keys)
    return isinstance(column.type, String | JSON) and column.name not in _OURS and not is_key


def _found(
    connection: Connection, table: Table, columns: Sequence[Column[Any]], spellings: Spellings
) -> list[tuple[Any, ...]]:
    """The keys of the rows that have it."""
    like = or_(*(_as_text(column).contains(core, autoescape=True) for column in columns for core in spellings.cores))
    keys = list(table.primary_key)
    rows = connection.execute(
        select(*keys, *(_as_text(column).label(f"t_{column.name}") for column in columns)).where(like)
    )
    return [tuple(row[: len(keys)]) for row in rows if any(spellings.found_in(str(cell)) for cell in row[len(keys) :])]


def _as_text(column: Column[Any]) -> ColumnElement[str]:
    return cast(column, TextType) if isinstance(column.type, JSON) else column


def _blot(
    connection: Connection,
    table: Table,
    columns: Sequence[Column[Any]],
    keys: Sequence[tuple[Any, ...]],
    spellings: Spellings,
) -> None:
    for key in keys:
        where = and_(*(column == value for column, value in zip(table.primary_key, key, strict=True)))
        row = connection.execute(select(*columns).where(where)).mappings().one_or_none()
        changed = {} if row is None else _changed(dict(row), columns, key, spellings)
        if changed:
            connection.execute(update(table).where(where).values(changed))


def _changed(
    row: Mapping[str, Any], columns: Sequence[Column[Any]], key: Sequence[Any], spellings: Spellings
) -> dict[str, Any]:
    """A name that must be the only one of its kind gets another."""
    blotted = {column.name: spellings.blotted_value(row[column.name]) for column in columns}
    changed = {name: value for name, value in blotted.items() if value != row[name]}
    return {name: f"erased:{key[0]}" if _is_unique(columns, name) else value for name, value in changed.items()}


def _is_unique(columns: Sequence[Column[Any]], name: str) -> bool:
    constraints = columns[0].table.constraints
    return any(isinstance(one, UniqueConstraint) and [c.name for c in one.columns] == [name] for one in constraints)
