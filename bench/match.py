"""match: who, for this agent, now: exact decisions of `acd/matching.py` alone, without I/O, on one core.

A centre at its limit: everybody waits, an agent becomes free, gets the first call that is theirs, and another call
comes in. What is timed is all that the index is told and asked: the agent into it, the choice, both out of it, the new
call in. Who becomes free and what the new call asks for are drawn before, the bench's own books kept after.
When nothing that waits is theirs, whoever has waited longest hangs up: else a small centre is soon full of calls that
nobody there can serve, and to find nothing is cheap.
"""

from __future__ import annotations

import gc
import random
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from acd.matching import CallOrder, Index
from acd.profiles import AgentClass, CallClass, Profiles
from acd.requirement import Requirement
from acd.strategies import IdleAgent, chosen
from bench.children import BenchError
from bench.figures import Report, Target, percentile, report

DECISIONS = 60_000
_SKILLS, _REQUIREMENTS, _QUEUES, _SEED = 64, 300, 8, 7
_NAIVE = 40  # decisions: each looks at every call
_CHECKED = 1_000_000  # events, in a centre that is small enough to be asked by brute force
_LARGE, _SMALL, _BROAD = "100,000 x 10,000", "100 x 100", "with generalists"
_TARGETS = (
    Target("naive scan", _LARGE, "mean", "at least", 300),
    Target(_LARGE, _SMALL, "mean", "at most", 2),
    Target("20 µs", _LARGE, "mean", "at least", 1),
)


@asynccontextmanager
async def no_hall(work: Path) -> AsyncIterator[None]:
    yield None


@dataclass
class World:
    """``waiting``: call id → what the brute force needs. Calls and agents are drawn with a seed. ``broad``: of so many
    agents the first has every skill and every queue."""

    calls: int
    agents: int
    broad: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(_SEED))

    def __post_init__(self) -> None:
        self.index, self.profiles = Index(chosen({"longest_idle"})), Profiles()
        self.classes = [self._call_class() for _ in range(_REQUIREMENTS)]
        self.agents_of = [self._agent_class(n) for n in range(self.agents)]
        self.waiting: dict[str, tuple[CallOrder, CallClass]] = {}
        self._line: deque[str] = deque()  # as they came; who is not in `waiting` has left
        self.serial = 0
        for _ in range(self.calls):
            self.arrive()

    def _call_class(self) -> CallClass:
        skills = self.chance.sample(range(_SKILLS), 2)
        text = " and ".join(
            f"s{skill} >= {self.chance.choice((20, 40, 60, 80))}" for skill in skills[: self.chance.choice((1, 2))]
        )
        queue = f"q{self.chance.randrange(_QUEUES)}"
        return self.profiles.call_class(queue, "longest_idle", Requirement.parse(text).bind({}))

    def _agent_class(self, agent: int) -> AgentClass:
        """Of some hundred kinds of agent, as houses have them."""
        kind = random.Random(self.chance.randrange(200))
        skills = {f"s{skill}": kind.choice((30, 50, 70, 90)) for skill in kind.sample(range(_SKILLS), 8)}
        queues = frozenset(f"q{n}" for n in kind.sample(range(_QUEUES), 4))
        if self.broad and agent % self.broad == 0:
            skills, queues = {f"s{n}": 90 for n in range(_SKILLS)}, frozenset(f"q{n}" for n in range(_QUEUES))
        return self.profiles.agent_class(skills, queues)

    def caller(self) -> tuple[CallOrder, CallClass]:
        self.serial += 1
        at = float(self.serial)
        return (at - 120.0 * self.chance.choice((0, 0, 0, 1)), at, f"c{self.serial}"), self.chance.choice(self.classes)

    def someone(self) -> int:
        return self.chance.randrange(self.agents)

    def note(self, order: CallOrder, of: CallClass) -> None:
        self.waiting[order[-1]] = (order, of)
        self._line.append(order[-1])

    def arrive(self) -> None:
        order, of = self.caller()
        self.index.add_call(order, of)
        self.note(order, of)

    def step(self, call: str) -> None:
        """From now on it asks for something else, in its old place."""
        order, _ = self.waiting[call]
        of = self.chance.choice(self.classes)
        self.index.remove_call(call)
        self.index.add_call(order, of)
        self.waiting[call] = (order, of)

    def change_skills(self, agent: int) -> None:
        self.agents_of[agent] = self._agent_class(agent)

    def oldest(self) -> str:
        """Who has waited longest. Raises IndexError when nobody waits."""
        while self._line[0] not in self.waiting:
            self._line.popleft()
        return self._line[0]

    def naive(self, agent: int) -> str | None:
        mine = self.agents_of[agent]
        ours = (order for order, of in self.waiting.values() if of.fits(mine))
        best = min(ours, default=None)
        return None if best is None else best[-1]

    def free(self, agent: IdleAgent, of: AgentClass) -> str | None:
        """One decision, and both out of the index."""
        self.index.add_agent(agent, of)
        found = self.index.best_call(agent.extension)
        if found is not None:
            self.index.remove_call(found)
        self.index.remove_agent(agent.extension)
        return found


