"""Where it is measured: SQLite files and databases of a PostgreSQL of our own, both of which force to the disk."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench.children import BenchError
from bench.postgresql import NoPostgres, PostgresServer
from crm_bridge.database import plain_engine
from crm_bridge.migrating import migrate
from crm_bridge.store import sqlite_url

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
KINDS = (SQLITE, POSTGRESQL)


@dataclass(slots=True)
class Databases:
    """``folder``: for files, also journals."""

    folder: Path
    server: PostgresServer
    _serial: count[int] = field(default_factory=count)

    def __str__(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}, PostgreSQL {self.server.version}"

    @asynccontextmanager
    async def fresh(self, kind: str) -> AsyncIterator[str]:
        """The URL of one with all tables and no row; gone afterwards."""
        if kind == SQLITE:
            file = self.room() / "crm.db"
            await migrate(sqlite_url(file))
            yield sqlite_url(file)
            for left in file.parent.glob("crm.db*"):
                left.unlink()
            return
        name = self.server.database()
        await migrate(self.server.url(name))
        yield self.server.url(name)
        self.server.drop(name)

    def settle(self, url: str) -> None:
        """As a night leaves a database that was filled by day: counted, and on the server vacuumed."""
        engine = plain_engine(url)
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
            else:
                connection.exec_driver_sql("ANALYZE")
                connection.commit()
        engine.dispose()

    def room(self) -> Path:
        """A new folder."""
        made = self.folder / str(next(self._serial))
        made.mkdir(parents=True)
        return made

    def chill(self) -> None:
        """Nothing of any database is in memory any more, neither the server's nor the machine's. Nobody may be
        connected."""
        self.server.stop()
        _forget(path for folder in (self.folder, self.server.data) for path in folder.rglob("*") if path.is_file())
        self.server.start()


def _forget(files: Iterable[Path]) -> None:
    for path in files:
        with suppress(FileNotFoundError):
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)  # what is not on the disk yet cannot be forgotten
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


@asynccontextmanager
async def open_databases(work: Path) -> AsyncIterator[Databases]:
    with ExitStack() as ends:
        try:
            server = ends.enter_context(PostgresServer(durable=True))
        except NoPostgres as error:
            raise BenchError(str(error)) from error
        yield Databases(work, server)
