"""Puts a built file in the place of the real store's content, in one transaction: whoever reads sees the old content or
the new one, and is never kept waiting; whoever writes waits, or is told that the store is away.

SQLite: the built file's pages are copied over the real file's by SQLite's own backup call, which is one transaction of
a WAL file. PostgreSQL: the rows are brought over into tables of this session's own, where nobody waits for them; then
the old rows are deleted and the new ones put in their place. *Rejected:* new tables that take the old ones' names,
which is quicker: who began to look before the change finds them empty, and views and grants stay with the old ones.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, Table, select, text
from sqlalchemy.exc import OperationalError

from crm_bridge.backup.tables import tables_there
from crm_bridge.database import ONE_WRITER, file_of, plain_engine, sqlite_url
from crm_bridge.migrating import head, known_revisions, revision_in, upgrade_in
from crm_bridge.models import metadata

_BESIDE = "restored_"  # and the table's name
_AT_ONCE = 2000
BUSY_S = 60.0


class SwapFailed(Exception):
    """The content is as it was. The message is for a person."""


def swap_in(built: Path, url: str, *, busy_s: float = BUSY_S) -> None:
    """Raises SwapFailed, SQLAlchemyError, sqlite3.Error; the store is then as it was."""
    file = file_of(url)
    _refuse_newer(url)
    if file is not None:
        _swap_file(built, file, busy_s)
    else:
        _swap_server(built, url, busy_s)


def _refuse_newer(url: str) -> None:
    engine = plain_engine(url, reading=True)
    try:
        with engine.connect() as connection:
            revision = revision_in(connection)
    finally:
        engine.dispose()
    if revision is not None and revision not in known_revisions():
        raise SwapFailed(f"the store was made by a newer version (revision {revision}): update hotline first")


def _swap_file(built: Path, file: Path, busy_s: float) -> None:
    with (
        closing(sqlite3.connect(built)) as source,
        closing(sqlite3.connect(file, timeout=busy_s, isolation_level=None)) as target,
    ):
        target.execute("PRAGMA journal_mode = WAL")
        target.execute("PRAGMA synchronous = FULL")
        target.execute("PRAGMA secure_delete = ON")
        source.backup(target, progress=_patience(busy_s), sleep=0.1)


def _patience(busy_s: float) -> Callable[[int, int, int], None]:
    """SQLite's backup call would try a locked file for ever."""
    deadline = time.monotonic() + busy_s

    def look(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
            raise SwapFailed(f"somebody else has been writing into the store for {busy_s:g} s; try again")

    return look


def _swap_server(built: Path, url: str, busy_s: float) -> None:
    source, target = plain_engine(sqlite_url(built), reading=True), plain_engine(url, busy_s=busy_s)
    try:
        with source.connect() as reading, target.begin() as connection:
            _bring_to_our_tables(connection)
            tables = tables_there(reading)
            for table in tables:
                _copy_beside(reading, connection, table)
            _trade_places(connection, tables)
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable | DeadlockDetected):
            raise SwapFailed(f"somebody else has been writing into the store for {busy_s:g} s; try again") from error
        raise
    finally:
        source.dispose()
        target.dispose()


def _bring_to_our_tables(connection: Connection) -> None:
    """Nobody uses tables of another revision: their rows need not come along."""
    if revision_in(connection) == head():
        return
    if there := tables_there(connection):
        connection.exec_driver_sql("TRUNCATE " + ", ".join(f'"{table.name}"' for table in there))
    upgrade_in(connection)


def _copy_beside(reading: Connection, writing: Connection, table: Table) -> None:
    """By COPY, several times as quick as INSERT."""
    writing.exec_driver_sql(f'CREATE TEMPORARY TABLE "{_BESIDE}{table.name}" (LIKE "{table.name}") ON COMMIT DROP')
    binders = [column.type.dialect_impl(writing.dialect).bind_processor(writing.dialect) for column in table.columns]
    rows = reading.execution_options(yield_per=_AT_ONCE).execute(select(*table.columns))
    cursor: Any = writing.connection.cursor()  # psycopg's
    with cursor, cursor.copy(f'COPY "{_BESIDE}{table.name}" ({_names(table)}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([value if bind is None else bind(value) for value, bind in zip(row, binders, strict=True)])


def _trade_places(connection: Connection, tables: Sequence[Table]) -> None:
    """From here on other writers wait. Children go before their parents, and come after them."""
    connection.execute(ONE_WRITER)
    for table in reversed(tables):
        connection.exec_driver_sql(f'DELETE FROM "{table.name}"')  # noqa: S608
    for table in tables:
        names = _names(table)
        connection.exec_driver_sql(
            f'INSERT INTO "{table.name}" ({names}) SELECT {names} FROM "{_BESIDE}{table.name}"'  # noqa: S608
        )
        for column in metadata.tables[table.name].primary_key:
            _go_on_counting(connection, table.name, column.name)


def _names(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


def _go_on_counting(connection: Connection, table: str, column: str) -> None:
    """New rows have ids behind those that were brought."""
    counter = connection.execute(text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": table, "c": column}).scalar()
    if counter is not None:
        last = f'SELECT coalesce(max("{column}"), 0) + 1 FROM "{table}"'  # noqa: S608
        connection.exec_driver_sql(f"SELECT setval('{counter}', ({last}), false)")
