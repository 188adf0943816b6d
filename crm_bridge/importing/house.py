"""What a file's words are held against: what the site knows of itself. Empty: nobody has said, so any word will do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from crm_bridge.importing import values
from crm_bridge.rules import CrmRules


@dataclass(frozen=True, slots=True)
class House:
    """``country``: of phone numbers without a country code. ``languages``: the site's names of them; ``codes``: of
    their texts."""

    country: str = "CN"
    rules: CrmRules = field(default_factory=CrmRules)
    languages: Collection[str] = ()
    codes: Collection[str] = ()
    agents: Collection[str] = ()
    sources: Collection[str] = ()
    campaigns: Collection[str] = ()

    def word(self, known: Collection[str], what: str) -> Callable[[str], str]:
        """One of those that are known, if any are."""
        return values.one_of(known, what) if known else values.word

    @property
    def agent(self) -> Callable[[str], str]:
        return values.one_of(self.agents, "agent of agents.yaml") if self.agents else values.label(16)

    @property
    def region(self) -> Callable[[str], str]:
        return self.word(self.rules.regions, "region of crm_rules.yaml")


@dataclass(frozen=True, slots=True)
class Who:
    """Whose doing it is, and when. ``today``: from which the customers' stages are counted."""

    by: str
    at: datetime
    today: date
