"""What a supervisor sees of agents and queues: values, copied at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acd.floor import Floor
from acd.line import Line
from acd.model import Engagement, PhoneState, Presence
from acd.tickets import Place


@dataclass(frozen=True, slots=True)
class AgentView:
    """``call_id`` and ``queue`` are "" when no call is with the agent. ``until``: Unix seconds by which the
    engagement ends at the latest. ``idle_since`` says something only of an idle agent who is logged in."""

    extension: str
    name: str
    presence: Presence
    pause_reason: str
    engagement: Engagement
    phone: PhoneState
    eligible: bool
    resting_until: float | None
    call_id: str
    queue: str
    until: float | None
    idle_since: float
    misses: int
    queues: tuple[str, ...]
    skills: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class QueueView:
    """Counts of now. ``staffed``: agents of the queue who are not logged out; ``idle``: those who could
    take a call at once; ``ringing``: its calls that are offered; ``talking``: its conversations. ``promises_kept``: of
    the waits foretold of late, the share that came true, 0-1; None while there are few."""

    name: str
    waiting: int
    longest_wait_s: float
    ringing: int
    talking: int
    staffed: int
    idle: int
    promises_kept: float | None = None


@dataclass(frozen=True, slots=True)
class CallView:
    """A call that waits or rings. ``waited_s`` from its join time; ``agent``: whose phone rings, or ''; ``kept_for``:
    the one agent who may take it now, or ''."""

    call_id: str
    queue: str
    priority: int
    waited_s: float
    step: int
    agent: str
    kept_for: str
    refused: tuple[str, ...]


def call_view(place: Place, now: float) -> CallView:
    call, offer = place.call, place.ticket.offer
    return CallView(
        call_id=call.call_id,
        queue=call.queue,
        priority=call.priority,
        waited_s=round(max(0.0, now - call.joined_at), 1),
        step=place.step,
        agent=offer.agent if offer is not None else "",
        kept_for=place.kept_for,
        refused=tuple(sorted(place.refused)),
    )


def agent_view(floor: Floor, extension: str) -> AgentView:
    state, spec = floor.state(extension), floor.specs[extension]
    return AgentView(
        extension=extension,
        name=spec.name,
        presence=state.presence,
        pause_reason=state.pause_reason,
        engagement=state.engagement,
        phone=floor.phone(extension),
        eligible=floor.eligible(extension),
        resting_until=floor.resting_until(extension),
        call_id=state.offer.call_id if state.offer else "",
        queue=state.offer.queue if state.offer else "",
        until=state.deadline,
        idle_since=state.idle_since,
        misses=state.misses.total,
        queues=tuple(sorted(spec.queues)),
        skills=dict(spec.skills),
    )


def queue_view(name: str, floor: Floor, line: Line, now: float, promises_kept: float | None = None) -> QueueView:
    waiting = [place.call.joined_at for place in line.of(name) if place.ticket.waits]
    states = [state for state in floor if name in floor.specs[state.extension].queues]
    offers = [(state.engagement, state.offer) for state in floor if state.offer is not None]
    mine = [engagement for engagement, offer in offers if offer.queue == name]
    talking = mine.count(Engagement.TALKING)
    return QueueView(
        name=name,
        waiting=len(waiting),
        longest_wait_s=max(0.0, now - min(waiting)) if waiting else 0.0,
        ringing=len(mine) - talking,
        talking=talking,
        staffed=sum(state.presence is not Presence.LOGGED_OUT for state in states),
        idle=sum(floor.eligible(state.extension) for state in states),
        promises_kept=promises_kept,
    )
