"""The index against the plainest way to say the same: look at everybody, take the smallest."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd import matching
from acd.matching import AgentOrder, Buckets, CallOrder, Index
from acd.profiles import AgentClass, CallClass, Profiles
from acd.requirement import Requirement
from acd.strategies import ALL_STRATEGIES, BY_SKILL, IdleAgent, UnknownStrategy, chosen

QUEUES = ("sales", "service")
TEXTS = ("any", "laptop", "laptop >= 50", "printer and not laptop > 80", "laptop < 50 or printer")
CALLS = tuple(f"c{n}" for n in range(12))
EXTENSIONS = tuple(f"10{n:02}" for n in range(12))


@dataclass
class Everybody:
    """The oracle: no index, no cache, no order kept."""

    calls: dict[str, tuple[CallOrder, CallClass, frozenset[str]]] = field(default_factory=dict)
    direct: dict[str, tuple[CallOrder, str]] = field(default_factory=dict)
    agents: dict[str, tuple[IdleAgent, AgentClass]] = field(default_factory=dict)

    def best_agent(self, call_id: str) -> str | None:
        if call_id in self.direct:
            named = self.direct[call_id][1]
            return named if named in self.agents else None
        _, of, refused = self.calls[call_id]
        key = ALL_STRATEGIES[of.strategy]
        asked = of.requirement.skills if of.strategy in BY_SKILL else ()
        ranked = [
            (
                agent.extension in refused,
                -sum(agents.skills.get(name, 0) for name in asked),
                key(agent),
                agent.extension,
            )
            for agent, agents in self.agents.values()
            if of.fits(agents)
        ]
        return min(ranked)[-1] if ranked else None

    def best_call(self, extension: str) -> str | None:
        _, agents = self.agents[extension]
        ranked = [(extension in refused, order) for order, of, refused in self.calls.values() if of.fits(agents)]
        ranked += [(False, order) for order, named in self.direct.values() if named == extension]
        return min(ranked)[-1][-1] if ranked else None


ADD_CALL = st.tuples(
    st.just("call"),
    st.sampled_from(CALLS),
    st.sampled_from(QUEUES),
    st.sampled_from(TEXTS),
    st.sampled_from(sorted(ALL_STRATEGIES)),
    st.integers(0, 2),  # priority
    st.integers(0, 4),  # joined_at: ties are wanted
    st.frozensets(st.sampled_from(EXTENSIONS), max_size=6),
)
ADD_AGENT = st.tuples(
    st.just("agent"),
    st.sampled_from(EXTENSIONS),
    st.frozensets(st.sampled_from(QUEUES), min_size=1),
    st.dictionaries(st.sampled_from(["laptop", "printer"]), st.sampled_from([0, 40, 50, 90])),
    st.integers(0, 4),
)
ADD_DIRECT = st.tuples(
    st.just("direct"),
    st.sampled_from(CALLS),
    st.integers(0, 2),
    st.integers(0, 4),
    st.sampled_from((*EXTENSIONS[:4], "nobody")),
)
GONE = st.tuples(st.just("gone"), st.sampled_from(CALLS + EXTENSIONS))


@pytest.mark.parametrize(("few", "kept_empty"), [(0, 1024), (2, 1), (2, 1024), (32, 1), (32, 1024)])
@settings(max_examples=150)
@given(changes=st.lists(st.tuples(st.one_of(ADD_CALL, ADD_DIRECT, ADD_AGENT, GONE), st.booleans()), max_size=60))
def test_the_index_chooses_as_everybody_would(
    few: int, kept_empty: int, changes: list[tuple[tuple[object, ...], bool]]
) -> None:
    """Asked after every change, or only after some: it may put off its work until then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "FEW", few)
        patch.setattr(matching, "KEPT_EMPTY", kept_empty)
        _play(changes)


def _play(changes: list[tuple[tuple[object, ...], bool]]) -> None:
    profiles, index, oracle = Profiles(), Index(), Everybody()
    for change, asked in changes:
        match change:
            case ("call", str(call_id), str(queue), str(text), str(strategy), int(priority), at, refused):
                of = profiles.call_class(queue, strategy, Requirement.parse(text).bind({}))
                order = (-priority, float(at), call_id)
                index.add_call(order, of, refused)
                oracle.direct.pop(call_id, None)
                oracle.calls[call_id] = (order, of, refused)
            case ("direct", str(call_id), int(priority), at, str(named)):
                order = (-priority, float(at), call_id)
                index.add_direct(order, named)
                oracle.calls.pop(call_id, None)
                oracle.direct[call_id] = (order, named)
            case ("agent", str(extension), queues, skills, since):
                agents = profiles.agent_class(skills, queues)
                idle = IdleAgent(extension, float(since))
                index.add_agent(idle, agents)
                oracle.agents[extension] = (idle, agents)
            case ("gone", str(who)):
                index.remove_call(who)
                index.remove_agent(who)
                oracle.calls.pop(who, None)
                oracle.direct.pop(who, None)
                oracle.agents.pop(who, None)
        if asked:
            _compare(index, oracle)


