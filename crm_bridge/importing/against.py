"""Rows of a file against those of the store: which are new, which are changed, and how both are written.

What a file leaves empty stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

from sqlalchemy import Column, Connection, Table

from crm_bridge import bulk
from crm_bridge.changing import CHANGE, change_row, made_row
from crm_bridge.importing.house import Who
from crm_bridge.importing.plan import Difference, Plan
from crm_bridge.importing.problem import Problems
from crm_bridge.models import changes


@dataclass(frozen=True, slots=True)
class Target:
    """``key``: the column by which a row is known again. ``columns``: what a file may say beside it. ``blank``: what a
    new row has where nothing is said."""

    table: Table
    key: str
    columns: tuple[str, ...]
    blank: tuple[Any, ...]

    @property
    def _columns(self) -> list[Column[Any]]:
        return [self.table.c[name] for name in (self.key, *self.columns)]

    def known(self, connection: Connection, keys: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
        """Key → the values, of those that are there."""
        found = bulk.found(connection, self._columns, self.table.c[self.key], keys)
        return {row[0]: tuple(row[1:]) for row in found}


@dataclass(slots=True)
class Compared:
    """``new``: (key, values). ``changed``: key → what it was and what it is to be."""

    target: Target
    new: list[tuple[Any, ...]] = field(default_factory=list)
    changed: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = field(default_factory=dict)
    same: int = 0

    def changes(self) -> Iterator[Difference]:
        for key, (before, after) in self.changed.items():
            for name, old, new in zip(self.target.columns, before, after, strict=True):
                if old != new:
                    yield Difference.of(key, name, old, new)

    def additions(self) -> Iterator[Difference]:
        return (Difference(row[0]) for row in self.new)

    def differences(self) -> Iterator[Difference]:
        return chain(self.changes(), self.additions())

    @property
    def plan(self) -> Plan:
        """Where there is no more to it."""
        new, changed = len(self.new), len(self.changed)
        return Plan(new, changed, self.same, partial(write, compared=self), self.differences)


def compare(
    connection: Connection, target: Target, said: Mapping[str, tuple[Any, ...]], known: Mapping[str, Any] | None = None
) -> Compared:
    """``said``: key → the values of the file, None where it says nothing. ``known``: what `Target.known` has found."""
    found = target.known(connection, said) if known is None else known
    compared = Compared(target)
    for key, row in said.items():
        before = found.get(key)
        if before is None:
            compared.new.append((key, *_filled(row, target.blank)))
            continue
        after = tuple(_filled(row, before))
        if after == before:
            compared.same += 1
        else:
            compared.changed[key] = before, after
    return compared


def _filled(row: Sequence[Any], otherwise: Sequence[Any]) -> list[Any]:
    """``row``, and where it says nothing what ``otherwise`` says."""
    return [other if new is None else new for new, other in zip(row, otherwise, strict=True)]


def write(connection: Connection, who: Who, compared: Compared) -> None:
    target = compared.target
    bulk.add(connection, target.table, (target.key, *target.columns), compared.new)
    rows = [(key, *after) for key, (_, after) in compared.changed.items()]
    bulk.change(connection, target.table, target.key, target.columns, rows)
    told = [made_row(target.table, row[0], by=who.by, at=who.at) for row in compared.new]
    for key, (before, after) in compared.changed.items():
        told += told_of(target, key, before, after, who)
    tell(connection, told)


def told_of(target: Target, key: Any, before: Sequence[Any], after: Sequence[Any], who: Who) -> list[tuple[Any, ...]]:
    """A row of `changes` for each field that is another."""
    fields = zip(target.columns, before, after, strict=True)
    of = {target.key: key}
    return [
        tuple(change_row(target.table, of, name, old, new, by=who.by, at=who.at).values())
        for name, old, new in fields
        if old != new
    ]


def tell(connection: Connection, told: Sequence[tuple[Any, ...]]) -> None:
    """Into `changes`: rows as `change_row` and `made_row` make them."""
    bulk.add(connection, changes, CHANGE, told)


def once(
    rows: Sequence[tuple[Any, ...]], column: str, what: str, problems: Problems, hint: str = ""
) -> dict[str, tuple[Any, ...]]:
    """Rows that begin with their line and key, as key → the rest. ``what``: for the message ("order {}")."""
    lines: dict[str, int] = {}
    said: dict[str, tuple[Any, ...]] = {}
    for line, key, *rest in rows:
        if lines.setdefault(key, line) != line:
            problems.add(line, column, f"{what.format(key)} stands in row {lines[key]} already{hint}")
        else:
            said[key] = tuple(rest)
    return said
