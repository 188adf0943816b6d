"""The nouns of the ACD, as frozen values, and the two tables of an agent's life.

Nothing here does I/O, reads a clock or draws a random number. Instants are Unix seconds (UTC, float)
made by one steady clock at the edge; durations are seconds and say so in their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from acd.overflow import OverflowRule


class IllegalTransition(Exception):
    """A state table was asked for a step it does not have. Nothing was changed."""


class Presence(StrEnum):
    """What the agent has decided: am I here for calls?"""

    LOGGED_OUT = "logged_out"
    AVAILABLE = "available"
    PAUSED = "paused"


class Engagement(StrEnum):
    """What the centre is doing with the agent. Independent of presence."""

    IDLE = "idle"
    RESERVED = "reserved"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"


class PhoneState(StrEnum):
    """What Asterisk says of the agent's phone."""

    UNREACHABLE = "unreachable"
    FREE = "free"
    RINGING = "ringing"
    BUSY = "busy"


class Miss(StrEnum):
    """Why an offer did not become a conversation."""

    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"  # the caller left, or nobody took the offer up: not the agent's doing


class PresenceEvent(StrEnum):
    LOG_IN = "log_in"
    LOG_OUT = "log_out"
    PAUSE = "pause"
    READY = "ready"


class EngagementEvent(StrEnum):
    RESERVE = "reserve"
    RING = "ring"
    ANSWER = "answer"
    MISS = "miss"  # counts against the agent (RONA)
    WITHDRAW = "withdraw"  # the offer is taken back: not the agent's doing, and costs them no place
    END = "end"  # the conversation is over, wrap-up follows
    WRAP_UP_MORE = "wrap_up_more"  # another end: the agent wants longer, or an engine before us had begun it
    WRAPPED_UP = "wrapped_up"


PRESENCE_TABLE: Mapping[tuple[Presence, PresenceEvent], Presence] = {
    (Presence.LOGGED_OUT, PresenceEvent.LOG_IN): Presence.AVAILABLE,
    (Presence.AVAILABLE, PresenceEvent.LOG_OUT): Presence.LOGGED_OUT,
    (Presence.AVAILABLE, PresenceEvent.PAUSE): Presence.PAUSED,
    (Presence.PAUSED, PresenceEvent.PAUSE): Presence.PAUSED,  # another reason
    (Presence.PAUSED, PresenceEvent.READY): Presence.AVAILABLE,
    (Presence.PAUSED, PresenceEvent.LOG_OUT): Presence.LOGGED_OUT,
}

ENGAGEMENT_TABLE: Mapping[tuple[Engagement, EngagementEvent], Engagement] = {
    (Engagement.IDLE, EngagementEvent.RESERVE): Engagement.RESERVED,
    (Engagement.RESERVED, EngagementEvent.RING): Engagement.RINGING,
    (Engagement.RESERVED, EngagementEvent.MISS): Engagement.IDLE,
    (Engagement.RESERVED, EngagementEvent.WITHDRAW): Engagement.IDLE,
    (Engagement.RINGING, EngagementEvent.ANSWER): Engagement.TALKING,
    (Engagement.RINGING, EngagementEvent.MISS): Engagement.IDLE,
    (Engagement.RINGING, EngagementEvent.WITHDRAW): Engagement.IDLE,
    (Engagement.TALKING, EngagementEvent.MISS): Engagement.IDLE,  # picked up, and gone before the two were joined
    (Engagement.TALKING, EngagementEvent.END): Engagement.WRAP_UP,
    (Engagement.IDLE, EngagementEvent.WRAP_UP_MORE): Engagement.WRAP_UP,
    (Engagement.WRAP_UP, EngagementEvent.WRAP_UP_MORE): Engagement.WRAP_UP,
    (Engagement.WRAP_UP, EngagementEvent.WRAPPED_UP): Engagement.IDLE,
}


def next_presence(state: Presence, event: PresenceEvent) -> Presence:
    """The presence after ``event``. Raises IllegalTransition where the table has no such row."""
    try:
        return PRESENCE_TABLE[state, event]
    except KeyError:
        raise IllegalTransition(f"presence {state}: no way on {event}") from None


def next_engagement(state: Engagement, event: EngagementEvent) -> Engagement:
    """The engagement after ``event``. Raises IllegalTransition where the table has no such row."""
    try:
        return ENGAGEMENT_TABLE[state, event]
    except KeyError:
        raise IllegalTransition(f"engagement {state}: no way on {event}") from None


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """An agent as the site describes them. ``skills`` maps skill name → level 0-100; a skill that is
    not in it is *undefined*: every comparison with it is false (Wazo's rule), it is not level 0."""

    extension: str
    name: str
    skills: Mapping[str, int]
    queues: frozenset[str]


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of a queue's relaxation: the requirement's text and how long it stands, in seconds
    (None: for the rest of the wait). As Amazon Connect's Steps[{Expression, Expiry}]."""

    require: str
    for_s: float | None = None


