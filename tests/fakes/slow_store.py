"""A store that suspends before and after each step of its own, as one over a network does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from acd.memory import MemoryStore
from acd.model import AgentState, EngagementEvent, Miss, Offer, PresenceEvent, WaitingCall

T = TypeVar("T")


class SlowStore:
    """``pauses()``: how many event-loop turns the next wait takes. ``broken``: each call raises, before or (when
    ``late``) after it has been carried out, as a connection that breaks does."""

    def __init__(self, pauses: Callable[[], int] = lambda: 1) -> None:
        self.inner = MemoryStore()
        self.broken = self.late = False
        self._pauses = pauses

    @property
    def instant(self) -> bool:
        return False

    async def _slowly(self, step: Callable[[], Awaitable[T]]) -> T:
        await self._pause()
        if self.broken and not self.late:
            raise ConnectionError("the store is away")
        result = await step()
        await self._pause()
        if self.broken:
            raise ConnectionError("the store is away")
        return result

    async def _pause(self) -> None:
        for _ in range(self._pauses()):
            await asyncio.sleep(0)

    async def join(self, call: WaitingCall) -> bool:
        return await self._slowly(lambda: self.inner.join(call))

    async def leave(self, call_id: str) -> Offer | None:
        return await self._slowly(lambda: self.inner.leave(call_id))

    async def claim(self, offer: Offer) -> AgentState | None:
        return await self._slowly(lambda: self.inner.claim(offer))

    async def step(
        self,
        offer: Offer,
        event: EngagementEvent,
        *,
        now: float,
        deadline: float | None,
        why: Miss = Miss.NO_ANSWER,
    ) -> AgentState | None:
        return await self._slowly(lambda: self.inner.step(offer, event, now=now, deadline=deadline, why=why))

    async def wrap_up(self, extension: str, *, until: float) -> AgentState | None:
        return await self._slowly(lambda: self.inner.wrap_up(extension, until=until))

    async def wrapped_up(self, extension: str, *, now: float) -> AgentState | None:
        return await self._slowly(lambda: self.inner.wrapped_up(extension, now=now))

    async def set_presence(
        self, extension: str, event: PresenceEvent, *, now: float, reason: str = ""
    ) -> AgentState | None:
        return await self._slowly(lambda: self.inner.set_presence(extension, event, now=now, reason=reason))

    async def agent(self, extension: str) -> AgentState:
        return await self._slowly(lambda: self.inner.agent(extension))

    async def agents(self) -> Sequence[AgentState]:
        return await self._slowly(self.inner.agents)

    async def waiting(self) -> Sequence[WaitingCall]:
        return await self._slowly(self.inner.waiting)
