"""A queue as a tried call meets it: which agents of the site could ever serve each of its steps.

No live state: every agent counts as there, so a step that is passed over here is passed over always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from acd.ladder import Ladder
from acd.model import AgentSpec, QueueSpec
from acd.profiles import Profiles
from acd.requirement import BoundRequirement, Requirement


@dataclass(frozen=True, slots=True)
class Prospect:
    """One step. ``agents``: extensions of those who could serve it, sorted. ``for_s`` None: the rest of the wait.
    ``unknown``: variables that the call does not know, so that their comparisons are false."""

    require: str
    bound: BoundRequirement
    unknown: tuple[str, ...]
    for_s: float | None
    agents: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "require": self.require,
            "bound": str(self.bound),
            "unknown": list(self.unknown),
            "for_s": self.for_s,
            "agents": list(self.agents),
        }


def prospects(queue: QueueSpec, agents: Iterable[AgentSpec], attributes: Mapping[str, str]) -> tuple[Prospect, ...]:
    members = [agent for agent in agents if queue.name in agent.queues]
    found = []
    for step in queue.steps:
        requirement = Requirement.parse(step.require)
        bound = requirement.bind(attributes)
        unknown = tuple(name for name in requirement.variables if name not in attributes)
        able = sorted(agent.extension for agent in members if bound.met_by(agent.skills))
        found.append(Prospect(step.require, bound, unknown, step.for_s, tuple(able)))
    return tuple(found)


def step_after(queue: QueueSpec, agents: Iterable[AgentSpec], attributes: Mapping[str, str], waited_s: float) -> int:
    """The step, counted from 0, that stands after so long a wait: the router's own ladder, with everybody there."""
    profiles = Profiles()
    for agent in agents:
        profiles.agent_class(agent.skills, agent.queues).staffed += 1
    step, _ = Ladder(queue, profiles).climb(0, 0.0, attributes, waited_s)
    return step
