"""Who, for this call, now; and which call, for this agent, now.

An index of the calls that wait and the agents that could take one. Pure: no I/O, no clock, no chance.
Law of the calls: `acd.model.place_in_line` (the join time, moved by the priority), whatever queue they are in. Law of
the agents: the queue's strategy, then the extension. A refusal makes the pair each other's *last* choice, not a
forbidden one: ringing the same phone again is better than ringing none.

Direct calls, for one agent by name, stand in a side line of that agent's and in no bucket: whoever is not named in one
pays a look into an empty dictionary for them, and no class is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from typing import Generic, TypeVar

from sortedcontainers import SortedList

from acd.profiles import AgentClass, CallClass
from acd.strategies import ALL_STRATEGIES, BY_SKILL, IdleAgent, StrategyKey

CallOrder = tuple[float, float, str]  # (join time as priority moves it, joined_at, call_id); Unix seconds
AgentOrder = tuple[float, str]  # (strategy key, extension)

O = TypeVar("O", CallOrder, AgentOrder)  # noqa: E741
C = TypeVar("C", CallClass, AgentClass)

SCAN = 32  # classes looked at in order, beyond as many as fit, before only the fitting ones are compared
KEPT_EMPTY = 1024  # buckets


class Buckets(Generic[C, O]):
    """One ordered bucket for each class, and the classes in the order of their first members.
    A member's order ends in its id, so no two are equal and comparing never reaches the class."""

    def __init__(self) -> None:
        self._buckets: dict[C, SortedList] = {}
        self._firsts: dict[C, O] = {}  # of the buckets that are not empty
        self._heads = SortedList()  # the same, as (order, class)

    def add(self, of: C, order: O) -> None:
        bucket = self._buckets.get(of)
        if bucket is None:
            bucket = self._buckets[of] = SortedList()
        bucket.add(order)
        first = self._firsts.get(of)
        if first is None or order < first:
            self._new_first(of, order)

    def remove(self, of: C, order: O) -> None:
        bucket = self._buckets[of]
        bucket.remove(order)
        if self._firsts[of] == order:
            self._new_first(of, bucket[0] if bucket else None)
        if not bucket and len(self._buckets) > KEPT_EMPTY:
            del self._buckets[of]

    def _new_first(self, of: C, order: O | None) -> None:
        old = self._firsts.pop(of, None)
        if old is not None:
            self._heads.remove((old, of))
        if order is not None:
            self._firsts[of] = order
            self._heads.add((order, of))

    def first(self, fits: Callable[[C], bool], refused: Container[str], fitting: Collection[C] = ()) -> str | None:
        """The id of the first member of a fitting class: one not in ``refused`` if there is any.
        ``fitting``, where it is known, lists the classes that fit: it bounds the search of a rare one."""
        enough = SCAN + len(fitting) if fitting else len(self._heads)
        best: O | None = None
        last_choice: O | None = None
        for looked_at, (head, of) in enumerate(self._heads):
            if best is not None and best < head:
                break
            if looked_at >= enough:
                return self._first_of(fitting, refused)
            if not fits(of):
                continue
            if head[-1] not in refused:
                return str(head[-1] if best is None else min(best, head)[-1])
            last_choice = last_choice or head
            best = _earlier(best, self._first_willing(of, refused))
        chosen = best or last_choice
        return None if chosen is None else str(chosen[-1])

    def _first_of(self, fitting: Iterable[C], refused: Container[str]) -> str | None:
        """The same, by looking at the fitting classes only. Whose head is a refusal is looked into."""
        firsts = self._firsts
        heads = [(firsts[of], of) for of in fitting if of in firsts]
        if not heads:
            return None
        willing = [head if head[-1] not in refused else self._first_willing(of, refused) for head, of in heads]
        chosen = min((order for order in willing if order is not None), default=None)
        return str(chosen[-1] if chosen is not None else min(head for head, _ in heads)[-1])

    def _first_willing(self, of: C, refused: Container[str]) -> O | None:
        return next((order for order in self._buckets[of] if order[-1] not in refused), None)

    def in_order(self) -> Iterator[str]:
        """Every member's id, over all buckets."""
        return (order[-1] for order in self.orders())

    def orders(self) -> Iterator[O]:
        return merge(*self._buckets.values())

    def members(self, of: C) -> tuple[str, ...]:
        return tuple(order[-1] for order in self._buckets.get(of, ()))

    def classes(self) -> tuple[C, ...]:
        return tuple(self._firsts)

    def __bool__(self) -> bool:
        return bool(self._firsts)


def _earlier(one: O | None, other: O | None) -> O | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


@dataclass(frozen=True, slots=True)
class _Call:
    of: CallClass
    order: CallOrder
    refused: frozenset[str]  # extensions


@dataclass(frozen=True, slots=True)
class _Direct:
    order: CallOrder
    agent: str  # extension


@dataclass(frozen=True, slots=True)
class _Agent:
    of: AgentClass
    orders: Mapping[str, AgentOrder]  # one for each strategy


