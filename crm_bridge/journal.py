"""The journal: the record of every call, on this machine's disk before anything else happens.

It is written at first contact and read by the relay, which carries it to the CRM store; so the CRM may be
away and no call waits for it. One SQLite file, WAL, synchronous FULL, group commit. In the same file:
presence, because an agent who logged in must still be logged in after a restart, and the lines that were
closed by hand, which must still be closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from crm_bridge.entry import OUTCOME, STARTED, Entry, Json, Logged, OpenCall, checked, encoded
from crm_bridge.group_commit import GroupCommit, Job, JournalClosed, JournalError, JournalUnwritable

__all__ = [
    "Backlog",
    "Entry",
    "Journal",
    "JournalClosed",
    "JournalError",
    "JournalUnwritable",
    "Json",
    "Logged",
    "OpenCall",
]

T = TypeVar("T")

VERSION = 1
# entries.state. DROPPED: a person has given it up (`dead_letters`); it is never sent, and goes when its call does.
PENDING, RELAYED, PARKED, DROPPED = 0, 1, 2, 3

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    call_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    fields TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT {PENDING},
    reason TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS one_start ON entries (call_id) WHERE kind = '{STARTED}';
CREATE UNIQUE INDEX IF NOT EXISTS one_outcome ON entries (call_id) WHERE kind = '{OUTCOME}';
CREATE INDEX IF NOT EXISTS by_call ON entries (call_id) WHERE call_id <> '';
CREATE INDEX IF NOT EXISTS pending ON entries (seq) WHERE state = {PENDING};
CREATE INDEX IF NOT EXISTS parked ON entries (seq) WHERE state = {PARKED};
CREATE INDEX IF NOT EXISTS flow_problems ON entries (at) WHERE kind = 'flow_problem';
CREATE TABLE IF NOT EXISTS presence (
    extension TEXT PRIMARY KEY, presence TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS closures (
    line TEXT PRIMARY KEY, since REAL NOT NULL, until REAL NOT NULL, reason TEXT NOT NULL
);
PRAGMA user_version = {VERSION};
"""

_INSERT = "INSERT INTO entries (call_id, kind, at, fields) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"

_UNRELAYED = f"""
SELECT seq, call_id, kind, at, fields FROM entries WHERE state = {PENDING} ORDER BY seq LIMIT ?
"""  # noqa: S608

_OPEN_CALLS = f"""
SELECT s.call_id, s.at,
    (SELECT max(e.at) FROM entries e WHERE e.call_id = s.call_id AND e.call_id <> ''),
    s.fields
FROM entries s
WHERE s.kind = '{STARTED}'
  AND NOT EXISTS (SELECT 1 FROM entries o WHERE o.call_id = s.call_id AND o.kind = '{OUTCOME}')
ORDER BY s.at, s.seq
"""  # noqa: S608

