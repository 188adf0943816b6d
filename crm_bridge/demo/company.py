"""The company that is played: what its site has of lines, queues, agents and rules, and how much of it is wanted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from crm_bridge.rules import Becomes, CrmRules, DispositionRule
from crm_bridge.store import SourceName

WORD_OF_MOUTH = "word_of_mouth"  # the kind of a source that has no number of its own


@dataclass(frozen=True, slots=True)
class Line:
    """A number that callers dial, and the advert that carries it."""

    number: str
    source: str
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Clerk:
    """An agent."""

    extension: str
    name: str
    queues: Collection[str]


@dataclass(frozen=True, slots=True)
class Company:
    """``languages``: the default one first. ``last_steps``: of the queues, the one that asks least of an agent."""

    lines: Sequence[Line]
    clerks: Sequence[Clerk]
    sources: Sequence[SourceName]
    languages: Sequence[str] = ("mandarin",)
    rules: CrmRules = field(default_factory=CrmRules)
    last_steps: Mapping[str, int] = field(default_factory=dict)

    @property
    def queues(self) -> Sequence[str]:
        """Those that somebody serves, the busiest first."""
        served: dict[str, int] = {}
        for clerk in self.clerks:
            for queue in clerk.queues:
                served[queue] = served.get(queue, 0) + 1
        return sorted(served, key=lambda queue: (-served[queue], queue))

    @property
    def regions(self) -> Sequence[str]:
        return list(self.rules.regions) or ["east", "south"]

    @property
    def kinds(self) -> Mapping[str, str]:
        """Of the sources."""
        return {source.id: source.kind for source in self.sources}

    def word_for(self, becomes: Becomes) -> tuple[str, DispositionRule] | None:
        """The house's first word on a call of which this becomes, if there is one."""
        return next(((code, rule) for code, rule in self.rules.dispositions.items() if rule.becomes == becomes), None)


@dataclass(frozen=True, slots=True)
class Wish:
    """``days`` up to ``until`` (aware), with ``calls`` in them. The same ``seed``: the same company."""

    until: datetime
    days: int = 90
    calls: int = 20_000
    seed: int = 1

    def dice(self, what: str) -> Random:
        """Of each part its own, so that one that is changed leaves the others as they were."""
        return Random(f"{self.seed}/{what}")  # noqa: S311 (a play, no secret)

    def today(self, rules: CrmRules) -> date:
        return self.until.astimezone(rules.zone).date()

    def first_day(self, rules: CrmRules) -> date:
        return self.today(rules) - timedelta(days=self.days - 1)

    @property
    def prefix(self) -> str:
        """With which the ids of its calls begin."""
        return f"demo-{self.seed}-"
