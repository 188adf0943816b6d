"""A report: its lines, and whether its books add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Connection

from crm_bridge.reporting.ledger import Counts, Followed, Key, behind
from crm_bridge.store import CrmStore

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """What the lines come to, and what the whole is by a question of its own."""

    what: str
    lines: Any
    whole: Any

    @property
    def adds_up(self) -> bool:
        return bool(self.lines == self.whole)


@dataclass(frozen=True, slots=True)
class Foreign:
    """Not added up, for it is in another currency."""

    what: str
    count: int
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Report:
    """``columns``: which of a line a table shows. ``total``: None where lines have no sum."""

    columns: tuple[str, ...]
    lines: Sequence[Line]
    checks: Sequence[Check]
    total: Line | None = None
    foreign: Sequence[Foreign] = ()

    @property
    def wrong(self) -> Sequence[Check]:
        return [check for check in self.checks if not check.adds_up]


class Asked(Protocol):
    """What is asked for: a report of a period."""

    def ledgers(self) -> Sequence[Followed]: ...

    def report(self, connection: Connection) -> Report: ...


async def answer(store: CrmStore, asked: Asked) -> Report:
    """Raises StoreAway."""
    return await store.read(lambda connection: asked.report(still(connection)))


async def rows_behind(store: CrmStore, asked: Asked, figure: str, of: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The calls (orders, leads, ...) that make up a figure: on the line that ``of`` names, or on all. Raises StoreAway,
    NoSuchFigure."""
    return await store.read(partial(behind, ledgers=asked.ledgers(), figure=figure, of=of))


def still(connection: Connection) -> Connection:
    """All that is asked sees the same moment, however many calls come in meanwhile; SQLite has it so by itself."""
    if connection.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def merged(blank: Line, *counts: Counts, known: Iterable[Key] = ()) -> dict[Key, dict[str, Any]]:
    """One line for each key, with ``blank``'s values where nothing was counted."""
    lines: dict[Key, dict[str, Any]] = {key: dict(blank) for key in known}
    for counted in counts:
        for key, figures in counted.items():
            lines.setdefault(key, dict(blank)).update(figures)
    return lines


def summed(lines: Iterable[Line], names: Iterable[str]) -> dict[str, Any]:
    rows = list(lines)
    return {name: sum((row[name] for row in rows), start=0) for name in names}


def agreed(totals: Mapping[str, Any], wholes: Mapping[str, Any]) -> list[Check]:
    return [Check(name, totals[name], whole) for name, whole in wholes.items()]
