"""ewt: how far the wait that a caller is told is from the wait that comes, in virtual time, by the engine's own router.

Two centres. *Stationary*: Poisson arrivals, exponential conversations, always as many agents. With k callers before
them the wait is that of k + 1 departures (Erlang's law), whose mean nobody can know better: the floor foretells just
that, with the true length of a conversation, which hotline has to learn. *A day*: agents come and go every hour and the
load with them; the floor is the same with the agents of that moment, and like everybody knows nothing of the next hour.
Everybody is told as they join and once a minute from then on. app_queue announces the smoothed wait of those who were
answered last, less what the caller has waited, in whole minutes and without its sign (`recalc_holdtime` and
`say_position` of app_queue.c).

One sample is the root of the mean squared error over all that was announced in one run.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from math import fsum, sqrt

from acd.events import AcdEvent
from acd.memory import MemoryStore
from acd.model import AgentSpec, Offer, PhoneState, QueueSpec, StepSpec, WaitingCall
from acd.presence import MemoryPresenceBook
from acd.router import Router, Ticket
from bench.figures import Report, Target, report

CALLS = 3000  # of one stationary run
_RUNS, _SEED = 10, 20261123
_QUEUE, _TALK_S = "sales", 180.0
_AGENTS, _LOAD = 20, 0.9
_HOUR_S, _EVERY_S = 3600.0, 60.0
_DAY = (
    (6, 0.9),
    (10, 1.0),
    (16, 1.05),
    (20, 0.95),
    (24, 0.9),
    (20, 1.05),
    (12, 1.15),
    (18, 0.9),
    (24, 0.85),
    (14, 1.1),
)
_TARGETS = (
    Target("hotline, stationary", "floor, stationary", "mean", "at most", 1.1),
    Target("hotline, a day", "app_queue, a day", "mean", "at most", 0.5),
)


@dataclass(frozen=True, slots=True)
class Hour:
    """``agents`` from ``begins`` (s) on."""

    begins: float
    agents: int


@dataclass(frozen=True, slots=True)
class Foretold:
    """At one announcement, each peer's seconds from then on. ``real``: what came, filled in when it had."""

    at: float
    hotline: float
    app_queue: float
    floor: float
    real: float = 0.0


