"""One tried call from the dialled number to its outcome. The walk is the engine's; the order around it is that of
`agi_scripts/call.py`, without Asterisk, router and journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crm_bridge.numbers import e164
from crm_bridge.outcome import Outcome
from hotline.site.site import Site
from hotline.trying.clock import VirtualClock
from hotline.trying.happening import CallLog, Happening, Kind
from hotline.trying.keypad import Doing, Keypad
from hotline.trying.prospects import prospects, step_after
from hotline.trying.reason import key_of, why
from hotline.trying.sayings import Sayings
from hotline.trying.terminal_voice import TerminalVoice
from hotline.trying.tried_world import TriedWorld
from ivr.flow.interpreter import CallerGone, CallState, HangUp, Leave, QueueFor, TransferTo, walk
from ivr.flow.model import Flow, Node
from ivr.flow.nodes.gather import GatherNode
from ivr.flow.outside import Outside
from ivr.flow.place import find_place
from ivr.flow.state import Kept
from ivr.media_source import tag


@dataclass(frozen=True, slots=True)
class Dialled:
    """``at``: aware. ``language``: the one in which the call begins."""

    number: str
    ani: str
    at: datetime
    language: str


class Cap(StrEnum):
    """Which of the flow's limits ended the walk."""

    STEPS = "steps"
    SECONDS = "seconds"
    QUEUES = "queues"


@dataclass(frozen=True, slots=True)
class CallEnd:
    """``cap``: the last limit that was hit on the way, which is a mistake of the flow or of the caller's patience."""

    outcome: Outcome
    lasted_s: float
    cap: Cap | None


