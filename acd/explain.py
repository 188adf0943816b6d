"""Why this agent, and why not the others: every decision about a call, with each agent's reasons at that moment.

Worked out of the event log after the fact (`acd/replay.py`), so that a decision costs nothing but its event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from acd.events import AcdEvent, EventKind
from acd.floor import idle_agent
from acd.model import AgentSpec, AgentState, Engagement, PhoneState, Presence, StepSpec, place_in_line
from acd.replay import Replay, Standing
from acd.requirement import BoundRequirement, Requirement
from acd.strategies import ALL_STRATEGIES, BY_SKILL

_LOOKED_AT = (EventKind.QUEUED, EventKind.STEP_BEGUN, EventKind.OFFERED)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an agent is out. ``until``: Unix seconds at which it ends by itself, where it does."""

    what: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """``out`` is empty for one who could have taken the call. They are chosen among by ``keys``, the smallest first."""

    extension: str
    name: str
    out: tuple[Reason, ...]
    keys: tuple[tuple[str, float | str], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """``agent``: who was offered the call; "" where it went on waiting. ``place``: in the line of all queues."""

    event: AcdEvent
    agent: str
    queue: str
    step: int
    requirement: str
    kept_for: str
    place: int  # from 1
    candidates: tuple[Candidate, ...]


Told = AcdEvent | Decision


def explain(events: Iterable[AcdEvent], call_id: str) -> Iterator[Told]:
    """What happened to the call, event by event; a `Decision` in place of each event at which somebody was chosen, or
    nobody was there to choose."""
    replay = Replay()
    waits: Decision | None = None
    for event in events:
        mine = event.call_id == call_id
        if mine and waits is not None and event.kind is not EventKind.OFFERED:
            yield waits
        if mine:
            waits = None
        if mine and event.kind is EventKind.OFFERED:
            yield decision(replay, event)
        replay.hear(event)
        if mine and event.kind in _LOOKED_AT[:2]:
            yield event
            waits = decision(replay, event)
        elif mine and event.kind is not EventKind.OFFERED:
            yield event
    if waits is not None:
        yield waits


def decision(replay: Replay, event: AcdEvent) -> Decision:
    """About the event's call, as things stand in ``replay`` now. An offer's own event must not have been heard yet."""
    standing = replay.line[event.call_id]
    offered = event.kind is EventKind.OFFERED
    step = int(str(event.fields["step"])) if offered else standing.step
    kept_for = str(event.fields["kept_for"]) if offered else standing.kept_for
    text = _step(replay, standing, step).require
    bound = Requirement.parse(text).bind(standing.call.attributes)
    candidates = [_candidate(replay, spec, standing, bound, kept_for) for spec in replay.setup.agents.values()]
    candidates.sort(key=lambda one: (bool(one.out), [value for _, value in one.keys], one.extension))
    return Decision(
        event,
        event.agent if offered else "",
        standing.call.queue,
        step,
        text,
        kept_for,
        _place(replay, standing),
        tuple(candidates),
    )


def _step(replay: Replay, standing: Standing, step: int) -> StepSpec:
    steps = replay.setup.queues[standing.call.queue].steps
    return steps[step] if step < len(steps) else StepSpec("any")


def _place(replay: Replay, standing: Standing) -> int:
    class_s = replay.setup.priority_class_s
    mine = place_in_line(standing.call, class_s)
    return 1 + sum(place_in_line(other.call, class_s) < mine for other in replay.line.values())


def _candidate(
    replay: Replay, spec: AgentSpec, standing: Standing, bound: BoundRequirement, kept_for: str
) -> Candidate:
    out = [*_unfit(spec, standing, bound, kept_for), *_away(replay, spec.extension)]
    keys = () if out else _keys(replay, spec, standing, bound, kept_for)
    return Candidate(spec.extension, spec.name, tuple(out), tuple(keys))


def _unfit(spec: AgentSpec, standing: Standing, bound: BoundRequirement, kept_for: str) -> Iterator[Reason]:
    """A call that is kept for one agent asks nothing else of them."""
    if kept_for:
        if spec.extension != kept_for:
            yield Reason(f"the call is kept for {kept_for}")
        return
    if standing.call.queue not in spec.queues:
        yield Reason(f"not in queue {standing.call.queue}")
    for what in bound.lacking(spec.skills):
        yield Reason(what)


def _away(replay: Replay, extension: str) -> Iterator[Reason]:
    """Nothing more is told of somebody who is not logged in."""
    state, floor = replay.floor.state(extension), replay.floor
    if state.presence is Presence.LOGGED_OUT:
        yield Reason("logged out")
        return
    if state.presence is Presence.PAUSED:
        yield Reason(f"paused ({state.pause_reason})")
    if state.engagement is not Engagement.IDLE:
        yield _engaged(state)
    elif floor.phone(extension) is not PhoneState.FREE:
        yield Reason(f"phone {floor.phone(extension).value}")
    rest = floor.resting_until(extension)
    if rest is not None:
        yield Reason("rests after a missed call", rest)


def _engaged(state: AgentState) -> Reason:
    if state.engagement is Engagement.WRAP_UP:
        return Reason("wrap-up", state.deadline)
    call = state.offer.call_id[:8] if state.offer is not None else ""
    return Reason(f"{state.engagement.value} with {call}")


def _keys(
    replay: Replay, spec: AgentSpec, standing: Standing, bound: BoundRequirement, kept_for: str
) -> Iterator[tuple[str, float | str]]:
    """The strategy's order, in the order in which it compares."""
    if kept_for:
        return
    strategy = replay.setup.queues[standing.call.queue].strategy
    yield "refused before", float(spec.extension in standing.refused)
    if strategy in BY_SKILL:
        yield "skill", -float(sum(spec.skills.get(name, 0) for name in bound.skills))
    if strategy in ALL_STRATEGIES:
        yield strategy, ALL_STRATEGIES[strategy](idle_agent(replay.floor.state(spec.extension)))
