"""The floor and the line once more, as they stood at each event of the log. Pure: it acts on nothing, and needs nothing
but the events from a ``setup`` on, in order.

The agents' states are made by the store's and the floor's own rules, not by a second set of them.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from acd.deadlines import Deadlines
from acd.events import AcdEvent, EventKind
from acd.floor import Floor
from acd.matching import Index
from acd.memory import MemoryStore
from acd.model import AgentState, EngagementEvent, Miss, Offer, PhoneState, PresenceEvent, WaitingCall
from acd.profiles import Profiles
from acd.setup import Setup, unpacked

T = TypeVar("T")

_NOTHING = Setup({}, {}, 0.0)


@dataclass(slots=True)
class Standing:
    """A call in line. ``refused``: extensions that have missed it; ``kept_for``: as of its last offer."""

    call: WaitingCall
    step: int = 0
    refused: set[str] = field(default_factory=set)
    kept_for: str = ""


class Replay:
    """``hear`` every event in order; between two of them look at ``floor``, ``setup`` and ``line`` (by call id)."""

    def __init__(self) -> None:
        self._begin(_NOTHING)

    def _begin(self, setup: Setup) -> None:
        self.setup = setup
        self._store = MemoryStore()
        self.floor = Floor(setup.agents, Profiles(), Index({}), Deadlines())
        self.line: dict[str, Standing] = {}

    def hear(self, event: AcdEvent) -> None:
        match event.kind:
            case EventKind.SETUP:
                self._begin(unpacked(event.fields))
            case EventKind.PHONE if event.agent in self.floor:
                self.floor.hear(event.agent, PhoneState(str(event.fields["state"])))
            case EventKind.REST if event.agent in self.floor:
                self.floor.rest(event.agent, _instant(event.fields["until"]))
            case EventKind.QUEUED | EventKind.STEP_BEGUN | EventKind.QUEUE_LEFT:
                self._of_call(event)
            case _ if event.agent in self.floor:
                self._of_agent(event)

    def _of_call(self, event: AcdEvent) -> None:
        fields, call_id = event.fields, event.call_id
        if event.kind is EventKind.QUEUED:
            call = _call(event)
            _at_once(self._store.join(call))
            self.line[call_id] = Standing(call, kept_for=str(fields["kept_for"]))
        elif event.kind is EventKind.STEP_BEGUN and call_id in self.line:
            self.line[call_id].step = _whole(fields["step"])
        elif event.kind is EventKind.QUEUE_LEFT:
            _at_once(self._store.leave(call_id))
            self.line.pop(call_id, None)

    def _of_agent(self, event: AcdEvent) -> None:
        state = self._moved(event)
        if state is not None:
            self.floor.note(state)

    def _moved(self, event: AcdEvent) -> AgentState | None:
        fields, at = event.fields, event.at
        match event.kind:
            case EventKind.AGENT_PRESENCE:
                change, reason = PresenceEvent(str(fields["change"])), str(fields["reason"])
                return _at_once(self._store.set_presence(event.agent, change, now=at, reason=reason))
            case EventKind.WRAP_UP_UNTIL:
                return _at_once(self._store.wrap_up(event.agent, until=_instant(fields["until"]) or at))
            case EventKind.WRAP_UP_ENDED:
                return _at_once(self._store.wrapped_up(event.agent, now=at))
            case EventKind.OFFERED:
                return self._claimed(event)
            case EventKind.RINGING:
                return self._stepped(event, EngagementEvent.RING, _instant(fields["deadline"]))
            case EventKind.ANSWERED:
                return self._stepped(event, EngagementEvent.ANSWER, _instant(fields["deadline"]))
            case EventKind.OFFER_MISSED:
                return self._missed(event, Miss(str(fields["why"])))
            case EventKind.OFFER_LAPSED:
                return self._stepped(event, EngagementEvent.WITHDRAW, None)
            case EventKind.TALK_ENDED:
                self.line.pop(event.call_id, None)
                return self._stepped(event, EngagementEvent.END, at + float(str(fields["wrap_up_s"])))
        return None

    def _claimed(self, event: AcdEvent) -> AgentState | None:
        standing = self.line.get(event.call_id)
        if standing is not None and not event.fields.get("beside"):
            standing.step = _whole(event.fields["step"])
            standing.kept_for = str(event.fields["kept_for"])
        return _at_once(self._store.claim(_offer(event)))

    def _missed(self, event: AcdEvent, why: Miss) -> AgentState | None:
        if why is Miss.WITHDRAWN:
            return self._stepped(event, EngagementEvent.WITHDRAW, None)
        if event.call_id in self.line:
            self.line[event.call_id].refused.add(event.agent)
        return self._stepped(event, EngagementEvent.MISS, None, why)

    def _stepped(
        self, event: AcdEvent, change: EngagementEvent, deadline: float | None, why: Miss = Miss.NO_ANSWER
    ) -> AgentState | None:
        offer = self.floor.state(event.agent).offer
        if offer is None or offer.token != event.fields["token"]:
            return None
        return _at_once(self._store.step(offer, change, now=event.at, deadline=deadline, why=why))


def _call(event: AcdEvent) -> WaitingCall:
    fields: Any = event.fields
    return WaitingCall(
        event.call_id,
        event.queue,
        fields["joined_at"],
        fields["priority"],
        fields["attributes"],
        fields["entered_at"],
        returned=fields["returned"],
    )


def _offer(event: AcdEvent) -> Offer:
    fields: Any = event.fields
    return Offer(
        fields["token"],
        event.call_id,
        event.agent,
        event.queue,
        fields["step"],
        event.at,
        fields["deadline"],
        fields.get("beside", ""),
    )


def _instant(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: object) -> int:
    return int(str(value))


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """What the store in memory answers; it never suspends."""
    try:
        work.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    raise RuntimeError("the store in memory has suspended")