class TriedCall:
    """Used once. ``hear`` gets each happening at once."""

    def __init__(
        self,
        site: Site,
        dialled: Dialled,
        keypad: Keypad,
        sayings: Sayings,
        hear: Callable[[Happening], None],
        outside: Outside | None = None,
    ) -> None:
        self._site = site
        self._dialled = dialled
        self._keypad = keypad
        self._clock = VirtualClock(dialled.at)
        self._log = CallLog(self._clock, hear)
        self._world = TriedWorld(site, self._clock, self._log, outside or Outside())
        self._voice = TerminalVoice(keypad, sayings, self._clock, self._log)
        marked = tag(dialled.number, site.numbers)
        self._state = CallState(
            dialled.language,
            call_id=f"{dialled.ani}/{dialled.number}",  # a caller draws the same lot in a test by shares each time
            dnis=dialled.number,
            country=site.country,
            source=marked.source,
            campaign=marked.campaign,
            on_node=self._enter,
            menu_left_s=site.menu_s,
            ani=e164(dialled.ani, site.country) or "",
            codes=site.languages,
            keep=self._keep,
            on_problem=lambda node, what: self._log.note(Kind.PROBLEM, node=node, what=what),
        )
        self._told = self._seen()
        self._talked = False  # with an agent, or outside: what comes after that changes no outcome
        self._left = ""  # the node before
        self._typed = ""
        self._cap: Cap | None = None
        self._steps = 0  # of this walk
        self._until = self._world.now()

    @property
    def _flow(self) -> Flow:
        """As the engine has it: a number that the site has not goes the way of its first one."""
        spec = self._site.numbers.get(self._dialled.number) or next(iter(self._site.numbers.values()))
        return self._site.flows[spec.flow]

    async def run(self) -> CallEnd:
        """Raises ScriptError when the script has something to do that cannot be done there."""
        self._note_dialled()
        node: str | None = None
        gave_up: Outcome | None = None
        while True:
            leave = await self._walk(node)
            if self._talked:
                return self._end(Outcome.ANSWERED)
            match leave:
                case CallerGone():
                    return self._end(self._reached or gave_up or Outcome.ABANDONED_IVR)
                case HangUp():
                    return self._end(self._reached or Outcome(leave.outcome))
                case QueueFor():
                    came_to = self._wait(leave)
                case TransferTo():
                    came_to = self._transfer(leave, self._reached or gave_up or Outcome.ABANDONED_IVR)
            self._talked = came_to is Outcome.ANSWERED
            gave_up = came_to if came_to is Outcome.TIMEOUT else gave_up
            way = {Outcome.ANSWERED: leave.after, Outcome.TIMEOUT: leave.then}.get(came_to)
            if way is None:
                return self._end(came_to)
            node = way

    @property
    def _reached(self) -> Outcome | None:
        return Outcome(self._state.reached) if self._state.reached else None

    async def _keep(self, kind: str, fields: Kept) -> None:
        self._log.note(Kind.KEPT, kept=kind, fields=dict(fields))

    def _note_dialled(self) -> None:
        dialled = self._dialled
        self._log.note(
            Kind.DIALLED,
            number=dialled.number,
            ani=dialled.ani,
            at=dialled.at.astimezone(self._site.timezone).isoformat(timespec="seconds"),
            known=dialled.number in self._site.numbers,
            source=self._state.source,
            campaign=self._state.campaign,
            flow=self._flow.name,
            language=dialled.language,
        )

    async def _walk(self, node: str | None) -> Leave:
        self._steps = 0
        self._until = self._world.now() + timedelta(seconds=min(self._flow.limits.seconds, self._state.menu_left_s))
        leave = await walk(self._flow, node, self._state, self._voice, self._world, self._site.flows)
        self._note_changes()
        if leave == HangUp("overflow") and self._state.queues > self._flow.limits.queues:
            self._cap = Cap.QUEUES
        return leave

    def _enter(self, node: str) -> None:
        """The interpreter enters the node at a place: what the last one has changed, and why the way leads here."""
        self._note_changes()
        self._steps += 1
        cap = self._cap_now()
        entered = self._node(node)
        self._log.note(Kind.NODE, node=node, kind=entered.kind, after=self._left, why=self._why(node, cap))
        self._log.secret = isinstance(entered, GatherNode) and entered.what == "pin"
        self._left = node
        self._cap = cap or self._cap

    def _node(self, place: str) -> Node:
        """Raises LookupError: the interpreter enters what is in the flows."""
        found = find_place(self._flow, self._site.flows, place)
        if found is None:
            raise LookupError(place)
        return found.flow.nodes[found.node]

    def _why(self, node: str, cap: Cap | None) -> str:
        if not self._left:
            return ""
        reason = why(self._node(self._left), node, self._log.here, self._typed)
        self._typed = key_of(self._log.here) or self._typed
        return reason if cap is None else f"the flow's limit of {cap.value} is reached"

    def _cap_now(self) -> Cap | None:
        """A node is entered after the limit only as the flow's default way."""
        if self._steps > self._flow.limits.steps:
            return Cap.STEPS
        return Cap.SECONDS if self._world.now() >= self._until else None

    def _variables(self) -> dict[str, str]:
        return {**self._state.attributes, "language": self._state.language}

    def _seen(self) -> dict[str, str]:
        """All that a node may have changed."""
        return {**self._state.texts, **self._variables(), "source": self._state.source}

    def _note_changes(self) -> None:
        now = self._seen()
        changed = {name: value for name, value in sorted(now.items()) if self._told.get(name) != value}
        if changed:
            self._log.note(Kind.SET, values=changed)
        self._told = now

    def _wait(self, wish: QueueFor) -> Outcome:
        """TIMEOUT when nobody came, or nobody could come; the flow may go on then."""
        queue, agents = self._site.queues[wish.queue], self._site.agent_specs.values()
        if wish.agent:
            return self._wait_for_one(wish)
        steps = prospects(queue, agents, wish.attributes)
        self._log.note(
            Kind.QUEUE,
            queue=wish.queue,
            priority=wish.priority,
            attributes=dict(sorted(wish.attributes.items())),
            max_wait_s=queue.max_wait_s,
            steps=[step.as_json() for step in steps],
        )
        act = self._keypad.in_queue()
        if act.doing is Doing.HANG_UP:
            return self._waited(Outcome.ABANDONED_QUEUE, "hung_up", 0.0)
        if act.doing is not Doing.ANSWER or act.after_s >= queue.max_wait_s:
            return self._waited(Outcome.TIMEOUT, "timed_out", queue.max_wait_s)
        able = steps[step_after(queue, agents, wish.attributes, act.after_s)].agents
        if not able:
            return self._waited(Outcome.TIMEOUT, "nobody_able", queue.max_wait_s)
        return self._waited(Outcome.ANSWERED, "answered", act.after_s, able)

    def _wait_for_one(self, wish: QueueFor) -> Outcome:
        max_wait_s = self._site.queues[wish.queue].max_wait_s if wish.wait_s is None else wish.wait_s
        self._log.note(
            Kind.QUEUE,
            queue=wish.queue,
            priority=wish.priority,
            attributes=dict(sorted(wish.attributes.items())),
            max_wait_s=max_wait_s,
            agent=wish.agent,
            steps=[],
        )
        if wish.agent not in self._site.agents:
            return self._waited(Outcome.TIMEOUT, "nobody_able", 0.0)
        act = self._keypad.in_queue()
        if act.doing is Doing.HANG_UP:
            return self._waited(Outcome.ABANDONED_QUEUE, "hung_up", 0.0)
        if act.doing is not Doing.ANSWER or act.after_s >= max_wait_s:
            return self._waited(Outcome.TIMEOUT, "timed_out", max_wait_s)
        return self._waited(Outcome.ANSWERED, "answered", act.after_s, (wish.agent,))

    def _transfer(self, wish: TransferTo, left: Outcome) -> Outcome:
        """``left``: the outcome for a caller who hangs up meanwhile."""
        self._log.note(Kind.TRANSFER, to=wish.outside, ring_s=wish.ring_s)
        act = self._keypad.in_queue()
        answered = act.doing is Doing.ANSWER and act.after_s < wish.ring_s
        hung_up = act.doing is Doing.HANG_UP
        rang_s = act.after_s if answered else 0.0 if hung_up else wish.ring_s
        self._clock.advance(rang_s)
        how = "answered" if answered else "hung_up" if hung_up else "timed_out"
        self._log.note(Kind.TRANSFER_END, how=how, rang_s=rang_s)
        return Outcome.ANSWERED if answered else left if hung_up else Outcome.TIMEOUT

    def _waited(self, outcome: Outcome, how: str, waited_s: float, able: tuple[str, ...] = ()) -> Outcome:
        self._clock.advance(waited_s)
        self._log.note(Kind.QUEUE_END, how=how, waited_s=waited_s, agents=list(able))
        return outcome

    def _end(self, outcome: Outcome) -> CallEnd:
        lasted_s = round(self._clock.passed_s, 3)
        self._log.note(
            Kind.END,
            outcome=outcome.value,
            lasted_s=lasted_s,
            source=self._state.source,
            campaign=self._state.campaign,
            variables=dict(sorted(self._variables().items())),
            path=list(self._state.path),
            cap=None if self._cap is None else self._cap.value,
            unused_keys=self._keypad.unused,
        )
        return CallEnd(outcome, lasted_s, self._cap)
