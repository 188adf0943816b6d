"""The CRM store: a database behind a URL. Blames two parties only: the store is away, or the entry is
bad."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from crm_bridge.batch import write_batch
from crm_bridge.entry import Logged
from crm_bridge.fold import EntryRefused
from crm_bridge.models import media_sources
from crm_bridge.upserts import put

__all__ = ["CrmStore", "EntryRefused", "SourceName", "StoreAway", "connect", "sqlite_url"]


class StoreAway(Exception):
    """The store cannot be reached, is locked, is full, or has no tables yet. Try the same batch again
    later."""


class SourceName(NamedTuple):
    id: str
    name: str
    kind: str


def sqlite_url(path: Path | str) -> str:
    return URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


def connect(url: str, *, busy_s: float = 5.0) -> AsyncEngine:
    """An engine on ``url``; opens nothing yet, but an SQLite file is made with mode 0600 (numbers are in
    it)."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    _make_private(make_url(url).database)
    engine = create_async_engine(url, connect_args={"timeout": busy_s})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


class CrmStore:
    """Make it with a URL whose tables `migrating.migrate` has made. ``region``: the country (ISO 3166) of
    callers' numbers that have no country code."""

    def __init__(self, url: str, *, region: str = "CN", busy_s: float = 5.0) -> None:
        self._engine = connect(url, busy_s=busy_s)
        self._region = region

    async def apply(self, batch: Sequence[Logged]) -> None:
        """All of ``batch`` or nothing; again is harmless. Raises StoreAway, and EntryRefused when some
        entry of it (not told which) can never be stored."""
        async with self._blaming(), self._engine.begin() as connection:
            await connection.run_sync(write_batch, batch, self._region)

    async def name_sources(self, sources: Iterable[SourceName]) -> None:
        """Make the media sources known, with their names as the site has them now. Raises StoreAway."""
        rows = [source._asdict() for source in sources]
        await self.write(lambda connection: put(connection, media_sources, rows))

    async def write(self, job: Callable[[Connection], None]) -> None:
        """All that ``job`` does or nothing. Raises StoreAway, and EntryRefused for values that cannot be stored."""
        async with self._blaming(), self._engine.begin() as connection:
            await connection.run_sync(job)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that only reads: on SQLite it waits for no writer. Raises StoreAway."""
        async with self._blaming(), self._engine.connect() as connection:
            yield await connection.execution_options(hotline_reading=True)

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _blaming(self) -> AsyncIterator[None]:
        try:
            yield
        except (DataError, IntegrityError, ProgrammingError) as error:
            raise EntryRefused(_short(error)) from error
        except (DBAPIError, OSError) as error:
            raise StoreAway(_short(error)) from error
        except (SQLAlchemyError, ValueError, OverflowError, TypeError) as error:
            raise EntryRefused(_short(error)) from error


def _short(error: BaseException) -> str:
    """The driver's own words: SQLAlchemy's carry the parameters, which are callers' numbers."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(cause).__name__}: {cause}"[:500]


def _make_private(path: str | None) -> None:
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours to write: see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # the journal forgets what we have: we must really have it
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads and then writes must ask for the write lock at once, or busy_timeout is
    # ignored.
    reading = connection.get_execution_options().get("hotline_reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