@dataclass
class Holdtime:
    """app_queue's, in whole seconds as there."""

    seconds: int = 0

    def hear(self, waited_s: float) -> None:
        self.seconds = (((self.seconds << 2) - self.seconds) + int(waited_s)) >> 2

    def announced_s(self, waited_s: float) -> float:
        return 60.0 * (abs(self.seconds + 30 - int(waited_s)) // 60)


@dataclass
class Centre:
    """A router whose clock is ours: ``arrivals`` and talks are drawn with ``chance``."""

    chance: random.Random
    hours: Sequence[Hour]
    now: float = 0.0
    holdtime: Holdtime = field(default_factory=Holdtime)
    found: list[Foretold] = field(default_factory=list)

    def __post_init__(self) -> None:
        most = max(hour.agents for hour in self.hours)
        self._agents = [str(1001 + n) for n in range(most)]
        self._woken: list[Ticket] = []
        self._serial = count()
        self._staffed = 0
        self._due: list[tuple[float, int, Offer | Ticket]] = []  # who hangs up, or is told again, when
        self._told: dict[str, list[Foretold]] = {}  # by the calls that wait
        self.router = Router(
            store=MemoryStore(),
            queues={_QUEUE: QueueSpec(_QUEUE, (StepSpec("any"),), wrap_up_s=0.0, max_wait_s=1e9)},
            agents={name: AgentSpec(name, name, {}, frozenset({_QUEUE})) for name in self._agents},
            wake=self._woken.append,
            clock=lambda: self.now,
            reports=_unheard,
            presence=MemoryPresenceBook(),
        )

    async def run(self, arrivals: Sequence[float]) -> list[Foretold]:
        """All that was announced."""
        changes = iter(self.hours)
        change = next(changes, None)
        for agent in self._agents:
            self.router.phone(agent, PhoneState.FREE)
        for arrived in arrivals:
            while change is not None and change.begins <= arrived:
                await self._until(change.begins)
                await self._staff(change.agents)
                change = next(changes, None)
            await self._until(arrived)
            await self._arrive()
        await self._until(float("inf"))
        return self.found

    async def _staff(self, agents: int) -> None:
        self._staffed = agents
        for place, agent in enumerate(self._agents):
            await (self.router.log_in(agent) if place < agents else self.router.log_out(agent))
            await self._answer()

    async def _until(self, at: float) -> None:
        while self._due and self._due[0][0] <= at:
            self.now, _, due = heappop(self._due)
            if isinstance(due, Offer):
                await self.router.finished(due)
                await self._answer()
            elif due.call_id in self._told:
                self._tell(due)
        self.now = at

    async def _arrive(self) -> None:
        ticket = await self.router.join(WaitingCall(f"c{next(self._serial)}", _QUEUE, self.now))
        ticket.listening = True
        if ticket.offer is not None:
            await self._talk(ticket)
            return
        self._told[ticket.call_id] = []
        self._tell(ticket)

    def _tell(self, ticket: Ticket) -> None:
        look = self.router.wait_look(ticket)
        assert look is not None  # noqa: S101 (for the type checker)
        app_queue = self.holdtime.announced_s(self.now - ticket.call.joined_at)
        floor = look.position * _TALK_S / self._staffed
        self._told[ticket.call_id].append(Foretold(self.now, look.expected_s, app_queue, floor))
        heappush(self._due, (self.now + _EVERY_S, next(self._serial), ticket))

    async def _answer(self) -> None:
        while self._woken:
            await self._talk(self._woken.pop())

    async def _talk(self, ticket: Ticket) -> None:
        assert ticket.offer is not None  # noqa: S101 (for the type checker)
        await self.router.ringing(ticket.offer)
        await self.router.answered(ticket.offer)
        heappush(self._due, (self.now + self.chance.expovariate(1 / _TALK_S), next(self._serial), ticket.offer))
        self.holdtime.hear(self.now - ticket.call.joined_at)
        self.found += [replace(told, real=self.now - told.at) for told in self._told.pop(ticket.call_id, ())]


def _unheard(_: AcdEvent) -> None:
    """Nothing here goes to a disk."""


def _arrivals(chance: random.Random, hours: Sequence[tuple[float, float]], rate_of: Sequence[float]) -> Iterator[float]:
    """``hours``: begin and end (s) of each stretch with its rate (calls a second)."""
    for (begins, ends), rate in zip(hours, rate_of, strict=True):
        at = begins + chance.expovariate(rate)
        while at < ends:
            yield at
            at += chance.expovariate(rate)


async def run(_: None, calls: int = CALLS) -> Report:
    samples: dict[str, list[float]] = {}
    announced = 0
    for seed in range(_SEED, _SEED + _RUNS):
        for name, found in (("stationary", await _stationary(seed, calls)), ("a day", await _day(seed))):
            announced += len(found)
            for peer in ("hotline", "app_queue", "floor"):
                samples.setdefault(f"{peer}, {name}", []).append(_error(found, peer))
    return report(
        "ewt",
        "error of the wait foretold, root of the mean square of a run",
        "s",
        samples,
        _TARGETS,
        notes=(
            f"{_RUNS} runs of each (seeds {_SEED} and on), {announced} announcements, one a minute to each who waits."
            f" Stationary: {calls} calls, {_AGENTS} agents, {_LOAD:.0%} load, {_TALK_S:g} s of talk, exponential."
            f" A day: {len(_DAY)} hours, {min(n for n, _ in _DAY)} to {max(n for n, _ in _DAY)} agents,"
            f" {min(load for _, load in _DAY):.0%} to {max(load for _, load in _DAY):.0%} load.",
            f"The floor is at {_shares(samples, 'stationary'):.2f}× app_queue where nothing changes, and on the day at"
            f" {_shares(samples, 'a day'):.2f}×: who does not know the shift plan gets no further.",
        ),
    )


async def _stationary(seed: int, calls: int) -> list[Foretold]:
    chance = random.Random(seed)
    rate = _LOAD * _AGENTS / _TALK_S
    arrivals = list(_arrivals(chance, [(0.0, calls / rate)], [rate]))
    return await Centre(chance, [Hour(0.0, _AGENTS)]).run(arrivals)


async def _day(seed: int) -> list[Foretold]:
    """The second of two: what there is to be learnt has been learnt."""
    chance = random.Random(seed)
    hours = [Hour(n * _HOUR_S, agents) for n, (agents, _) in enumerate(_DAY + _DAY)]
    stretches = [(hour.begins, hour.begins + _HOUR_S) for hour in hours]
    arrivals = list(_arrivals(chance, stretches, [load * agents / _TALK_S for agents, load in _DAY + _DAY]))
    found = await Centre(chance, hours).run(arrivals)
    return [told for told in found if told.at >= len(_DAY) * _HOUR_S]


def _shares(samples: Mapping[str, Sequence[float]], name: str) -> float:
    return fsum(samples[f"floor, {name}"]) / fsum(samples[f"app_queue, {name}"])


def _error(found: Sequence[Foretold], peer: str) -> float:
    return sqrt(fsum((getattr(one, peer) - one.real) ** 2 for one in found) / len(found))
