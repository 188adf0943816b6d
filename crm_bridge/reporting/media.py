"""What each media source, campaign or day has brought and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from crm_bridge.models import campaigns, leads, media_costs, media_sources, orders
from crm_bridge.reporting.costs import COST, Cost, CostLedger, check_costs, costs_within, foreign_costs, spread
from crm_bridge.reporting.ledger import LINE, Followed, Key, Ledger, label
from crm_bridge.reporting.outcomes import conditions, first_callers, placed, wholes
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import Check, Report, agreed, merged, summed
from crm_bridge.reporting.sums import NOTHING, apportioned, ratio, rounded, total
from crm_bridge.reporting.touches import (
    CALL,
    LEAD,
    ORDER,
    TOUCH,
    By,
    Touch,
    call_rows,
    counted_orders,
    foreign_orders,
    lead_rows,
    order_rows,
)
from crm_bridge.rules import CrmRules

CALLS = ("calls", "first_time", "answered", "abandoned", "abandoned_ivr", "abandoned_queue", "other", "goes_on", "lost")
SUMS = (*CALLS, "leads", "orders", "revenue", COST)
COLUMNS = (*SUMS, "cost_per_call", "cost_per_lead", "cost_per_order", "roi", "lost_money")
_BLANK = {**dict.fromkeys(SUMS, 0), "revenue": NOTHING, COST: NOTHING}
_COST_BY = {By.SOURCE: "media_source", By.CAMPAIGN: "campaign", By.DAY: "day"}


@dataclass(frozen=True, slots=True)
class Media:
    """Money is of the rules' currency."""

    period: Period
    rules: CrmRules
    by: By = By.SOURCE
    touch: Touch = Touch.LAST

    def ledgers(self) -> Sequence[Followed]:
        return (*self._ledgers(), CostLedger(self.period, self.rules.currency, _COST_BY[self.by], self.by.value))

    def _ledgers(self) -> tuple[Ledger, Ledger, Ledger]:
        period, by, touch, rules = self.period, self.by, self.touch, self.rules
        key, called = {by.value: LINE}, call_rows(period, by, touch)
        figures = {"calls": None, "first_time": called.c.first, **conditions(called)}
        return (
            Ledger(called, key, (*CALL, LINE), figures),
            Ledger(lead_rows(period, by, touch, rules), key, (*LEAD, *TOUCH), {"leads": None}),
            Ledger(
                order_rows(period, by, touch, rules), key, (*ORDER, *TOUCH), {"orders": None}, {"revenue": "amount"}
            ),
        )

    def report(self, connection: Connection) -> Report:
        paid = costs_within(connection, self.period, media_costs.c.currency == self.rules.currency)
        spent = spread(paid, self.period, _COST_BY[self.by])
        counted = [ledger.counted(connection) for ledger in self._ledgers()]
        names = self._names(connection)
        costs = {(key,): {COST: cost} for key, cost in spent.items()}
        found = merged(_BLANK, *counted, costs, known=[(key,) for key in names])
        lines = [self._line(key, names, found[key]) for key in sorted(found, key=_by_name)]
        for line, lost in zip(lines, apportioned(_lost_money(line) for line in lines), strict=True):
            line["lost_money"] = lost
        sums = summed(lines, (*SUMS, "lost_money"))
        foreign = [
            *foreign_costs(connection, self.period, self.rules.currency),
            *foreign_orders(connection, self.period, self.rules),
        ]
        named = () if self.by is By.DAY else ("name",)
        return Report(
            columns=(self.by.value, *named, *COLUMNS),
            lines=self._ordered(lines),
            checks=self._checks(connection, sums, paid),
            total={self.by.value: "total", **sums, **_ratios(sums)},
            foreign=foreign,
        )

    def _line(self, key: Key, names: Mapping[Any, str], figures: Mapping[str, Any]) -> dict[str, Any]:
        named = {} if self.by is By.DAY else {"name": names.get(key[0], "")}
        return {self.by.value: label(key[0]), **named, **figures, **_ratios(figures)}

    def _ordered(self, lines: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """Days as they come; else what brought most comes first."""
        return lines if self.by is By.DAY else sorted(lines, key=lambda line: -line["calls"])

    def _names(self, connection: Connection) -> Mapping[Any, str]:
        """The lines that are there whatever was counted."""
        if self.by is By.DAY:
            return dict.fromkeys(self.period.days(), "")
        return {row[0]: row[1] for row in connection.execute(_known(self.by, self.period))}

    def _checks(self, connection: Connection, sums: Mapping[str, Any], paid: Sequence[Cost]) -> Sequence[Check]:
        of_calls = wholes(connection, self.period)
        opened = select(func.count()).where(self.period.within(leads.c.opened_at))
        of_house = (counted_orders(self.period), orders.c.currency == self.rules.currency)
        placed_orders = select(func.count(), total(orders.c.amount)).where(*of_house)
        count, revenue = connection.execute(placed_orders).one()
        others = {
            "first_time": first_callers(connection, self.period),
            "leads": connection.execute(opened).scalar_one(),
            "orders": count,
            "revenue": revenue,
        }
        return [
            Check("outcomes", placed(sums), of_calls["calls"]),
            *agreed(sums, {**of_calls, **others}),
            check_costs(connection, paid, self.period, sums[COST], self.rules.currency),
        ]


def _known(by: By, period: Period) -> Select[Any]:
    if by is By.SOURCE:
        return select(media_sources.c.id, media_sources.c.name)
    begun = or_(campaigns.c.begins_on.is_(None), campaigns.c.begins_on <= period.last)
    lasts = or_(campaigns.c.ends_on.is_(None), campaigns.c.ends_on >= period.first)
    return select(campaigns.c.code, campaigns.c.name).where(begun, lasts)


def _by_name(key: Key) -> tuple[bool, Any]:
    """What no call explains comes last."""
    return key[0] is None, "" if key[0] is None else key[0]


def _ratios(figures: Mapping[str, Any]) -> dict[str, Any]:
    cost, gained = Fraction(figures[COST]), Fraction(figures["revenue"])
    return {
        "cost_per_call": rounded(_per(cost, figures["calls"])),
        "cost_per_lead": rounded(_per(cost, figures["leads"])),
        "cost_per_order": rounded(_per(cost, figures["orders"])),
        "roi": ratio(gained - cost, cost),
    }


def _per(amount: Fraction, count: int) -> Fraction | None:
    return amount / count if count else None


def _lost_money(figures: Mapping[str, Any]) -> Fraction:
    """What the calls have cost that came to nothing."""
    return (_per(Fraction(figures[COST]), figures["calls"]) or Fraction(0)) * int(figures["lost"])
