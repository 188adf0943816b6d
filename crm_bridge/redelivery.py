"""After a restore: the journal delivers again all that it still has. The store, which is older now, folds what it lacks
and knows the rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from crm_bridge.journal import PARKED, PENDING, RELAYED, Journal

_AT_ONCE = 5000  # of one transaction: no call waits for it
_AGAIN = f"UPDATE entries SET state = {PENDING} WHERE state = {RELAYED} AND seq BETWEEN ? AND ?"  # noqa: S608
_PARKED = f"SELECT call_id, kind, at, fields, reason FROM entries WHERE state = {PARKED} ORDER BY seq"  # noqa: S608
_SAME = "SELECT 1 FROM entries WHERE call_id = ? AND kind = ? AND at = ? AND fields = ?"
_ADD = f"""
INSERT INTO entries (call_id, kind, at, fields, reason, state) VALUES (?, ?, ?, ?, ?, {PARKED}) ON CONFLICT DO NOTHING
"""  # noqa: S608


async def deliver_again(journal: Journal) -> int:
    """Mark as pending what the store had; how many entries. Again is harmless. Raises JournalError."""
    [(first, last)] = await journal.read("SELECT coalesce(min(seq), 0), coalesce(max(seq), -1) FROM entries")
    count = 0
    for begin in range(first, last + 1, _AT_ONCE):
        count += await journal.write(partial(_mark, first=begin, last=begin + _AT_ONCE - 1), keep=False)
    return count


def _mark(connection: sqlite3.Connection, first: int, last: int) -> int:
    return connection.execute(_AGAIN, (first, last)).rowcount


async def take_parked(journal: Journal, other: Path) -> int:
    """Those that the journal of another machine had parked and this one has not; how many. Again is harmless."""
    with closing(sqlite3.connect(other)) as source:
        rows = source.execute(_PARKED).fetchall()
    return await journal.write(partial(_take, rows=rows), keep=False)


def _take(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
    missing = [row for row in rows if connection.execute(_SAME, row[:4]).fetchone() is None]
    return sum(connection.execute(_ADD, row).rowcount for row in missing)
