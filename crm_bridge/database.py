"""The database behind the CRM store: a job (a function of a connection) is run in one transaction.

Jobs run in threads of our own, whether a file is asked or a server: with an asyncio driver every single step of a
statement would go through the event loop (and on a file change threads and back), which costs more than the statement;
and what a job works out, as a batch of entries, would hold up the calls.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

T = TypeVar("T")

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
_CONNECT_S = 5
# One writer at a time on a server too: two who make the same customer would else refuse each other's entries.
ONE_WRITER = text("SELECT pg_advisory_xact_lock(4008001001)")
_READERS = 4  # a reader that hangs holds up nobody; while none does, one thread serves them all


def sqlite_url(path: Path | str) -> str:
    return URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


def normal(url: str) -> URL:
    """With the driver that is ours: admins write what they have always written."""
    read = make_url(url)
    return read.set(drivername=_DRIVERS[read.get_backend_name()])


def connect(url: str, *, busy_s: float = 5.0) -> AsyncEngine:
    """An engine on ``url``; opens nothing yet, but an SQLite file is made with mode 0600 (numbers are in
    it)."""
    if not _is_file(url):
        return create_async_engine(normal(url), pool_pre_ping=True, connect_args=_patience(busy_s))
    _make_private(make_url(url).database)
    engine = create_async_engine(normal(url), connect_args={"timeout": busy_s})
    _listen_sqlite(engine.sync_engine)
    return engine


def plain_engine(url: str, *, busy_s: float = 30.0, reading: bool = False) -> Engine:
    """For work that one thread does from its beginning to its end: backups, restores. ``reading``: it waits for no
    writer."""
    if not _is_file(url):
        return create_engine(normal(url), pool_pre_ping=True, connect_args=_patience(busy_s))
    place = make_url(url).set(drivername="sqlite")
    _make_private(place.database)
    engine = create_engine(place, connect_args={"timeout": busy_s})
    _listen_sqlite(engine)
    return engine.execution_options(hotline_reading=True) if reading else engine


def _patience(busy_s: float) -> dict[str, Any]:
    """A server that has vanished without a word is missed after some seconds, in the midst of a statement too."""
    return {
        "connect_timeout": _CONNECT_S,
        "options": f"-c lock_timeout={round(busy_s * 1000)}",
        "keepalives_idle": _CONNECT_S,
        "keepalives_interval": 1,
        "keepalives_count": _CONNECT_S,
        "tcp_user_timeout": 2000 * _CONNECT_S,
    }


def database(url: str, *, busy_s: float = 5.0) -> Database:
    """Opens nothing yet, as `connect`."""
    engine = plain_engine(url, busy_s=busy_s)
    if _is_file(url):
        return _Threads(engine, engine.execution_options(hotline_reading=True))
    # To a server BEGIN and ROLLBACK are two more ways there and back, and no statement would see less without them.
    return _Threads(engine, engine.execution_options(isolation_level="AUTOCOMMIT"))


class Database(Protocol):
    """Raises what SQLAlchemy raises."""

    async def read(self, job: Callable[[Connection], T]) -> T:
        """On SQLite it waits for no writer, and all that ``job`` asks sees one moment; on a server each statement sees
        its own, unless ``job`` asks for more (`reporting.report.still`)."""

    async def write(self, job: Callable[[Connection], T]) -> T:
        """All that ``job`` does or nothing."""

    async def close(self) -> None: ...


class _Threads:
    """A job whose asker is cancelled is done to its end all the same. One writer at a time, as SQLite has it."""

    def __init__(self, engine: Engine, reading: Engine) -> None:
        self.engine, self._reading = engine, reading
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="crm-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="crm-write")

    async def read(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, _read, self._reading, job)

    async def write(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, _write, self.engine, job)

    async def close(self) -> None:
        for threads in (self._readers, self._writer):
            await asyncio.to_thread(threads.shutdown)
        self.engine.dispose()


def _read(engine: Engine, job: Callable[[Connection], T]) -> T:
    with engine.connect() as connection:
        return job(connection)


def _write(engine: Engine, job: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(ONE_WRITER)
        return job(connection)


def file_of(url: str) -> Path | None:
    """The SQLite file; None where a server is asked."""
    place = make_url(url)
    return Path(place.database) if _is_file(url) and place.database else None


def _is_file(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _make_private(path: str | None) -> None:
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _listen_sqlite(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours to write: see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # the journal forgets what we have: we must really have it
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is erased is not left in the file's gaps
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("hotline_reading"):
        connection.connection.cursor().execute("BEGIN")  # SQLAlchemy's way costs as much as what is then asked
    else:
        # A transaction that reads and then writes must ask for the write lock at once, or busy_timeout is ignored.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
