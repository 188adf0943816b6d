"""How the agents who may serve a call are put in order: one named sort key each, smallest first.

To add a strategy, write one function of an IdleAgent and name it in STRATEGIES. A key is computed when
the agent becomes idle, so it may depend only on what cannot change while they are; ties fall to the
extension, so that a choice is always repeatable. Names are app_queue's where it has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class IdleAgent:
    """An agent who could take a call now. Instants in Unix seconds. ``offered_at``: their last offer (0: none yet);
    ``answered``: conversations since they logged in; ``occupancy``: the share of that time, until they became idle, in
    which they talked or wrapped up, 0-1."""

    extension: str
    idle_since: float
    offered_at: float = 0.0
    answered: int = 0
    occupancy: float = 0.0


StrategyKey = Callable[[IdleAgent], float]


def longest_idle(agent: IdleAgent) -> float:
    """Who has waited longest for a call."""
    return agent.idle_since


def linear(agent: IdleAgent) -> float:
    """Always in the order of the extensions, as app_queue's `linear`: the ties decide alone."""
    return 0.0


def round_robin(agent: IdleAgent) -> float:
    """In turn, as app_queue's `rrmemory`: whose last offer is longest ago, answered or not."""
    return agent.offered_at


def fewest_calls(agent: IdleAgent) -> float:
    """As app_queue's `fewestcalls`, since the log-in; of equals, who has been idle longest."""
    return agent.answered + _fraction(agent.idle_since)


def least_occupied(agent: IdleAgent) -> float:
    """Whose time since the log-in was least filled with calls when they became idle."""
    return agent.occupancy


def random(agent: IdleAgent) -> float:
    """A draw for each time that somebody becomes idle, and the same draw in a replay."""
    drawn = blake2b(f"{agent.extension} {agent.idle_since:.6f}".encode(), digest_size=6).digest()
    return int.from_bytes(drawn, "big") / 2**48


_LONG_S = 1e11  # Unix seconds of the year 5138: every instant is a fraction of it


def _fraction(instant: float) -> float:
    return min(max(instant, 0.0), _LONG_S) / _LONG_S


STRATEGIES: Mapping[str, StrategyKey] = {
    key.__name__: key for key in (longest_idle, linear, round_robin, fewest_calls, least_occupied, random)
}
# Chosen among first: those of the agents whose levels in the skills that the requirement names are highest in sum; of
# them by this key.
BY_SKILL: Mapping[str, StrategyKey] = {"best_skill": longest_idle}
ALL_STRATEGIES: Mapping[str, StrategyKey] = {**STRATEGIES, **BY_SKILL}


class UnknownStrategy(ValueError):
    """A queue names a strategy that is not in ALL_STRATEGIES."""


def chosen(names: set[str], own: Mapping[str, StrategyKey] | None = None) -> Mapping[str, StrategyKey]:
    """The keys of these strategies alone: an order that no queue uses costs nothing. ``own``: the admin's. Raises
    UnknownStrategy."""
    known = {**ALL_STRATEGIES, **(own or {})}
    for name in sorted(names - known.keys()):
        raise UnknownStrategy(f"{name}; known are {', '.join(sorted(known))}")
    return {name: key for name, key in known.items() if name in names}