_PRUNE = f"""
DELETE FROM entries WHERE seq IN (
    SELECT e.seq FROM entries e WHERE e.state IN ({RELAYED}, {DROPPED}) AND e.at < ?
    AND (e.call_id = '' OR EXISTS (
        SELECT 1 FROM entries o WHERE o.call_id = e.call_id AND o.kind = '{OUTCOME}'))
    -- the outcome goes last: without it the rest of its call would look open
    ORDER BY e.kind = '{OUTCOME}', e.seq LIMIT ?)
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Backlog:
    """``unwritten``: not on our own disk yet; ``pending``: not in the CRM yet; ``parked``: can never go."""

    unwritten: int
    pending: int
    parked: int


class Journal:
    """Use ``Journal.open``. All methods belong to the event loop that opened it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes = 0  # that this process has made durable
        self._grown, self._outcome = asyncio.Event(), asyncio.Event()
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="journal-read")
        self._reader = _connect(path)
        self._writer = GroupCommit(partial(_connect, path), self._grown.set)

    @classmethod
    async def open(cls, path: Path | str) -> Journal:
        """Open or make the file (mode 0600: callers' numbers are in it). Raises JournalError when it is
        damaged or was written by a newer version, OSError when it cannot be made."""
        path = Path(path)
        try:
            await asyncio.to_thread(_prepare, path)
            return cls(path)
        except sqlite3.DatabaseError as error:
            raise JournalError(f"{path.name}: {error}") from error

    async def append(self, entry: Entry) -> int:
        """The entry's sequence number, once it is durable. A second start or outcome of a call is not
        written: the first one's number is returned. Raises JournalUnwritable when the disk refuses (the
        entry is kept and tried again, in order) and BadEntry."""
        seq = await self._writer.submit(_insertion(entry), keep=True)
        if entry.kind == OUTCOME:
            self.outcomes += 1
            self._outcome.set()
        return seq

    def append_soon(self, entry: Entry) -> None:
        """Queue the entry, in order with every other; it is on its way to the disk within SOON_S."""
        self._writer.submit_soon(_insertion(entry))

    async def unrelayed(self, limit: int) -> list[Logged]:
        """The oldest ``limit`` entries that the CRM does not have."""
        return await self._read(partial(_logged, limit=limit))  # not in the loop: it is some milliseconds' work

    async def mark_relayed(self, seqs: Iterable[int]) -> None:
        """Durable before it returns: what is marked is never sent again."""
        await self.write(partial(_mark, seqs=list(seqs)), keep=False)

    async def park(self, seq: int, reason: str) -> None:
        """Set an entry aside that can never go, with the reason, so that the next ones flow."""
        sql = f"UPDATE entries SET state = {PARKED}, reason = ? WHERE seq = ?"  # noqa: S608
        await self.write(lambda c: c.execute(sql, (reason[:2000], seq)), keep=False)

    async def parked(self, limit: int = 100) -> list[tuple[int, str]]:
        """(seq, reason), oldest first."""
        sql = f"SELECT seq, reason FROM entries WHERE state = {PARKED} ORDER BY seq LIMIT ?"  # noqa: S608
        return [(seq, reason) for seq, reason in await self.read(sql, limit)]

    async def unpark(self) -> int:
        """Let every parked entry try once more (after an update, say). Returns how many."""
        sql = f"UPDATE entries SET state = {PENDING}, reason = '' WHERE state = {PARKED}"  # noqa: S608
        return await self.write(lambda c: c.execute(sql).rowcount, keep=False)

    async def open_calls(self) -> list[OpenCall]:
        """Calls with a start and no outcome, oldest first: the live ones, and those a crash has cut off."""
        return [_open_call(*row) for row in await self.read(_OPEN_CALLS)]

    async def backlog(self) -> Backlog:
        sql = f"SELECT count(*) FROM entries WHERE state = {PENDING}"  # noqa: S608
        [[pending]] = await self.read(sql)
        [[parked]] = await self.read(f"SELECT count(*) FROM entries WHERE state = {PARKED}")  # noqa: S608
        return Backlog(self._writer.owed, pending, parked)

    async def prune(self, before: float, limit: int = 2000) -> int:
        """Forget entries older than ``before`` (Unix s) that the CRM has, of calls that are over. At most
        ``limit`` at a time, so that no caller waits behind it. Returns how many went."""
        return await self.write(lambda c: c.execute(_PRUNE, (before, limit)).rowcount, keep=False)

    async def growth(self, timeout_s: float) -> bool:
        """True when something was committed since this last said so; False after ``timeout_s``. One
        waiter."""
        return await _told(self._grown, timeout_s)

    async def outcome(self, timeout_s: float) -> bool:
        """As `growth`, for an outcome."""
        return await _told(self._outcome, timeout_s)

    def nudge(self) -> None:
        """End a wait for growth, or for an outcome."""
        self._grown.set()
        self._outcome.set()

    async def read(self, sql: str, *values: Any) -> list[Any]:
        """Rows of a query, on the reading connection: never behind an fsync. Raises JournalError."""
        return await self._read(lambda connection: connection.execute(sql, values).fetchall())

    async def _read(self, job: Job[T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, job, self._reader)
        except sqlite3.Error as error:
            raise JournalError(str(error)) from error

    async def write(self, job: Job[T], *, keep: bool) -> T:
        """Run one statement in the next group. See GroupCommit.submit."""
        return await self._writer.submit(job, keep=keep)

    async def close(self) -> None:
        """Write what is queued, then close. Idempotent."""
        await self._writer.close()
        self._readers.shutdown()
        self._reader.close()


async def _told(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # one fsync per commit; NORMAL in WAL mode has none
    connection.execute("PRAGMA secure_delete = ON")  # what is erased (`persons`) is not left in the file's gaps
    return connection


def _prepare(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives -wal and -shm the same mode
    connection = _connect(path)
    try:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise JournalError(f"{path.name} has version {version}, this program knows {VERSION}")
        connection.executescript(_SCHEMA)
    finally:
        connection.close()


def _insertion(entry: Entry) -> Callable[[sqlite3.Connection], int]:
    checked(entry)
    row = (entry.call_id, entry.kind, float(entry.at), encoded(entry.fields))
    return partial(_insert, row=row)


def _insert(connection: sqlite3.Connection, row: tuple[str, str, float, str]) -> int:
    cursor = connection.execute(_INSERT, row)
    if cursor.rowcount and cursor.lastrowid is not None:
        return cursor.lastrowid
    first = connection.execute("SELECT seq FROM entries WHERE call_id = ? AND kind = ?", row[:2]).fetchone()
    return int(first[0])


def _logged(connection: sqlite3.Connection, limit: int) -> list[Logged]:
    return [
        Logged(seq, Entry(call_id, kind, at, json.loads(fields)))
        for seq, call_id, kind, at, fields in connection.execute(_UNRELAYED, (limit,))
    ]


def _mark(connection: sqlite3.Connection, seqs: Sequence[int]) -> None:
    among = "seq IN (SELECT value FROM json_each(?))"
    connection.execute(f"UPDATE entries SET state = {RELAYED} WHERE {among}", (json.dumps(seqs),))  # noqa: S608


def _open_call(call_id: str, started_at: float, last_at: float, fields: str) -> OpenCall:
    start = json.loads(fields)
    channel, uniqueid = str(start.get("channel", "")), str(start.get("uniqueid", ""))
    return OpenCall(call_id, started_at, last_at, channel, uniqueid)