def _compare(index: Index, oracle: Everybody) -> None:
    for call_id in CALLS:
        here = call_id in oracle.calls or call_id in oracle.direct
        expected = oracle.best_agent(call_id) if here else None
        assert index.best_agent(call_id) == expected
    for extension in EXTENSIONS:
        expected = oracle.best_call(extension) if extension in oracle.agents else None
        assert index.best_call(extension) == expected
    in_order = [order[-1] for order in sorted(call[0] for call in (*oracle.calls.values(), *oracle.direct.values()))]
    for extension in EXTENSIONS:
        mine = sorted(order for order, named in oracle.direct.values() if named == extension)
        assert index.direct_to(extension) == tuple(order[-1] for order in mine)
    assert list(index.calls_in_order()) == in_order
    assert index.has_idle() == bool(oracle.agents)


def test_who_refused_comes_last_but_comes() -> None:
    profiles, index = Profiles(), Index()
    of = profiles.call_class("sales", "longest_idle", Requirement.parse("").bind({}))
    everyone = profiles.agent_class({}, frozenset({"sales"}))
    index.add_call((0, 1.0, "c1"), of, {"1001"})
    index.add_agent(IdleAgent("1001", 0.0), everyone)
    assert index.best_agent("c1") == "1001"
    index.add_agent(IdleAgent("1002", 9.0), everyone)
    assert index.best_agent("c1") == "1002"
    index.add_call((0, 2.0, "c2"), of)
    assert index.best_call("1001") == "c2"  # not the head of the line, which they refused


def test_classes_are_found_whichever_side_came_first() -> None:
    profiles = Profiles()
    late = profiles.call_class("sales", "longest_idle", Requirement.parse("laptop").bind({}))
    knows = profiles.agent_class({"laptop": 10}, frozenset({"sales"}))
    profiles.agent_class({"laptop": 10}, frozenset({"service"}))
    assert late.fitting == {knows}
    assert profiles.agent_class({"laptop": 10}, frozenset({"sales"})) is knows


def test_a_call_class_nobody_holds_is_forgotten() -> None:
    profiles = Profiles()
    requirement = Requirement.parse("$caller")
    for n in range(100):
        profiles.call_class("sales", "longest_idle", requirement.bind({"caller": str(n)}))
    gc.collect()
    assert len(profiles._calls) == 0


def test_empty_buckets_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "KEPT_EMPTY", 4)
    profiles, buckets = Profiles(), Buckets[CallClass, CallOrder]()
    requirement = Requirement.parse("$caller")
    for n in range(50):
        of = profiles.call_class("sales", "longest_idle", requirement.bind({"caller": str(n)}))
        buckets.add(of, (0, 0.0, "c"))
        buckets.remove(of, (0, 0.0, "c"))
    assert len(buckets._buckets) <= 5
    assert not buckets


@pytest.mark.parametrize("few", [0, 32])
def test_the_index_lets_go_of_classes_that_nobody_waits_in(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "KEPT_EMPTY", 4)
    monkeypatch.setattr(matching, "FEW", few)
    profiles, index = Profiles(), Index()
    index.add_agent(IdleAgent("1001", 0.0), profiles.agent_class({}, frozenset({"sales"})))
    requirement = Requirement.parse("not $caller")
    for n in range(200):
        of = profiles.call_class("sales", "longest_idle", requirement.bind({"caller": str(n)}))
        index.add_call((0, float(n), "c"), of)
        assert index.best_call("1001") == "c"
        index.remove_call("c")
    del of
    gc.collect()
    assert len(profiles._calls) <= 10


def test_an_order_is_of_one_kind() -> None:
    agents = Buckets[AgentClass, AgentOrder]()
    of = Profiles().agent_class({}, frozenset())
    for order in [(3.0, "a"), (1.0, "b"), (2.0, "c"), (1.0, "a")]:
        agents.add(of, order)
    assert agents.members(of) == ("a", "b", "c", "a")


def test_a_member_changes_its_class_between_two_looks() -> None:
    """Into a class whose first has moved before."""
    agents, profiles = Buckets[AgentClass, AgentOrder](), Profiles()
    old, new = (profiles.agent_class({}, frozenset({queue})) for queue in ("sales", "service"))
    agents.add(old, (1.0, "a"))
    agents.add(new, (2.0, "b"))
    assert agents.look({old, new}.__contains__, ()) == (1.0, "a")
    agents.remove(new, (2.0, "b"))
    agents.remove(old, (1.0, "a"))
    agents.add(new, (1.0, "a"))
    assert agents.look({old, new}.__contains__, ()) == (1.0, "a")


def test_a_strategy_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownStrategy, match=r"ring_all.*longest_idle"):
        chosen({"longest_idle", "ring_all"})
