"""A queue's steps of relaxation, climbed one way.

Law: a step stands for its time; one that no staffed agent can ever meet is passed at once and takes no time;
the last stays for the rest of the wait. A call never goes back, even if somebody logs in who could have met an
earlier step: what the caller was promised only widens.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from acd.model import QueueSpec, StepSpec
from acd.profiles import CallClass, Profiles
from acd.requirement import Requirement

_REMEMBERED = 1024  # call classes a ladder keeps alive; their number is the callers' doing


class Ladder:
    """Raises RequirementError when a step's text is wrong."""

    def __init__(self, spec: QueueSpec, profiles: Profiles) -> None:
        self.spec = spec
        self._steps = spec.steps or (StepSpec("any"),)
        self._requirements = tuple(Requirement.parse(step.require) for step in self._steps)
        self._profiles = profiles
        self._class = lru_cache(maxsize=_REMEMBERED)(self._make_class)

    @property
    def last(self) -> int:
        return len(self._steps) - 1

    def call_class(self, step: int, attributes: Mapping[str, str]) -> CallClass:
        variables = self._requirements[step].variables
        return self._class(step, tuple(attributes.get(name) for name in variables))

    def _make_class(self, step: int, values: tuple[str | None, ...]) -> CallClass:
        requirement = self._requirements[step]
        known = zip(requirement.variables, values, strict=True)
        bound = requirement.bind({name: value for name, value in known if value is not None})
        return self._profiles.call_class(self.spec.name, self.spec.strategy, bound)

    def climb(self, step: int, since: float, attributes: Mapping[str, str], now: float) -> tuple[int, float]:
        """(step, since) as of ``now``, from a step that began at ``since``; instants in Unix seconds."""
        while step < len(self._steps) - 1:
            if self.call_class(step, attributes).staffed():
                end = self.end(step, since)
                if end is None or now < end:
                    break
                since = end
            step += 1
        return step, since

    def end(self, step: int, since: float) -> float | None:
        """When the step ends by the clock; None for one that stays."""
        for_s = self._steps[step].for_s
        return None if for_s is None or step == len(self._steps) - 1 else since + for_s
