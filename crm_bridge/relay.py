"""Carries the journal to the CRM store, in order, in batches. The only reader of what is pending.

The store being away costs nothing but time. An entry that can never go is found by halving its batch,
parked with the reason, and the rest flows. Deliveries may be doubled (a crash between the store's commit
and our mark): the store folds each entry once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from crm_bridge.fold import EntryRefused
from crm_bridge.journal import Journal, JournalError, Logged
from crm_bridge.pace import Pace
from crm_bridge.store import StoreAway

log = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 0.2, 10.0
# The first news after a quiet spell goes (almost) at once; while there is more, a batch gathers as `Pace` says, from
# LINGER_S to BETWEEN_S.
LINGER_S, BETWEEN_S = 0.03, 1.0
IDLE_S = 5.0  # look at least this often, whatever the journal says
PRUNE_EVERY_S = 600.0


class Sink(Protocol):
    async def apply(self, batch: Sequence[Logged]) -> None:
        """All or nothing. Raises StoreAway, EntryRefused."""


class Relay:
    """``linger_s``, ``between_s``: after news, how long a batch gathers before one commit, at least and at most.
    ``keep_s``: how long the journal remembers what the store has."""

    def __init__(
        self,
        journal: Journal,
        store: Sink,
        *,
        batch: int = 2000,
        linger_s: float = LINGER_S,
        between_s: float = BETWEEN_S,
        keep_s: float = 7 * 86400.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._journal, self._store = journal, store
        self._batch, self._keep_s = batch, keep_s
        self._pace = Pace(linger_s, between_s)
        self._clock, self._sleep = clock, sleep
        self._stopping = False
        self._idle = asyncio.Event()
        self._hurry = False
        self._outcomes = journal.outcomes  # of the journal's count: those that some batch has carried
        self._pruned_at = clock()

    async def run(self) -> None:
        """Until cancelled or stopped. A cancel at any point loses and doubles nothing."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                moved = await self.once()
                retry_s = FIRST_RETRY_S
            except (StoreAway, JournalError) as error:
                log.warning("CRM store away, trying again in %.1f s: %s", retry_s, error)
                await self._sleep(retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)
                continue
            if moved < self._batch:
                self._idle.set()
                if self._stopping:
                    return
                await self._rest()

    async def once(self) -> int:
        """Move one batch; returns how many entries left the queue (0: there were none).
        Raises StoreAway or JournalError; what was moved before stays moved."""
        began, count = self._clock(), self._journal.outcomes
        batch = await self._journal.unrelayed(self._batch)
        if batch:
            self._pace.batch(began, count - self._outcomes)
            self._outcomes = count
            await self._deliver(batch)
        return len(batch)

    async def drain(self, timeout_s: float) -> bool:
        """Wait until ``run`` has moved everything there is; False when time ran out. Raises
        JournalError."""
        self._hurry = True
        try:
            async with asyncio.timeout(timeout_s):
                while not await self._empty():
                    self._idle.clear()
                    self._journal.nudge()
                    await self._idle.wait()
        except TimeoutError:
            return False
        finally:
            self._hurry = False
        return True

    async def stop(self, timeout_s: float) -> bool:
        """Drain, then let ``run`` return. False: the rest stays in the journal for the next life."""
        drained = await self.drain(timeout_s)
        self._stopping = True
        self._hurry = True
        self._journal.nudge()
        return drained

    async def _empty(self) -> bool:
        backlog = await self._journal.backlog()
        return not backlog.unwritten and not backlog.pending

    async def _rest(self) -> None:
        await self._prune()
        if not await self._journal.growth(IDLE_S):
            return
        news_at = self._clock()
        due = self._due(news_at)
        while not self._hurry and (left_s := due - self._clock()) > 0:
            if await self._journal.outcome(left_s):
                due = min(due, self._due(news_at))

    def _due(self, news_at: float) -> float:
        return self._pace.due(news_at, self._clock(), self._journal.outcomes - self._outcomes)

    async def _prune(self) -> None:
        now = self._clock()
        if abs(now - self._pruned_at) < PRUNE_EVERY_S:
            return
        try:
            while await self._journal.prune(now - self._keep_s):
                pass
        except JournalError as error:
            log.warning("journal not pruned: %s", error)
        self._pruned_at = now

    async def _deliver(self, batch: Sequence[Logged]) -> None:
        try:
            await self._store.apply(batch)
        except EntryRefused as refused:
            await self._isolate(batch, refused)
        else:
            await self._journal.mark_relayed(logged.seq for logged in batch)

    async def _isolate(self, batch: Sequence[Logged], refused: EntryRefused) -> None:
        """Halve until the bad entry stands alone. Order is kept, so a call's entries still go in
        sequence."""
        if len(batch) == 1:
            await self._park(batch[0], str(refused))
            return
        half = len(batch) // 2
        await self._deliver(batch[:half])
        await self._deliver(batch[half:])

    async def _park(self, bad: Logged, reason: str) -> None:
        log.error("journal entry parked: %s", reason, extra={"call_id": bad.entry.call_id, "seq": bad.seq})
        await self._journal.park(bad.seq, reason)
