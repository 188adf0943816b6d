"""Makes a backup: one snapshot of the CRM store, and the journal as it was just before.

The journal goes first. What it has marked as relayed is then in the snapshot for certain; only what it holds as
pending may or may not be, and the store folds each entry once.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Table, select

from crm_bridge.backup.form import JOURNAL, MANIFEST, BadBackup, Manifest, TablePart, line_of, member_of, packed
from crm_bridge.backup.tables import tables_there
from crm_bridge.database import plain_engine
from crm_bridge.migrating import revision_in
from ivr.on_disk import sync_folder

_AT_ONCE = 2000  # rows in memory
_LEVEL = 5


def write_backup(url: str, journal: Path | None, out: Path, *, site: str, at: datetime) -> Manifest:
    """Write ``out`` whole, mode 0600. Nobody waits for it: it only reads. ``journal``: None, or not there: none.

    Raises BadBackup when there is nothing to back up, SQLAlchemyError and sqlite3.Error when a database cannot be
    read, OSError when the file cannot be written."""
    beside = out.with_name(f".{out.name}.new")
    try:
        manifest = _write(url, journal, beside, site, at)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(out.parent)
    return manifest


def _write(url: str, journal: Path | None, file: Path, site: str, at: datetime) -> Manifest:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            journal_sha256 = _add_journal(tar, journal, file.parent, at)
            with snapshot(url) as connection:
                revision = revision_in(connection)
                if revision is None:
                    raise BadBackup("the CRM store has no tables yet: there is nothing to back up")
                tables = tables_there(connection)
                parts = {table.name: _add_table(tar, connection, table, file.parent, at) for table in tables}
            manifest = Manifest(site, revision, at.astimezone(UTC).isoformat(), parts, journal_sha256)
            with tempfile.TemporaryFile(dir=file.parent) as content:
                content.write(packed(manifest))
                _add(tar, MANIFEST, content, at)
        stream.flush()
        os.fsync(stream.fileno())
    return manifest


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """A connection that sees one moment, however long it reads, and that keeps nobody waiting."""
    engine = plain_engine(url, reading=True)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True, postgresql_deferrable=False
                )
            yield connection
    finally:
        engine.dispose()


def _add_table(tar: tarfile.TarFile, connection: Connection, table: Table, folder: Path, at: datetime) -> TablePart:
    rows, seen = 0, hashlib.sha256()
    query = select(*table.columns).order_by(*table.primary_key)
    with tempfile.TemporaryFile(dir=folder) as content:
        with gzip.GzipFile("", "wb", _LEVEL, content, mtime=0) as lines:
            found = connection.execution_options(yield_per=_AT_ONCE).execute(query)
            for row in found:
                line = line_of(tuple(row))
                seen.update(line)
                lines.write(line)
                rows += 1
        _add(tar, member_of(table.name), content, at)
    return TablePart(tuple(column.name for column in table.columns), rows, seen.hexdigest())


def _add_journal(tar: tarfile.TarFile, journal: Path | None, folder: Path, at: datetime) -> str:
    """Its SHA-256, or '' where there is none."""
    if journal is None or not journal.exists():
        return ""
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".journal-") as place,
        tempfile.TemporaryFile(dir=folder) as zipped,
    ):
        copy = Path(place) / "journal.db"
        copy_database(journal, copy)
        seen = hashlib.sha256()
        with gzip.GzipFile("", "wb", _LEVEL, zipped, mtime=0) as lines, copy.open("rb") as content:
            while piece := content.read(1 << 20):
                seen.update(piece)
                lines.write(piece)
        _add(tar, JOURNAL, zipped, at)
    return seen.hexdigest()


def copy_database(source: Path, copy: Path) -> None:
    """An SQLite file as it is at one moment, into a new one, mode 0600. Holds up no writer. Raises sqlite3.Error."""
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with (
        closing(sqlite3.connect(source, timeout=30.0)) as reading,
        closing(sqlite3.connect(copy)) as writing,
    ):
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE")  # one file, whoever opens it


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], at: datetime) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = content.seek(0, os.SEEK_END), 0o600, int(at.timestamp())
    content.seek(0)
    tar.addfile(member, content)
