"""A caller's standing: what moves them up in the line, and whom they should rather have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.model import QueueSpec
from ivr.flow.outside import Caller

HIGHEST = 100  # priority class; the lowest is as far below 0


@dataclass(frozen=True, slots=True)
class StandingRules:
    """Priority classes that are added to the flow's own. ``tiers``: by the customer's tier. ``broken_promise``: for a
    caller to whom a promise has not been kept."""

    tiers: Mapping[str, int] = field(default_factory=dict)
    broken_promise: int = 0

    def __bool__(self) -> bool:
        return bool(self.tiers or self.broken_promise)


def raised(priority: int, caller: Caller, rules: StandingRules) -> int:
    more = rules.tiers.get(caller.tier, 0) + (rules.broken_promise if caller.broken_promises else 0)
    return max(-HIGHEST, min(HIGHEST, priority + more))


def preferred(caller: Caller, spec: QueueSpec) -> tuple[str, ...]:
    """Extensions, the best first, each once."""
    wanted = {"owner": caller.owner, "last_agent": caller.last_agent}
    return tuple(dict.fromkeys(wanted[who] for who in spec.preferred if wanted[who]))
