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
from heapq import merge
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from sortedcontainers import SortedList

from acd.profiles import AgentClass, CallClass
from acd.strategies import ALL_STRATEGIES, BY_SKILL, IdleAgent, StrategyKey

CallOrder = tuple[float, float, str]  # (join time as priority moves it, joined_at, call_id); Unix seconds
AgentOrder = tuple[float, str]  # (strategy key, extension)

O = TypeVar("O", CallOrder, AgentOrder)  # noqa: E741
C = TypeVar("C", CallClass, AgentClass)

FEW = 32  # classes: so many or fewer that fit are compared with one another; of more, the first in order is looked for
KEPT_EMPTY = 1024  # buckets


class Buckets(Generic[C, O]):
    """One ordered bucket for each class, and the classes in the order of their first members.
    A member's order ends in its id, so no two are equal and comparing never reaches the class."""

    def __init__(self) -> None:
        self._buckets: dict[C, SortedList] = {}
        self._firsts: dict[C, O] = {}  # of the buckets that are not empty
        self._heads: SortedList | None = None  # the same, as (order, class), as they were when last wanted
        self._moved: dict[C, O | None] = {}  # those whose first has changed since: class → its order in `_heads`

    def add(self, of: C, order: O) -> None:
        bucket = self._buckets.get(of)
        if bucket is None:
            bucket = self._made(of)
        bucket.add(order)
        first = self._firsts.get(of)
        if first is None or order < first:
            self._moves(of, first)
            self._firsts[of] = order

    def remove(self, of: C, order: O) -> None:
        bucket = self._buckets[of]
        if self._firsts[of] != order:
            bucket.remove(order)
            return
        self._moves(of, order)
        del bucket[0]
        if bucket:
            self._firsts[of] = bucket[0]
        else:
            del self._firsts[of]
            if len(self._buckets) > KEPT_EMPTY:
                self._dropped(of)

    def _made(self, of: C) -> SortedList:
        made = self._buckets[of] = SortedList()
        return made

    def _dropped(self, of: C) -> None:
        del self._buckets[of]

    def first(self, fitting: Collection[C], refused: Container[str]) -> O | None:
        """Of the members of these classes the first that is not in ``refused``; the first of all when all are."""
        if len(fitting) <= FEW:
            return self.least(fitting, refused)
        return self.look(fitting.__contains__, refused, fitting)

    def least(self, fitting: Iterable[C], refused: Container[str]) -> O | None:
        """The same, by comparing the classes' first members."""
        firsts = self._firsts
        least = min(filter(None, map(firsts.get, fitting)), default=None)
        if least is None or least[-1] not in refused:
            return least
        willing = (self._first_willing(of, refused) for of in fitting if of in firsts)
        return min(filter(None, willing), default=least)

    def look(self, fits: Callable[[C], bool], refused: Container[str], fitting: Collection[C] = ()) -> O | None:
        """The same, from the first class in order on: soon found when many classes fit. ``fitting``, where it is known,
        lists them: that bounds the search of a rare one."""
        enough = len(fitting) or len(self._firsts)
        best: O | None = None
        last_choice: O | None = None
        for looked_at, (head, of) in enumerate(self._in_order()):
            if best is not None and best < head:
                break
            if looked_at >= enough:
                return self.least(fitting, refused)
            if not fits(of):
                continue
            if head[-1] not in refused:
                return _earlier(best, head)
            last_choice = last_choice or head
            best = _earlier(best, self._first_willing(of, refused))
        return best or last_choice

    def _moves(self, of: C, before: O | None) -> None:
        """The first of this class is about to change. As long as everybody goes by `least`, it is not even noted."""
        if self._heads is None:
            return
        self._moved.setdefault(of, before)
        if 4 * len(self._moved) > len(self._firsts) + 16:  # from there on a new list is the cheaper one
            self._heads = None
            self._moved.clear()

    def _in_order(self) -> SortedList:
        """`_heads`, put right: out with the old firsts before the new ones come in, for a member may have changed its
        class, and orders are told apart by their members alone."""
        firsts, heads = self._firsts, self._heads
        if heads is None:
            heads = self._heads = SortedList((order, of) for of, order in firsts.items())
        moved = [(of, before, now) for of, before in self._moved.items() if before != (now := firsts.get(of))]
        for of, before, _ in moved:
            if before is not None:
                heads.remove((before, of))
        for of, _, now in moved:
            if now is not None:
                heads.add((now, of))
        self._moved.clear()
        return heads

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


class Waiting(Buckets[CallClass, CallOrder]):
    """The calls; and for each kind of agent that asked and may serve but a few classes with a bucket, which these are.
    A kind that may serve many finds one soon by looking, and so do the calls that are in a class of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._narrow: dict[AgentClass, set[CallClass]] = {}
        self._broad: set[AgentClass] = set()  # for good

    def first_for(self, agents: AgentClass, refused: Container[str]) -> CallOrder | None:
        if not self._firsts:
            return None
        if agents not in self._narrow and agents not in self._broad:
            self._tell(agents, islice((of for of in self._buckets if agents in of.fitting), FEW + 1))
        theirs = self._narrow.get(agents)
        if theirs is not None:
            return self.least(theirs, refused)
        return self.look(lambda of: agents in of.fitting, refused)

    def _tell(self, agents: AgentClass, more: Iterable[CallClass]) -> None:
        theirs = self._narrow.setdefault(agents, set())
        theirs.update(more)
        if len(theirs) > FEW:
            self._broad.add(agents)
            del self._narrow[agents]

    def _made(self, of: CallClass) -> SortedList:
        for agents in self._narrow.keys() & of.fitting:
            self._tell(agents, (of,))
        return super()._made(of)

    def _dropped(self, of: CallClass) -> None:
        for agents in self._narrow.keys() & of.fitting:
            self._narrow[agents].discard(of)
        super()._dropped(of)


class _Call(NamedTuple):
    of: CallClass
    order: CallOrder
    refused: frozenset[str]  # extensions


class _Direct(NamedTuple):
    order: CallOrder
    agent: str  # extension


class _Agent(NamedTuple):
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
        self._waiting = Waiting()
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
        found = idle.first(call.of.fitting, call.refused)
        return None if found is None else found[-1]

    def _best_skilled(self, idle: Buckets[AgentClass, AgentOrder], call: _Call) -> str | None:
        """The first willing agent of the best group that has one; the first of all when everybody has refused."""
        last_choice: AgentOrder | None = None
        for group in call.of.by_skill():
            found = idle.first(group, call.refused)
            if found is not None and found[-1] not in call.refused:
                return found[-1]
            last_choice = last_choice or found
        return None if last_choice is None else last_choice[-1]

    def best_call(self, extension: str) -> str | None:
        """The call to offer this idle agent, over all queues; None when no waiting call is theirs."""
        agent = self._agents.get(extension)
        if agent is None:
            return None
        refused = self._refused.get(extension, ())
        found = self._waiting.first_for(agent.of, refused)
        line = self._side_lines.get(extension)
        if line is not None:
            return self._sooner(line[0], found, refused)[-1]
        return None if found is None else found[-1]

    def _sooner(self, direct: CallOrder, found: CallOrder | None, refused: Container[str]) -> CallOrder:
        """Of an agent's first direct call and the first of all others. One that they refused is their last choice."""
        return direct if found is None or found[-1] in refused else min(direct, found)

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
