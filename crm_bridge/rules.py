"""The house's own rules on what calls, orders and leads come to. Frozen values; `hotline/site` reads them from the
site's `crm_rules.yaml`, and whoever has none has these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Literal

Becomes = Literal["order", "lead", "ticket", "promise"]
DAY_S, HOUR_S = 86_400.0, 3600.0


@dataclass(frozen=True, slots=True)
class DispositionRule:
    """What an agent's word on a call becomes. ``product``, ``quantity``: the call's values that name what an order or
    a lead is about; ``category``: a ticket's; ``text``: a promise's or a ticket's, for people; ``kept_by`` "call": the
    promise is kept when we have called them back."""

    becomes: Becomes
    product: str = "product"
    quantity: str = "quantity"
    category: str = ""
    text: str = ""
    kept_by: str = ""


@dataclass(frozen=True, slots=True)
class LeadRules:
    """A lead goes to a dealer of its ``region``, who has ``accept_s`` to accept it; else to the next one."""

    accept_s: float = DAY_S


@dataclass(frozen=True, slots=True)
class StageRules:
    """``loyal_orders`` within ``loyal_days`` make a loyal customer, ``lapsed_days`` without one a lapsed one."""

    loyal_orders: int = 4
    loyal_days: int = 365
    lapsed_days: int = 365


@dataclass(frozen=True, slots=True)
class CrmRules:
    """``currency``: of amounts that are typed on a keypad, and of the reports. ``zone``: whose midnight begins a day.
    ``dispositions``: by their code. ``regions``: the region's name → the places in it, as `regions.region_of` knows
    them. ``sla_s``: a ticket's category → the seconds in which it must be solved. ``attribution_s``: an order is put
    down to a call at most so long before it."""

    currency: str = "CNY"
    zone: tzinfo = UTC
    dispositions: Mapping[str, DispositionRule] = field(default_factory=dict)
    regions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sla_s: Mapping[str, float] = field(default_factory=dict)
    leads: LeadRules = LeadRules()
    stages: StageRules = StageRules()
    attribution_s: float = 90 * DAY_S
