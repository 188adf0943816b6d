"""A small centre on paper: a router with a clock we turn by hand, and what it said and whom it woke."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from acd.events import AcdEvent, EventKind
from acd.memory import MemoryStore
from acd.model import AgentSpec, PhoneState, QueueSpec, StepSpec, WaitingCall
from acd.presence import MemoryPresenceBook
from acd.router import Router, RouterRules, Ticket
from acd.store import Store
from acd.strategies import StrategyKey

T = TypeVar("T")
START = 1_800_000_000.0


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that must not suspend even once."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise AssertionError("it suspended")


@dataclass
class HandClock:
    now: float = START

    def __call__(self) -> float:
        return self.now


def agent(extension: str, queues: Iterable[str] = ("sales",), **skills: int) -> AgentSpec:
    return AgentSpec(extension, f"Agent {extension}", skills, frozenset(queues))


def queue(name: str = "sales", *steps: StepSpec | str, **times: Any) -> QueueSpec:
    made = tuple(step if isinstance(step, StepSpec) else StepSpec(step) for step in steps or ("any",))
    return QueueSpec(name, made, **times)


@dataclass
class PaperCentre:
    """Everybody is logged out and every phone unreachable until `staff`."""

    agents: Iterable[AgentSpec] = (agent("1001"),)
    queues: Iterable[QueueSpec] = (queue(),)
    store: Store = field(default_factory=MemoryStore)
    rules: RouterRules = field(default_factory=RouterRules)
    book: MemoryPresenceBook = field(default_factory=MemoryPresenceBook)
    clock: HandClock = field(default_factory=HandClock)
    strategies: Mapping[str, StrategyKey] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.woken: list[Ticket] = []
        self.events: list[AcdEvent] = []
        self.specs: Mapping[str, AgentSpec] = {spec.extension: spec for spec in self.agents}
        self.router = Router(
            store=self.store,
            queues={spec.name: spec for spec in self.queues},
            agents=self.specs,
            wake=self.woken.append,
            clock=self.clock,
            reports=self.events.append,
            presence=self.book,
            rules=self.rules,
            strategies=self.strategies,
            is_closed=self.closed.__contains__,
        )

    def staff(self, *extensions: str) -> None:
        """Log these in (all of them, without a name), phones free; each idle a second longer than the next."""
        for extension in extensions or self.specs:
            self.router.phone(extension, PhoneState.FREE)
            at_once(self.router.log_in(extension))
            self.clock.now += 1

    def join(self, call_id: str, name: str = "sales", *, listening: bool = True, **more: Any) -> Ticket:
        call = WaitingCall(call_id, name, more.pop("joined_at", self.clock.now), **more)
        ticket = at_once(self.router.join(call))
        ticket.listening = listening
        return ticket

    def talk(self, ticket: Ticket) -> None:
        """From the offer to the conversation."""
        assert ticket.offer is not None
        assert at_once(self.router.ringing(ticket.offer))
        assert at_once(self.router.answered(ticket.offer))

    def hang_up(self, ticket: Ticket) -> None:
        assert ticket.offer is not None
        at_once(self.router.finished(ticket.offer))

    def pass_time(self, seconds: float) -> None:
        """Stop at every deadline on the way, as the clock's task does."""
        end = self.clock.now + seconds
        while (due := at_once(self.router.tick())) is not None and due <= end:
            self.clock.now = max(self.clock.now, due)
        self.clock.now = end

    def kinds(self, call_id: str | None = None) -> list[EventKind]:
        return [event.kind for event in self.events if call_id in (None, event.call_id)]
