"""The store of one process: dictionaries. No method suspends, so each is atomic by nature.

It guards its promises all the same (tokens, tables), because the router must not be able to tell it from
a store that other processes write to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from acd.model import (
    AgentState,
    Engagement,
    EngagementEvent,
    IllegalTransition,
    Miss,
    Misses,
    Offer,
    PresenceEvent,
    WaitingCall,
    next_engagement,
    next_presence,
)

_RELEASES = frozenset({EngagementEvent.MISS, EngagementEvent.WITHDRAW, EngagementEvent.END})


class MemoryStore:
    @property
    def instant(self) -> bool:
        return True

    def __init__(self) -> None:
        self._agents: dict[str, AgentState] = {}
        self._calls: dict[str, WaitingCall] = {}
        self._offers: dict[str, Offer] = {}  # by call id

    async def join(self, call: WaitingCall) -> bool:
        if call.call_id in self._calls:
            return False
        self._calls[call.call_id] = call
        return True

    async def leave(self, call_id: str) -> Offer | None:
        self._calls.pop(call_id, None)
        return self._offers.pop(call_id, None)

    async def claim(self, offer: Offer) -> AgentState | None:
        state = self._agents.get(offer.agent)
        if state is None or not state.free:
            return None
        current = self._offers.get(offer.call_id)
        if offer.call_id not in self._calls or offer.beside != (current.token if current is not None else ""):
            return None
        if not offer.beside:
            self._offers[offer.call_id] = offer
        reserved = replace(state, engagement=Engagement.RESERVED, offer=offer, deadline=offer.deadline)
        return self._keep(replace(reserved, offered_at=offer.made_at))

    async def step(
        self,
        offer: Offer,
        event: EngagementEvent,
        *,
        now: float,
        deadline: float | None,
        why: Miss = Miss.NO_ANSWER,
    ) -> AgentState | None:
        state = self._agents.get(offer.agent)
        if state is None or not state.holds(offer):
            return None
        try:
            engagement = next_engagement(state.engagement, event)
        except IllegalTransition:
            return None
        if event is EngagementEvent.ANSWER and not self._take_over(offer):
            return None
        moved = replace(state, engagement=engagement, deadline=deadline)
        if event in _RELEASES:
            self._release(offer, event)
            moved = replace(moved, offer=None)
        return self._keep(_counted(moved, event, now, why))

    def _take_over(self, offer: Offer) -> bool:
        """False: another phone that rang for the call has been answered, or it is not offered like this any more."""
        current = self._offers.get(offer.call_id)
        if not offer.beside:
            return current is None or not current.beside
        if current is None or current.token != offer.beside:
            return False
        self._offers[offer.call_id] = offer
        return True

    def _release(self, offer: Offer, event: EngagementEvent) -> None:
        current = self._offers.get(offer.call_id)
        if current is None or current.token != offer.token:
            return  # the call has left; if it is in again, that is another stay
        del self._offers[offer.call_id]
        if event is EngagementEvent.END:
            self._calls.pop(offer.call_id, None)

    async def wrap_up(self, extension: str, *, until: float) -> AgentState | None:
        state = await self.agent(extension)
        try:
            engagement = next_engagement(state.engagement, EngagementEvent.WRAP_UP_MORE)
        except IllegalTransition:
            return None
        began = state.answered_at if state.engagement is Engagement.WRAP_UP else until  # no work of this log-in's
        return self._keep(replace(state, engagement=engagement, deadline=until, answered_at=began))

    async def wrapped_up(self, extension: str, *, now: float) -> AgentState | None:
        state = self._agents.get(extension)
        if state is None or state.engagement is not Engagement.WRAP_UP:
            return None
        busy_s = state.busy_s + max(0.0, now - state.answered_at)
        return self._keep(replace(state, engagement=Engagement.IDLE, deadline=None, idle_since=now, busy_s=busy_s))

    async def set_presence(
        self, extension: str, event: PresenceEvent, *, now: float, reason: str = ""
    ) -> AgentState | None:
        state = await self.agent(extension)
        try:
            presence = next_presence(state.presence, event)
        except IllegalTransition:
            return None
        moved = replace(state, presence=presence, pause_reason=reason if event is PresenceEvent.PAUSE else "")
        if event in (PresenceEvent.LOG_IN, PresenceEvent.READY):
            idle = state.engagement is Engagement.IDLE
            moved = replace(moved, misses=Misses(), idle_since=now if idle else state.idle_since)
        if event is PresenceEvent.LOG_IN:
            moved = replace(moved, logged_in_at=now, answered=0, busy_s=0.0)
        return self._keep(moved)

    async def agent(self, extension: str) -> AgentState:
        return self._agents.get(extension) or AgentState(extension)

    async def agents(self) -> Sequence[AgentState]:
        return list(self._agents.values())

    async def waiting(self) -> Sequence[WaitingCall]:
        return [call for call in self._calls.values() if call.call_id not in self._offers]

    def _keep(self, state: AgentState) -> AgentState:
        self._agents[state.extension] = state
        return state


def _counted(state: AgentState, event: EngagementEvent, now: float, why: Miss) -> AgentState:
    if event is EngagementEvent.MISS:
        return replace(state, deadline=None, idle_since=now, misses=state.misses.one_more(why))
    if event is EngagementEvent.WITHDRAW:
        return replace(state, deadline=None)
    if event is EngagementEvent.END:  # not ANSWER: who answers and hangs up before being joined has missed it
        return replace(state, misses=Misses(), answered=state.answered + 1)
    if event is EngagementEvent.ANSWER:
        return replace(state, answered_at=now)
    return state
