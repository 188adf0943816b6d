"""`crm_rules.yaml`: what calls, orders and leads come to in this house. The file need not be there; then an agent's
word is written down and nothing becomes of it.

    currency: CNY                       # of amounts that agents type, and of the reports
    dispositions:                       # the codes of queues.yaml
      sale: {becomes: order, product: product, quantity: quantity}   # the flow's values that say what was wanted
      lead: {becomes: lead, product: product}
      service: {becomes: ticket, category: repair, text: as told on the phone}
      complaint: {becomes: promise, text: call back about the complaint, kept_by: call}   # or by hand
    regions:                            # of the dealers: provinces and cities, or how a number begins
      east: [Shanghai, Zhejiang, "+8625"]
    leads: {accept_h: 24}               # a dealer must accept within that, or the next one has it
    stages: {loyal_orders: 4, loyal_days: 365, lapsed_days: 365}
    sla_h: {repair: 48}                 # hours in which a ticket of that category must be solved
    attribution_days: 90                # an order is put down to a call at most so long before it
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from crm_bridge.rules import DAY_S, HOUR_S, CrmRules, DispositionRule, LeadRules, StageRules
from hotline.site.crm_book import Currency, Text
from hotline.site.schema import Form, Name

Place = Annotated[str, StringConstraints(pattern=r"^(\+[0-9]{1,15}|[A-Za-z][A-Za-z' -]{1,40})$")]
Hours = Annotated[float, Field(gt=0, le=24 * 366)]
Days = Annotated[int, Field(ge=1, le=36500)]


class DispositionRuleForm(Form):
    becomes: Literal["order", "lead", "ticket", "promise"]
    product: Name = "product"
    quantity: Name = "quantity"
    category: Name | None = None
    text: Text | None = None
    kept_by: Literal["call"] | None = None

    def rule(self) -> DispositionRule:
        said = self.category or "", self.text or "", self.kept_by or ""
        return DispositionRule(self.becomes, self.product, self.quantity, *said)


class LeadRulesForm(Form):
    accept_h: Hours = 24.0


class StageRulesForm(Form):
    loyal_orders: Annotated[int, Field(ge=2, le=1000)] = 4
    loyal_days: Days = 365
    lapsed_days: Days = 365


class CrmRulesForm(Form):
    currency: Currency = "CNY"
    dispositions: dict[Name, DispositionRuleForm] = Field(default_factory=dict)
    regions: dict[Name, Annotated[list[Place], Field(min_length=1, max_length=200)]] = Field(default_factory=dict)
    leads: LeadRulesForm = LeadRulesForm()
    stages: StageRulesForm = StageRulesForm()
    sla_h: dict[Name, Hours] = Field(default_factory=dict)
    attribution_days: Days = 90

    def rules(self, zone: tzinfo) -> CrmRules:
        return CrmRules(
            currency=self.currency,
            zone=zone,
            dispositions={code: form.rule() for code, form in self.dispositions.items()},
            regions={name: tuple(places) for name, places in self.regions.items()},
            sla_s={category: hours * HOUR_S for category, hours in self.sla_h.items()},
            leads=LeadRules(self.leads.accept_h * HOUR_S),
            stages=StageRules(self.stages.loyal_orders, self.stages.loyal_days, self.stages.lapsed_days),
            attribution_s=self.attribution_days * DAY_S,
        )

    def places_twice(self) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """(path, place, the region that has it already): a caller is at home in one region."""
        held: dict[str, str] = {}
        for region, places in self.regions.items():
            for nr, place in enumerate(places):
                if held.setdefault(place.casefold(), region) != region:
                    yield ("regions", region, nr), place, held[place.casefold()]
