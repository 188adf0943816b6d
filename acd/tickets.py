"""A call's place in line: the half its coroutine sees (Ticket) and the router's own half (Place)."""

from __future__ import annotations

from dataclasses import dataclass, field

from acd.model import Offer, WaitingCall
from acd.overflow import Onward


@dataclass(eq=False, slots=True)
class Ticket:
    """What a call's coroutine holds while it waits. It looks, before and after each time it listens:

    ``offer``      an agent is reserved; ring them, or the offer lapses at its deadline
    ``timed_out``  the longest wait is reached: no offer will come any more
    ``onward``     the call is to leave this queue, for another one or for what the flow says; no offer comes any more
    ``closed``     the call is out of the ACD: it left, was talked to, or joined again under another ticket

    The coroutine itself sets ``listening`` while it is in an AGI command that a wake interrupts; only then
    is it woken. ``tag`` is the owner's (the channel's name): the router never reads it.
    """

    call: WaitingCall
    tag: str = ""
    offer: Offer | None = None
    listening: bool = False
    timed_out: bool = False
    onward: Onward | None = None
    closed: bool = False

    @property
    def call_id(self) -> str:
        return self.call.call_id

    @property
    def waits(self) -> bool:
        """Nothing has come of the wait yet."""
        return self.offer is None and not self.timed_out and self.onward is None and not self.closed


@dataclass(eq=False, slots=True)
class Place:
    """Where the call stands on its queue's ladder, since when (Unix s), and what happened to its offers."""

    ticket: Ticket
    step: int
    step_since: float
    wait_until: float  # the queue's longest wait (Unix s)
    lapses: int = 0  # offers in a row that nobody took up
    out_until: float = 0.0  # sits out until then (Unix s)
    refused: set[str] = field(default_factory=set)  # extensions
    beside: list[Offer] = field(default_factory=list)  # other phones that ring with the ticket's
    preferred: str = ""  # the agent for whom it is kept, until `preferred_until` (Unix s)
    preferred_until: float = 0.0

    @property
    def call(self) -> WaitingCall:
        return self.ticket.call

    @property
    def entered_at(self) -> float:
        """When it came into this queue (Unix s)."""
        call = self.call
        return call.joined_at if call.entered_at is None else call.entered_at

    @property
    def kept_for(self) -> str:
        """The one agent who may take it now; '' when whoever fits may."""
        return self.call.agent or self.preferred
