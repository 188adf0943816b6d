"""Where a line's closing by hand survives a restart: a table in the journal's file.

`hotline close` writes it, in a process of its own, for it must work while no engine does; the engine reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from crm_bridge.journal import Journal
from ivr.closures import Closure

_SAVE = """
INSERT INTO closures (line, since, until, reason) VALUES (?, ?, ?, ?)
ON CONFLICT (line) DO UPDATE SET since = excluded.since, until = excluded.until, reason = excluded.reason
"""


class JournalClosureBook:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def load(self) -> Sequence[Closure]:
        """Those that are over as well: what is over is for a clock to say. Raises JournalError."""
        rows = await self._journal.read("SELECT line, since, until, reason FROM closures ORDER BY line")
        return [Closure(line, _moment(since), _moment(until), reason) for line, since, until, reason in rows]

    async def save(self, closure: Closure) -> None:
        """Durable when it returns; takes the place of the line's last one. Raises JournalUnwritable."""
        reason = closure.reason.replace("\0", "")[:200]
        row = (closure.line, closure.since.timestamp(), closure.until.timestamp(), reason)

        def upsert(connection: sqlite3.Connection) -> None:
            connection.execute(_SAVE, row)

        await self._journal.write(upsert, keep=False)

    async def end(self, line: str) -> bool:
        """Durable when it returns: the line is not closed by hand. False: it was not. Raises JournalUnwritable."""

        def delete(connection: sqlite3.Connection) -> bool:
            return connection.execute("DELETE FROM closures WHERE line = ?", (line,)).rowcount > 0

        return await self._journal.write(delete, keep=False)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