Preferred = Literal["owner", "last_agent"]  # whose account the caller is; with whom they have talked last


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A queue as the site describes it. Times in seconds. ``preferred``: which agents a
    call should rather have, the best first, and ``preferred_s``: how long it is kept for one, before the first step."""

    name: str
    steps: tuple[StepSpec, ...]
    offer_s: float = 15.0  # how long one phone rings
    wrap_up_s: float = 10.0
    max_wait_s: float = 600.0
    strategy: str = "longest_idle"
    preferred: tuple[Preferred, ...] = ()
    preferred_s: float = 15.0
    overflow: tuple[OverflowRule, ...] = ()
    service_level_s: float = 20.0  # a caller who is answered within it counts as served in time
    parallel: int = 1  # phones that ring at once for one call
    confirm: bool = False  # who picks up takes the call by a key


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call that asks for an agent.

    ``joined_at`` is the *original* join time: it survives an engine restart and a change of queue, and
    it alone gives the place in line. ``entered_at`` is when the call came into *this* queue: the queue's
    steps and its longest wait count from there (None: from ``joined_at``).
    ``priority``: the class (`place_in_line`); may be negative. ``attributes`` are the call variables a requirement may
    name (``$language``, ``$product``).

    ``agent``: the extension of the one agent who may take it, whatever the queue's steps ask for; such a *direct* call
    has its turn among all that this agent may serve, and gives up as soon as there is nobody to wait for.
    ``wait_s``: how long it may wait in this queue, instead of the queue's own longest wait.
    ``preferred``: extensions of agents whom the call should rather have, the best first: the first of them who is
    logged in has it to themselves for the queue's ``preferred_s``. ``been``: queues that it has left for another.
    ``returned``: it has its old place again, after a restart: it does not come in, and no rule for newcomers is for it.
    ``stays``: nobody hears the music, so the queue does not pass it on.
    """

    call_id: str
    queue: str
    joined_at: float
    priority: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    entered_at: float | None = None
    agent: str = ""
    wait_s: float | None = None
    preferred: tuple[str, ...] = ()
    been: frozenset[str] = frozenset()
    returned: bool = False
    stays: bool = False


def place_in_line(call: WaitingCall, class_s: float) -> tuple[float, float, str]:
    """What puts the waiting calls in order, over all queues: each priority class counts as ``class_s`` seconds waited
    longer. So a call of class 0 is passed by later ones of class p for p x class_s seconds at most, and never starves;
    the order of two calls never changes while they wait."""
    return (call.joined_at - class_s * call.priority, call.joined_at, call.call_id)


@dataclass(frozen=True, slots=True)
class Offer:
    """One call offered to one agent, under a token that no other offer ever had.

    Whoever acts on an offer names the token; an offer that has lapsed can change nothing.
    ``deadline``: Unix seconds by which the present state must have been left. ``beside``: the token of the call's own
    offer, when this is one more phone that rings for it; '' for the call's own.
    """

    token: str
    call_id: str
    agent: str  # the agent's extension
    queue: str
    step: int
    made_at: float
    deadline: float
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Misses:
    """Offers in a row that an agent did not take, counted apart by how they missed. A conversation ends the row."""

    no_answer: int = 0
    rejected: int = 0
    unreachable: int = 0

    def of(self, why: Miss) -> int:
        return int(getattr(self, why.value, 0))

    def one_more(self, why: Miss) -> Misses:
        """The same for WITHDRAWN, which is nobody's miss."""
        return self if why is Miss.WITHDRAWN else replace(self, **{why.value: self.of(why) + 1})

    @property
    def total(self) -> int:
        return self.no_answer + self.rejected + self.unreachable


@dataclass(frozen=True, slots=True)
class AgentState:
    """An agent as the store knows them. ``offer`` is set exactly when engagement is RESERVED, RINGING
    or TALKING. ``deadline`` (Unix s) is set for every engagement but IDLE. ``idle_since`` is the key
    of ``longest_idle``: the instant of the last change to IDLE, of the log-in or of the return from a
    pause, whichever is latest. An offer that was withdrawn leaves it alone. ``offered_at``: the last offer (Unix s, 0:
    none). ``answered``, ``busy_s``: conversations, and seconds in them and their wrap-ups, since ``logged_in_at``;
    ``answered_at`` of the one that is not wrapped up yet."""

    extension: str
    presence: Presence = Presence.LOGGED_OUT
    pause_reason: str = ""
    engagement: Engagement = Engagement.IDLE
    offer: Offer | None = None
    deadline: float | None = None
    idle_since: float = 0.0
    misses: Misses = Misses()  # RONA
    offered_at: float = 0.0
    logged_in_at: float = 0.0
    answered_at: float = 0.0
    answered: int = 0
    busy_s: float = 0.0

    @property
    def free(self) -> bool:
        """The store's half of being eligible; phone and rest are the router's."""
        return self.presence is Presence.AVAILABLE and self.engagement is Engagement.IDLE

    @property
    def occupancy(self) -> float:
        """The share of the time since the log-in, until the agent became idle, in which they were busy; 0-1."""
        there_s = self.idle_since - self.logged_in_at
        return min(1.0, self.busy_s / there_s) if there_s > 0 else 0.0

    def holds(self, offer: Offer) -> bool:
        return self.offer is not None and self.offer.token == offer.token
