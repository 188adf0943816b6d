"""Rows that are counted on the lines of a report, and how one comes from a figure back to them: the same rows under the
same condition, so a figure is as many as can be shown for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Subquery, case, func, select

from crm_bridge.reporting.sums import total

Key = tuple[Any, ...]  # what names a line: a source; an agent and a question
Counts = dict[Key, dict[str, Any]]

LINE = "line"  # the column of the line's key, where the report's word is taken by another column
NO_CALL, NOT_SAID = "(no call)", "(none)"
_MEANT: Mapping[str, Callable[[str], Any]] = {"day": date.fromisoformat, "hour": int}


class NoSuchFigure(Exception):
    """For a human: which there are."""


class Followed(Protocol):
    """``figures``: their names."""

    @property
    def figures(self) -> Collection[str]: ...

    def behind(self, connection: Connection, figure: str, of: Sequence[str]) -> list[dict[str, Any]]:
        """The rows that make up a figure, on the lines whose key begins with ``of``."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """``rows``: a query whose columns are named in the other fields. ``keys``: what names a line, the report's word for
    it → the column; ``shown``: tells a person what a row is, sorted by the first two. ``conditions``: a figure's name →
    which rows count (None: all). ``sums``: a figure's name → the Money column that is added up over all rows."""

    rows: Subquery
    keys: Mapping[str, str]
    shown: tuple[str, ...]
    conditions: Mapping[str, ColumnElement[bool] | None]
    sums: Mapping[str, str] = field(default_factory=dict)

    @property
    def figures(self) -> Collection[str]:
        return [*self.conditions, *self.sums]

    def counted(self, connection: Connection) -> Counts:
        keys = [self.rows.c[column] for column in self.keys.values()]
        counts = [_count_if(condition).label(name) for name, condition in self.conditions.items()]
        sums = [total(self.rows.c[column]).label(name) for name, column in self.sums.items()]
        found = connection.execute(select(*keys, *counts, *sums).group_by(*keys)).all()
        return {tuple(row[: len(keys)]): dict(zip(self.figures, row[len(keys) :], strict=True)) for row in found}

    def behind(self, connection: Connection, figure: str, of: Sequence[str]) -> list[dict[str, Any]]:
        columns = [self.rows.c[name] for name in self.shown]
        query = select(*columns).order_by(*columns[:2])
        condition = self.conditions.get(figure)
        if condition is not None:
            query = query.where(condition)
        for name, value in zip(self.keys.values(), meant(list(self.keys), of), strict=False):
            query = query.where(_is(self.rows.c[name], value))
        return [_told(row) for row in connection.execute(query).mappings()]


def _is(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _told(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {**row, LINE: label(row[LINE])} if LINE in row else dict(row)


def _count_if(condition: ColumnElement[bool] | None) -> ColumnElement[int]:
    return func.count() if condition is None else func.count(case((condition, 1)))


def behind(connection: Connection, ledgers: Sequence[Followed], figure: str, of: Sequence[str]) -> list[dict[str, Any]]:
    """Raises NoSuchFigure."""
    for ledger in ledgers:
        if figure in ledger.figures:
            return ledger.behind(connection, figure, of)
    there = ", ".join(name for ledger in ledgers for name in ledger.figures)
    raise NoSuchFigure(f"there are no rows behind '{figure}', but behind {there}")


def label(value: Any) -> Any:
    """A part of a line's key as it is shown."""
    if value is None:
        return NO_CALL
    return NOT_SAID if value == "" else value


def meant(keys: Sequence[str], of: Sequence[str]) -> Key:
    """What `label` has shown as such. Raises NoSuchFigure."""
    if len(of) > len(keys):
        raise NoSuchFigure(f"a line is named by {' and '.join(keys)} here, not by {len(of)} words")
    return tuple(_meant(name, text) for name, text in zip(keys, of, strict=False))


def _meant(name: str, text: str) -> Any:
    if text in (NO_CALL, NOT_SAID):
        return None if text == NO_CALL else ""
    try:
        return _MEANT.get(name, str)(text)
    except ValueError:
        raise NoSuchFigure(f"'{text}' is no {name}") from None
