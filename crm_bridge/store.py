"""The CRM store: a database behind a URL. Blames two parties only: the store is away, or the entry is
bad."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, TypeVar

from psycopg.errors import InsufficientPrivilege, InvalidCatalogName, UndefinedColumn, UndefinedTable
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError

from crm_bridge.batch import write_batch
from crm_bridge.database import connect, database, sqlite_url
from crm_bridge.entry import Logged
from crm_bridge.fold import EntryRefused
from crm_bridge.models import media_sources
from crm_bridge.rules import CrmRules
from crm_bridge.upserts import put

__all__ = ["CrmStore", "EntryRefused", "SourceName", "StoreAway", "connect", "sqlite_url"]

T = TypeVar("T")

# PostgreSQL counts it as the asker's fault that there are no tables yet, SQLite as its own.
_NO_TABLES = (UndefinedTable, UndefinedColumn, InsufficientPrivilege, InvalidCatalogName)


class StoreAway(Exception):
    """The store cannot be reached, is locked, is full, or has no tables yet. Try the same batch again
    later."""


class SourceName(NamedTuple):
    id: str
    name: str
    kind: str


class CrmStore:
    """Make it with a URL whose tables `migrating.migrate` has made. ``region``: the country (ISO 3166) of
    callers' numbers that have no country code."""

    def __init__(self, url: str, *, region: str = "CN", rules: CrmRules | None = None, busy_s: float = 5.0) -> None:
        self._database = database(url, busy_s=busy_s)
        self.region, self.rules = region, rules or CrmRules()
        self.held = ""  # why nobody may use it yet, although it may be there

    def hold(self, why: str) -> None:
        """Be away until `release`: its tables are not those that we know."""
        self.held = why

    def release(self) -> None:
        self.held = ""

    async def apply(self, batch: Sequence[Logged]) -> None:
        """All of ``batch`` or nothing; again is harmless. Raises StoreAway, and EntryRefused when some
        entry of it (not told which) can never be stored."""
        await self.write(partial(write_batch, batch=batch, region=self.region, rules=self.rules))

    async def name_sources(self, sources: Iterable[SourceName]) -> None:
        """Make the media sources known, with their names as the site has them now. Raises StoreAway."""
        rows = [source._asdict() for source in sources]
        await self.write(lambda connection: put(connection, media_sources, rows))

    async def write(self, job: Callable[[Connection], T]) -> T:
        """All that ``job`` does or nothing. Raises StoreAway, and EntryRefused for values that cannot be stored."""
        self._refuse_while_held()
        with _blaming():
            return await self._database.write(job)

    async def read(self, job: Callable[[Connection], T]) -> T:
        """What ``job`` finds; it only reads: on SQLite it waits for no writer. Raises StoreAway."""
        self._refuse_while_held()
        with _blaming():
            return await self._database.read(job)

    def _refuse_while_held(self) -> None:
        if self.held:
            raise StoreAway(self.held)

    async def close(self) -> None:
        await self._database.close()


@contextmanager
def _blaming() -> Iterator[None]:
    try:
        yield
    except (DataError, IntegrityError, ProgrammingError) as error:
        if isinstance(error.orig, _NO_TABLES):
            raise StoreAway(_short(error)) from error
        raise EntryRefused(_short(error)) from error
    except (DBAPIError, OSError) as error:
        raise StoreAway(_short(error)) from error
    except (SQLAlchemyError, ValueError, OverflowError, TypeError) as error:
        raise EntryRefused(_short(error)) from error


def _short(error: BaseException) -> str:
    """The driver's own words: SQLAlchemy's carry the parameters, which are callers' numbers."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(cause).__name__}: {cause}"[:500]
