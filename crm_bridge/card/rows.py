"""Rows of a card, by the names of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from crm_bridge.models import consents

CardRow = Mapping[str, Any]
CardRows = Sequence[CardRow]


def rows_of(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    return [row._asdict() for row in connection.execute(query)]


def with_lines(connection: Connection, found: CardRows, lines: Table) -> CardRows:
    """Orders or quotes with their ``lines``."""
    query = select(lines).where(lines.c.number.in_([row["number"] for row in found]))
    of: dict[str, list[CardRow]] = {row["number"]: [] for row in found}
    for line in rows_of(connection, query.order_by(lines.c.number, lines.c.line)):
        of[line.pop("number")].append(line)
    return [{**row, "lines": of[row["number"]]} for row in found]


def newest_words(addresses: Sequence[str]) -> Select[Any]:
    """What is allowed now: of each address and channel the newest word."""
    newest_first = (consents.c.at.desc(), consents.c.id.desc())
    nr = func.row_number().over(partition_by=(consents.c.address, consents.c.channel), order_by=newest_first)
    said = select(consents, nr.label("nr")).where(consents.c.address.in_(addresses)).subquery()
    columns = [said.c[name] for name in ("address", "channel", "given", "at", "by")]
    return select(*columns).where(said.c.nr == 1).order_by(said.c.address, said.c.channel)
