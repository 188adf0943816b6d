"""The agents and queues that a router began with, as plain values for the event log, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from acd.model import AgentSpec, QueueSpec, StepSpec


@dataclass(frozen=True, slots=True)
class Setup:
    """``agents`` by extension, ``queues`` by name (of a queue only what routing and figures need)."""

    agents: Mapping[str, AgentSpec]
    queues: Mapping[str, QueueSpec]
    priority_class_s: float


def packed(
    agents: Mapping[str, AgentSpec], queues: Mapping[str, QueueSpec], priority_class_s: float
) -> Mapping[str, object]:
    """Nothing but what JSON knows."""
    return {
        "agents": {
            extension: {"name": spec.name, "skills": dict(spec.skills), "queues": sorted(spec.queues)}
            for extension, spec in agents.items()
        },
        "queues": {
            name: {
                "strategy": spec.strategy,
                "steps": [asdict(step) for step in spec.steps],
                "service_level_s": spec.service_level_s,
            }
            for name, spec in queues.items()
        },
        "priority_class_s": priority_class_s,
    }


def unpacked(told: Mapping[str, Any]) -> Setup:
    """Raises KeyError or TypeError for what `packed` did not make."""
    agents = {
        extension: AgentSpec(extension, spec["name"], spec["skills"], frozenset(spec["queues"]))
        for extension, spec in told["agents"].items()
    }
    queues = {
        name: QueueSpec(
            name,
            tuple(StepSpec(**step) for step in spec["steps"]),
            strategy=spec["strategy"],
            service_level_s=spec["service_level_s"],
        )
        for name, spec in told["queues"].items()
    }
    return Setup(agents, queues, told["priority_class_s"])
