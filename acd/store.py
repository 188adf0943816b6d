"""The port behind which the state of queues and agents lives. The router owns this port.

A store keeps three things true, whatever the callers do and in whatever order they do it:
an agent has at most one offer, a call has at most one offer, and a step is taken only by who holds
the offer's token. Losing a race is normal and is answered with False / None, never with an exception.
What is written answers with the agent's new state, so that nobody has to work it out a second time.
`acd/memory.py` is the in-process twin; all face `tests/contracts/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from acd.model import AgentState, EngagementEvent, Miss, Offer, PresenceEvent, WaitingCall


class Store(Protocol):
    @property
    def instant(self) -> bool:
        """True: awaiting this store never suspends, so the router needs no lock and no task of its own."""

    async def join(self, call: WaitingCall) -> bool:
        """Put ``call`` among the waiting. False when that call_id is in already (nothing changes)."""

    async def leave(self, call_id: str) -> Offer | None:
        """Take the call out. Returns the offer it held, whose agent is *not* released by this."""

    async def claim(self, offer: Offer) -> AgentState | None:
        """IDLE → RESERVED for the offer's agent and "offered" for its call, both or neither.
        None when the agent is not available and idle, or the call is gone or offered already. Sets offered_at.
        An offer ``beside`` another needs that one to be the call's, and leaves it so: the call's own offer is the first
        of them until one is answered (`step`)."""

    async def step(
        self,
        offer: Offer,
        event: EngagementEvent,
        *,
        now: float,
        deadline: float | None,
        why: Miss = Miss.NO_ANSWER,
    ) -> AgentState | None:
        """Move the offer's agent along the engagement table; ``deadline`` (Unix s) belongs to the new state.
        MISS and WITHDRAW make the call waiting again if it is still in; a MISS counts one miss of the kind ``why`` and
        sets idle_since, a WITHDRAW does neither. END drops offer and call and sets the counts back to 0 (an ANSWER does
        not: who answers and hangs up before being joined to the caller has missed the call). An ANSWER beside the
        call's own offer takes its place; the agents of the others are *not* released by this, and none of them can
        answer any more.
        None when the token is not the one the agent holds, or the table has no such step: nothing
        changes. A call that has left and joined again under another offer is never touched by the old one."""

    async def wrap_up(self, extension: str, *, until: float) -> AgentState | None:
        """IDLE or WRAP_UP → WRAP_UP until then (Unix s): it is made longer, or an engine before us had begun it. None
        when the agent is with a call."""

    async def wrapped_up(self, extension: str, *, now: float) -> AgentState | None:
        """WRAP_UP → IDLE; the time since the answer is added to busy_s. None when the agent is not in wrap-up."""

    async def set_presence(
        self, extension: str, event: PresenceEvent, *, now: float, reason: str = ""
    ) -> AgentState | None:
        """Move presence along its table; None when the table has no such step (nothing changes). LOG_IN and
        READY set the misses back to 0 and, for an idle agent, idle_since to now."""

    async def agent(self, extension: str) -> AgentState:
        """The state; that of a logged-out agent for an extension never heard of."""

    async def agents(self) -> Sequence[AgentState]:
        """Every agent ever heard of."""

    async def waiting(self) -> Sequence[WaitingCall]:
        """The calls that have joined and hold no offer, in no particular order."""
