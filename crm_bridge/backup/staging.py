"""Builds what a backup holds in a file of its own, and brings it up to the tables of today, before the real store is
touched.

The rows go into the tables of their own revision; then the migrations run over them as they would have run over the
store that was backed up. Last come the entries that the journal in the backup still had for the CRM.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, event, insert
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, StatementError

from crm_bridge.backup.form import BadBackup, Manifest
from crm_bridge.backup.reading import Archive
from crm_bridge.backup.tables import readers_of, tables_there
from crm_bridge.batch import write_batch
from crm_bridge.database import plain_engine, sqlite_url
from crm_bridge.entry import Entry, Logged
from crm_bridge.fold import EntryRefused
from crm_bridge.journal import PENDING
from crm_bridge.migrating import let_keys_rest, upgrade_in
from crm_bridge.rules import CrmRules

_AT_ONCE = 1000  # rows in memory
_LEFT = f"SELECT seq, call_id, kind, at, fields FROM entries WHERE state = {PENDING} ORDER BY seq"  # noqa: S608


def build(archive: Archive, file: Path) -> None:
    """Into ``file``, which is not there yet. Raises BadBackup when the rows do not fit their own tables, and what the
    migrations raise."""
    engine = plain_engine(sqlite_url(file))
    let_keys_rest(engine)
    event.listen(engine, "connect", _hurry)
    try:
        with engine.begin() as connection:
            upgrade_in(connection, archive.manifest.revision)
        with engine.begin() as connection:
            _fill(connection, archive)
        with engine.begin() as connection:
            upgrade_in(connection)
    finally:
        _close(engine, file)


def _fill(connection: Connection, archive: Archive) -> None:
    there = {table.name: table for table in tables_there(connection)}
    if strange := set(archive.manifest.tables) - set(there):
        raise BadBackup(f"revision {archive.manifest.revision} has no table {', '.join(sorted(strange))}")
    for name, table in there.items():
        connection.execute(delete(table))  # a migration may have put something there
        if name in archive.manifest.tables:
            _fill_table(connection, table, archive, archive.manifest)


def _fill_table(connection: Connection, table: Table, archive: Archive, manifest: Manifest) -> None:
    names = manifest.tables[table.name].columns
    try:
        for rows in pieces(_values(archive, table, names)):
            connection.execute(insert(table), rows)
    except (KeyError, ValueError, TypeError) as error:
        raise BadBackup(f"the rows of {table.name} do not fit the table: {error}") from error


def _values(archive: Archive, table: Table, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    readers = readers_of(table, names)
    for row in archive.rows(table.name):
        yield {
            name: value if read is None or value is None else read(value)
            for name, value, read in zip(names, row, readers, strict=True)
        }


def pieces(rows: Iterator[Any], size: int = _AT_ONCE) -> Iterator[list[Any]]:
    while piece := list(islice(rows, size)):
        yield piece


def deliver_left(journal: Path, file: Path, region: str, rules: CrmRules) -> int:
    """What that journal still had for the CRM, into the built ``file``, as the relay would have: how many entries. One
    that can never be stored is passed over."""
    engine = plain_engine(sqlite_url(file))
    event.listen(engine, "connect", _hurry)
    try:
        with closing(sqlite3.connect(journal)) as source:
            left = (
                Logged(seq, Entry(call_id, kind, at, json.loads(fields)))
                for seq, call_id, kind, at, fields in source.execute(_LEFT)
            )
            return sum(_deliver(engine, batch, region, rules) for batch in pieces(left, 500))
    finally:
        _close(engine, file)


def _deliver(engine: Engine, batch: Sequence[Logged], region: str, rules: CrmRules) -> int:
    """Halved until a bad entry stands alone, as the relay does."""
    try:
        with engine.begin() as connection:
            write_batch(connection, batch, region, rules)
    except (EntryRefused, IntegrityError, DataError, StatementError, ValueError, OverflowError, TypeError) as error:
        if isinstance(error, OperationalError):
            raise
        half = len(batch) // 2
        return sum(_deliver(engine, part, region, rules) for part in (batch[:half], batch[half:]) if half)
    return len(batch)


def _hurry(connection: Any, _record: Any) -> None:
    """Nobody needs this file if the machine dies meanwhile."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


def _close(engine: Engine, file: Path) -> None:
    """Leave one file behind, with nothing beside it."""
    engine.dispose()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
