"""How a walk through a flow ends, and how one node hands over to the next. Endings are values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# The outcomes that a flow may give a call; the rest are for whoever runs the queue to tell.
HangUpOutcome = Literal["self_served", "rejected", "timeout", "overflow"]


@dataclass(frozen=True, slots=True)
class QueueFor:
    """The caller is to wait for an agent. ``attributes`` bind the queue's requirement (``$language``).
    ``then``: the node to go on with when the queue gave up; None: the flow has nothing more to say. ``after``: the node
    for a caller who is still there when the agent has hung up. ``agent``: the extension of the one agent who may take
    the call, under the queue's rules; ``wait_s``: how long the caller waits instead of the queue's own limit.
    ``overflow``: the node to go on with when the queue passes the call on to the flow; None: ``then``. ``preferred``:
    agents whom the caller should rather have."""

    queue: str
    priority: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    then: str | None = None
    after: str | None = None
    agent: str = ""
    wait_s: float | None = None
    overflow: str | None = None
    preferred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransferTo:
    """To one of the site's listed outside numbers, by its name. ``then``: the node when nobody there took the call;
    ``after``: when they have hung up and the caller is still there."""

    outside: str
    ring_s: float
    then: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """The flow is done with the caller. ``outcome`` is the word for the call's record."""

    outcome: HangUpOutcome = "self_served"


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller hung up, or the line to Asterisk is cut."""


@dataclass(frozen=True, slots=True)
class GoTo:
    """Inside a walk: on to this node."""

    node: str


@dataclass(frozen=True, slots=True)
class Enter:
    """Inside a walk: into the sub-flow ``flow``, at its start."""

    flow: str


@dataclass(frozen=True, slots=True)
class Return:
    """Inside a walk: the sub-flow is done; back to the node that entered it, with ``result``."""

    result: str


Leave = QueueFor | TransferTo | HangUp | CallerGone
Step = GoTo | Enter | Return | Leave
