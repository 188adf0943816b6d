"""How the agents who may serve a call are put in order: one named sort key each, smallest first.

To add a strategy, write one function of an IdleAgent and name it in STRATEGIES. A key is computed when
the agent becomes idle, so it may depend only on what cannot change while they are; ties fall to the
extension, so that a choice is always repeatable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IdleAgent:
    """An agent who could take a call now. ``idle_since``: Unix seconds."""

    extension: str
    idle_since: float


StrategyKey = Callable[[IdleAgent], float]


def longest_idle(agent: IdleAgent) -> float:
    """Who has waited longest for a call."""
    return agent.idle_since


def linear(agent: IdleAgent) -> float:
    """Always in the order of the extensions, as app_queue's `linear`: the ties decide alone."""
    return 0.0


STRATEGIES: Mapping[str, StrategyKey] = {"longest_idle": longest_idle, "linear": linear}


class UnknownStrategy(ValueError):
    """A queue names a strategy that is not in STRATEGIES."""
