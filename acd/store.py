"""The port behind which the state of queues and agents lives. The router owns this port.

A store keeps three things true, whatever the callers do and in whatever order they do it:
an agent has at most one offer, a call has at most one offer, and a step is taken only by who holds
the offer's token. Losing a race is normal and is answered with False / None, never with an exception.
`acd/memory.py` is the in-process twin; both face `tests/contracts/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from acd.model import AgentState, EngagementEvent, Offer, PresenceEvent, WaitingCall


class Store(Protocol):
    async def join(self, call: WaitingCall) -> bool:
        """Put ``call`` among the waiting. False when that call_id is in already (nothing changes)."""

    async def leave(self, call_id: str) -> Offer | None:
        """Take the call out. Returns the offer it held, whose agent is *not* released by this."""

    async def claim(self, offer: Offer) -> bool:
        """IDLE → RESERVED for the offer's agent and "offered" for its call, both or neither.
        False when the agent is not available and idle, or the call is gone or offered already."""

    async def step(self, offer: Offer, event: EngagementEvent, *, now: float, deadline: float | None) -> bool:
        """Move the offer's agent along the engagement table; ``deadline`` belongs to the new state.
        A MISS makes the call waiting again and counts a miss for the agent (the router may reset it);
        an ANSWER resets the count; an END drops the offer and the call. False when the token is not the one
        the agent holds, or the table has no such step: nothing changes."""

    async def wrapped_up(self, extension: str, *, now: float) -> bool:
        """WRAP_UP → IDLE. False when the agent is not in wrap-up."""

    async def forgive(self, extension: str) -> None:
        """Set the count of misses back to 0 (a miss that was not the agent's doing, or a return)."""

    async def set_presence(
        self, extension: str, event: PresenceEvent, *, now: float, reason: str = ""
    ) -> AgentState | None:
        """Move presence along its table; None when the table has no such step (nothing changes)."""

    async def agent(self, extension: str) -> AgentState: ...

    async def agents(self) -> Sequence[AgentState]: ...

    async def waiting(self) -> Sequence[WaitingCall]:
        """The calls that have joined and hold no offer, in no particular order."""
