"""Lines closed by hand, between the command or the phone that closes them and the engine that keeps them closed.

The command makes it durable first and then tells the engine, which reads the table again: whatever dies in between, the
table is right, and an engine reads it when it starts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from crm_bridge.closures import JournalClosureBook
from crm_bridge.journal import Journal
from hotline.settings import SiteFolders
from ivr.closures import ClosedLines, Closure

WORD = "closures"  # what the engine is asked to make it read again


class Closings:
    """The engine's side. ``lines`` is what the calls ask; `read` renews it. ``clock``: Unix seconds, steady."""

    def __init__(self, book: JournalClosureBook, clock: Callable[[], float]) -> None:
        self._book = book
        self._clock = clock
        self.lines = ClosedLines()

    async def read(self) -> None:
        """Raises JournalError; what was known holds then."""
        self.lines.replace(await self._book.load())

    async def close(self, closure: Closure) -> None:
        """Durable and in force when it returns. Raises JournalError."""
        await self._book.save(closure)
        await self.read()

    async def open(self, line: str) -> bool:
        """False: it was not closed by hand. Raises JournalError."""
        was_closed = await self._book.end(line)
        await self.read()
        return was_closed

    def told(self) -> dict[str, dict[str, str]]:
        """Line → until when and why, of those that are closed now."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        return {closure.line: told(closure) for closure in self.lines.closures(now)}


def told(closure: Closure) -> dict[str, str]:
    since, until = (moment.isoformat(timespec="seconds") for moment in (closure.since, closure.until))
    return {"since": since, "until": until, "reason": closure.reason}


@asynccontextmanager
async def closure_book(folders: SiteFolders) -> AsyncIterator[JournalClosureBook]:
    """The commands' side: the book in the site's journal, beside an engine that may be writing. Raises JournalError."""
    journal = await Journal.open(folders.journal)
    try:
        yield JournalClosureBook(journal)
    finally:
        await journal.close()
