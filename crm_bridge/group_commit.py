"""One thread that owns the journal's writing connection and commits whatever has gathered.

fsync is what a durable write costs, and it costs the same for one row as for a hundred. So the thread takes
everything that is queued, writes it in one transaction, and only then tells those who wait. While one fsync
runs the next group gathers, and who waits for a write waits for nobody else. What nobody waits for is held back for a
moment, to go along with the next write that somebody does wait for: waking the thread costs more than writing the row.

When the disk refuses (full, locked, gone), those who wait are told at once, for no call may hang on a disk.
What was submitted with ``keep`` stays queued in order and is tried again until it is durable or the
process ends.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

FIRST_RETRY_S, LAST_RETRY_S = 0.1, 5.0
MOST_OWED = 100_000  # queued and not yet durable; beyond it new jobs are refused, memory is not endless
MOST_IN_A_GROUP = 2_000
SOON_S = 0.25  # how long a job that nobody waits for may be held back

# Errors that are the one job's own fault; any other database error is the disk's and concerns the whole
# group.
_OWN_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    ValueError,
    OverflowError,
)


class JournalError(Exception):
    """Root of what the journal raises about itself."""


class JournalUnwritable(JournalError):
    """Not durable *yet*: the disk refused. A kept job stays queued and will be tried again."""


class JournalClosed(JournalError):
    """Written to after close()."""


@dataclass(frozen=True, slots=True)
class _Owed(Generic[T]):
    job: Job[T]
    keep: bool
    future: asyncio.Future[T] | None


@dataclass(frozen=True, slots=True)
class _Settled:
    owed: _Owed[Any]
    result: Any
    error: Exception | None
    still_owed: bool


class GroupCommit:
    """Belongs to the event loop it was made in. ``on_commit`` is called in that loop after each group."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], on_commit: Callable[[], None]) -> None:
        self._connect = connect
        self._on_commit = on_commit
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Owed[Any] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._down = False  # written by the thread, read by the loop
        self._owed = 0
        self._held_back: list[_Owed[Any]] = []
        self._release_timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def down(self) -> bool:
        """The last group could not be written."""
        return self._down

    @property
    def owed(self) -> int:
        """Jobs that are queued and not yet durable."""
        return self._owed

    async def submit(self, job: Job[T], *, keep: bool) -> T:
        """The job's result once its group is durable. Raises JournalUnwritable, JournalClosed, or what the
        job raised. A waiter that is cancelled does not take its job back."""
        if self._down:
            if keep:
                self.submit_soon(job)
            raise JournalUnwritable("the journal cannot be written at present")
        future: asyncio.Future[T] = self._loop.create_future()
        self._put(_Owed(job, keep, future))
        return await future

    def submit_soon(self, job: Job[Any]) -> None:
        """Queue a kept job, in order, and do not wait; it goes to the disk within SOON_S. Raises JournalClosed, and
        JournalUnwritable when too much is owed."""
        self._accept()
        self._held_back.append(_Owed(job, True, None))
        if self._release_timer is None:
            self._release_timer = self._loop.call_later(SOON_S, self._release)

    async def close(self) -> None:
        """Write what is owed (one try), then end the thread."""
        if self._closing.is_set():
            return
        self._release()
        self._closing.set()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)  # lets the last settlements, already scheduled, reach their waiters

    def _put(self, owed: _Owed[Any]) -> None:
        self._accept()
        self._release()
        self._queue.put(owed)

    def _accept(self) -> None:
        if self._closing.is_set():
            raise JournalClosed("the journal is closed")
        if self._owed >= MOST_OWED:
            raise JournalUnwritable(f"{self._owed} entries wait for the disk already")
        self._owed += 1

    def _release(self) -> None:
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None
        for owed in self._held_back:
            self._queue.put(owed)
        self._held_back.clear()

    # -- below: the thread
    # -----------------------------------------------------------------------------------

    def _run(self) -> None:
        connection = self._connect()
        try:
            self._serve(connection)
        finally:
            connection.close()

    def _serve(self, connection: sqlite3.Connection) -> None:
        held: list[_Owed[Any]] = []
        retry_s, ending = FIRST_RETRY_S, False
        while not ending:
            group, ending = self._gather(held)
            try:
                settled = _write(connection, group)
            except sqlite3.Error as error:
                held = self._refused(group, error, retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)
            else:
                held, retry_s, self._down = [], FIRST_RETRY_S, False
                self._tell(settled)
            ending = ending or (self._closing.is_set() and self._queue.empty())
        if held:
            log.error("journal closed with entries that the disk refused", extra={"lost": len(held)})

    def _gather(self, held: list[_Owed[Any]]) -> tuple[list[_Owed[Any]], bool]:
        """What to write next, and whether it is the last."""
        group = list(held)
        while len(group) < MOST_IN_A_GROUP or not group:
            try:
                owed = self._queue.get(block=not group)
            except queue.Empty:
                break
            if owed is None:
                return group, True
            group.append(owed)
        return group, False

    def _refused(self, group: list[_Owed[Any]], error: sqlite3.Error, retry_s: float) -> list[_Owed[Any]]:
        if not self._down:
            log.error("journal cannot be written: %s", error)
        self._down = True
        unwritable = JournalUnwritable(str(error))
        self._tell([_Settled(owed, None, unwritable, still_owed=owed.keep) for owed in group])
        self._closing.wait(retry_s)
        return [_Owed(owed.job, True, None) for owed in group if owed.keep]

    def _tell(self, settled: Sequence[_Settled]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, settled)
        except RuntimeError:  # the loop has closed before us: nobody is left to tell
            log.warning("journal outlived its event loop")

    def _settle(self, settled: Sequence[_Settled]) -> None:
        for one in settled:
            self._owed -= not one.still_owed
            _resolve(one)
        self._on_commit()


def _resolve(one: _Settled) -> None:
    future = one.owed.future
    if future is None:
        if one.error is not None and not one.still_owed:
            log.error("journal refused an entry: %s", one.error)
    elif future.done():  # the waiter was cancelled
        return
    elif one.error is not None:
        future.set_exception(one.error)
    else:
        future.set_result(one.result)


def _write(connection: sqlite3.Connection, group: Sequence[_Owed[Any]]) -> list[_Settled]:
    # IMMEDIATE: a deferred transaction that reads and then writes ignores busy_timeout.
    connection.execute("BEGIN IMMEDIATE")
    try:
        settled = [_one(connection, owed) for owed in group]
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return settled


def _one(connection: sqlite3.Connection, owed: _Owed[Any]) -> _Settled:
    try:
        return _Settled(owed, owed.job(connection), None, still_owed=False)
    except _OWN_FAULT as error:
        return _Settled(owed, None, error, still_owed=False)
