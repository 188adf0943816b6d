"""One at a time, each to its end: the router's work as a row of turns.

Whatever a turn awaits, no other turn sees the half-done state, and a caller who is cancelled (hang-ups
cancel tasks all day) does not cancel the turn. With a store that never suspends a turn is a plain call:
no lock, no task, and the match it leads to happens in the event-loop turn that caused it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Turns:
    """``after`` is called at the end of each turn; ``failed`` first, when it raised: half of its work may be done."""

    def __init__(self, *, instant: bool, failed: Callable[[], None], after: Callable[[], None]) -> None:
        self._instant = instant
        self._failed = failed
        self._after = after
        self._lock = asyncio.Lock()
        self._running = False
        self._put_off: deque[Coroutine[Any, Any, None]] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def take(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` as a turn. Raises what it raises."""
        if self._instant:
            return await self._turn(work)
        return await asyncio.shield(self._task(self._locked(work)))

    def take_soon(self, work: Coroutine[Any, Any, None]) -> None:
        """For callers that cannot await. With an instant store the work is done on return, unless a turn
        is under way (a callback of it called us): then right after that turn."""
        if not self._instant:
            self._task(self._logged(self._locked(work)))
        elif self._running:
            self._put_off.append(work)
        else:
            _run_through(self._logged_turn(work))

    async def settled(self) -> None:
        """When every turn begun until now has ended."""
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    async def _turn(self, work: Coroutine[Any, Any, T]) -> T:
        result = await self._bracketed(work)
        while self._put_off:
            await self._logged(self._bracketed(self._put_off.popleft()))
        return result

    async def _bracketed(self, work: Coroutine[Any, Any, T]) -> T:
        self._running, whole = True, False
        try:
            result = await work
            whole = True
            return result
        finally:
            self._running = False
            if not whole:
                self._failed()
            self._after()

    async def _locked(self, work: Coroutine[Any, Any, T]) -> T:
        async with self._lock:
            return await self._bracketed(work)

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _logged_turn(self, work: Coroutine[Any, Any, None]) -> None:
        await self._logged(self._turn(work))

    async def _logged(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:  # the edge: nobody awaits this work
            log.exception("a turn of the router failed")


def _run_through(work: Coroutine[Any, Any, None]) -> None:
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("a store that calls itself instant has suspended")
