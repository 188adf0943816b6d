"""Calls and agents folded into classes, so that the cost of choosing grows with the number of classes.

A CallClass is all calls of one queue with one bound requirement; an AgentClass is all agents with one set
of skills and queues. Which class fits which is worked out once, when a class is first seen.
Classes compare by identity: they are made here only, one for each key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from acd.requirement import BoundRequirement


@dataclass(eq=False, slots=True)
class AgentClass:
    queues: frozenset[str]
    skills: Mapping[str, int]
    staffed: int = 0  # how many of its agents are not logged out


@dataclass(eq=False, slots=True, weakref_slot=True)
class CallClass:
    queue: str
    strategy: str
    requirement: BoundRequirement
    fitting: set[AgentClass] = field(default_factory=set)
    _ranked: list[set[AgentClass]] = field(default_factory=list)
    _ranked_of: int = 0  # how many classes fitted then; none ever ceases to

    def staffed(self) -> bool:
        """Can any agent that is not logged out ever serve these calls?"""
        return any(agents.staffed for agents in self.fitting)

    def by_skill(self) -> list[set[AgentClass]]:
        """The fitting classes in groups, the most skilled first: by the sum of the levels that are asked for."""
        if self._ranked_of != len(self.fitting):
            groups: dict[int, set[AgentClass]] = {}
            asked = self.requirement.skills
            for agents in self.fitting:
                groups.setdefault(sum(agents.skills.get(name, 0) for name in asked), set()).add(agents)
            self._ranked = [groups[level] for level in sorted(groups, reverse=True)]
            self._ranked_of = len(self.fitting)
        return self._ranked

    def fits(self, agents: AgentClass) -> bool:
        return self.queue in agents.queues and self.requirement.met_by(agents.skills)


class Profiles:
    """The register of classes. Agent classes stay; a call class lives as long as somebody holds it,
    because a requirement may name an attribute that has as many values as there are callers."""

    def __init__(self) -> None:
        self._agents: dict[tuple[frozenset[str], frozenset[tuple[str, int]]], AgentClass] = {}
        self._calls: WeakValueDictionary[tuple[str, str, BoundRequirement], CallClass] = WeakValueDictionary()

    def agent_class(self, skills: Mapping[str, int], queues: frozenset[str]) -> AgentClass:
        key = (queues, frozenset(skills.items()))
        known = self._agents.get(key)
        return known if known is not None else self._new_agent_class(key)

    def call_class(self, queue: str, strategy: str, requirement: BoundRequirement) -> CallClass:
        key = (queue, strategy, requirement)
        known = self._calls.get(key)
        return known if known is not None else self._new_call_class(key)

    def _new_agent_class(self, key: tuple[frozenset[str], frozenset[tuple[str, int]]]) -> AgentClass:
        made = self._agents[key] = AgentClass(queues=key[0], skills=dict(key[1]))
        for calls in list(self._calls.values()):
            if calls.fits(made):
                calls.fitting.add(made)
        return made

    def _new_call_class(self, key: tuple[str, str, BoundRequirement]) -> CallClass:
        made = CallClass(*key)
        made.fitting.update(agents for agents in self._agents.values() if made.fits(agents))
        self._calls[key] = made
        return made