class Index:
    """Waiting calls and idle agents. Adding what is in, or removing what is not, changes the entry or
    nothing: the index is told facts, and a fact told twice is no error."""

    def __init__(self, strategies: Mapping[str, StrategyKey] = ALL_STRATEGIES) -> None:
        self._strategies = strategies
        self._calls: dict[str, _Call] = {}
        self._direct: dict[str, _Direct] = {}
        self._side_lines: dict[str, SortedList] = {}  # extension → orders of direct calls, never empty
        self._agents: dict[str, _Agent] = {}
        self._waiting: Buckets[CallClass, CallOrder] = Buckets()
        self._idle: dict[str, Buckets[AgentClass, AgentOrder]] = {name: Buckets() for name in strategies}
        self._refused: dict[str, set[str]] = {}  # extension → waiting calls it refused

    def add_call(self, order: CallOrder, of: CallClass, refused: Iterable[str] = ()) -> None:
        call_id = order[-1]
        self.remove_call(call_id)
        call = self._calls[call_id] = _Call(of, order, frozenset(refused))
        self._waiting.add(of, order)
        for extension in call.refused:
            self._refused.setdefault(extension, set()).add(call_id)

    def add_direct(self, order: CallOrder, agent: str) -> None:
        """A call for this agent (extension) alone."""
        call_id = order[-1]
        self.remove_call(call_id)
        self._direct[call_id] = _Direct(order, agent)
        self._side_lines.setdefault(agent, SortedList()).add(order)

    def remove_call(self, call_id: str) -> None:
        call = self._calls.pop(call_id, None)
        if call is None:
            self._remove_direct(call_id)
            return
        self._waiting.remove(call.of, call.order)
        for extension in call.refused:
            self._refused[extension].discard(call_id)

    def _remove_direct(self, call_id: str) -> None:
        call = self._direct.pop(call_id, None)
        if call is None:
            return
        line = self._side_lines[call.agent]
        line.remove(call.order)
        if not line:
            del self._side_lines[call.agent]

    def add_agent(self, agent: IdleAgent, of: AgentClass) -> None:
        self.remove_agent(agent.extension)
        orders = {name: (key(agent), agent.extension) for name, key in self._strategies.items()}
        self._agents[agent.extension] = _Agent(of, orders)
        for name, order in orders.items():
            self._idle[name].add(of, order)

    def remove_agent(self, extension: str) -> None:
        agent = self._agents.pop(extension, None)
        if agent is None:
            return
        for name, order in agent.orders.items():
            self._idle[name].remove(agent.of, order)

    def best_agent(self, call_id: str) -> str | None:
        """The extension to offer this waiting call to; None when nobody idle may serve it."""
        call = self._calls.get(call_id)
        if call is None:
            direct = self._direct.get(call_id)
            return direct.agent if direct is not None and direct.agent in self._agents else None
        idle = self._idle[call.of.strategy]
        if call.of.strategy in BY_SKILL:
            return self._best_skilled(idle, call)
        fitting = call.of.fitting
        return idle.first(fitting.__contains__, call.refused, fitting)

    def _best_skilled(self, idle: Buckets[AgentClass, AgentOrder], call: _Call) -> str | None:
        """The first willing agent of the best group that has one; the first of all when everybody has refused."""
        last_choice: str | None = None
        for group in call.of.by_skill():
            found = idle.first(group.__contains__, call.refused, group)
            if found is not None and found not in call.refused:
                return found
            last_choice = last_choice or found
        return last_choice

    def best_call(self, extension: str) -> str | None:
        """The call to offer this idle agent, over all queues; None when no waiting call is theirs."""
        agent = self._agents.get(extension)
        if agent is None:
            return None
        mine = agent.of
        refused = self._refused.get(extension, ())
        found = self._waiting.first(lambda calls: mine in calls.fitting, refused)
        line = self._side_lines.get(extension)
        return found if line is None else self._sooner(line[0], found, refused)

    def _sooner(self, direct: CallOrder, found: str | None, refused: Container[str]) -> str:
        """Of an agent's first direct call and the first of all others. One that they refused is their last choice."""
        if found is None or found in refused or direct < self._calls[found].order:
            return direct[-1]
        return found

    def direct_to(self, extension: str) -> tuple[str, ...]:
        """The calls that wait for this agent alone, in order."""
        return tuple(order[-1] for order in self._side_lines.get(extension, ()))

    def calls_in_order(self) -> Iterator[str]:
        if not self._direct:
            return self._waiting.in_order()
        direct = sorted(call.order for call in self._direct.values())
        return (order[-1] for order in merge(self._waiting.orders(), direct))

    def stranded(self) -> tuple[str, ...]:
        """The waiting calls that no staffed agent can ever serve as they stand."""
        lost = (of for of in self._waiting.classes() if not of.staffed())
        return tuple(call_id for of in lost for call_id in self._waiting.members(of))

    def has_idle(self) -> bool:
        return bool(self._agents)

    def is_idle(self, extension: str) -> bool:
        return extension in self._agents

    def is_waiting(self, call_id: str) -> bool:
        return call_id in self._calls or call_id in self._direct