async def run(_: None, decisions: int = DECISIONS) -> Report:
    checked = _agrees(_CHECKED)
    large, small, broad = World(100_000, 10_000), World(100, 100), World(100_000, 10_000, broad=10)
    naive = _timed_naive(large)
    samples = {_LARGE: _timed(large, decisions), _SMALL: _timed(small, decisions), "naive scan": naive, "20 µs": [20.0]}
    aside = {_BROAD: _timed(broad, decisions)}
    worst = percentile(sorted(samples[_LARGE]), 99.9)
    mean = sum(samples[_LARGE]) / len(samples[_LARGE])
    return report(
        "match",
        "one exact decision, with the changes around it",
        "µs",
        samples,
        _TARGETS,
        aside=aside,
        notes=(
            f"waiting calls x agents; {_SKILLS} skills, {_REQUIREMENTS} requirements over {_QUEUES} queues; {decisions}"
            f" decisions each. {1e6 / mean:,.0f} decisions a second (wanted: 50,000, which is 20 µs); p99.9"
            f" {worst:.0f} µs (wanted: at most 200).",
            f"Equal to a brute-force search in {checked:,} random events (arrive, abandon, free, call taken, step,"
            " skills changed) in a centre of 60 calls and 40 agents, four of them generalists, decision by decision.",
            f"naive scan: every waiting call looked at, its fit worked out ({_NAIVE} decisions). {_BROAD}: one agent in"
            " ten can serve every call.",
        ),
    )


def _timed(world: World, decisions: int) -> list[float]:
    """µs of each."""
    gc.collect()
    gc.freeze()  # as the engine does
    clock, found = time.perf_counter, []
    for n in range(decisions):
        agent, caller, patient = world.someone(), world.caller(), world.oldest()
        idle, of = IdleAgent(str(agent), float(n)), world.agents_of[agent]
        began = clock()
        taken = world.free(idle, of)
        if taken is None:
            world.index.remove_call(patient)
        world.index.add_call(*caller)
        found.append(1e6 * (clock() - began))
        del world.waiting[patient if taken is None else taken]
        world.note(*caller)
    gc.unfreeze()
    return found


def _timed_naive(world: World) -> list[float]:
    found = []
    for _ in range(_NAIVE):
        agent = world.someone()
        began = time.perf_counter()
        expected = world.naive(agent)
        found.append(1e6 * (time.perf_counter() - began))
        _same(world, agent, expected, 0.0)
        if expected is not None:
            world.arrive()
    return found


def _agrees(events: int) -> int:
    """Raises BenchError where index and brute force differ."""
    world = World(60, 40, broad=10)
    for n in range(events):
        what = world.chance.random()
        if what < 0.2 and world.waiting:  # abandon
            gone = world.oldest()
            del world.waiting[gone]
            world.index.remove_call(gone)
        elif what < 0.25 and world.waiting:  # its next step
            world.step(world.oldest())
        elif what < 0.27:
            world.change_skills(world.someone())
        elif what < 0.6 and len(world.waiting) < 60:
            world.arrive()
        else:
            agent = world.someone()
            _same(world, agent, world.naive(agent), float(n))
    return events


def _same(world: World, agent: int, expected: str | None, at: float) -> None:
    """The index decides; raises BenchError when that is not ``expected``."""
    if world.free(IdleAgent(str(agent), at), world.agents_of[agent]) != expected:
        raise BenchError("a decision differs from the brute force's")
    if expected is not None:
        del world.waiting[expected]
