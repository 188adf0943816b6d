"""Abandoned money: what the calls have cost that nobody has taken, each at what a call of its own source has cost in
the period; by source, campaign or queue, or by the hour of the site's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, and_, case, func, select

from crm_bridge.models import calls, media_costs
from crm_bridge.reporting.costs import costs_within, foreign_costs, spread
from crm_bridge.reporting.ledger import LINE, Counts, Ledger, label
from crm_bridge.reporting.outcomes import LOST, conditions, wholes
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import Check, Report, agreed, summed
from crm_bridge.reporting.site_time import site_hour
from crm_bridge.reporting.sums import apportioned, ratio, rounded
from crm_bridge.reporting.touches import CALL
from crm_bridge.rules import CrmRules

_SUMS = ("calls", "lost", "lost_money")
_HOURS = range(24)


class Where(StrEnum):
    SOURCE = "source"
    CAMPAIGN = "campaign"
    QUEUE = "queue"
    HOUR = "hour"


@dataclass(frozen=True, slots=True)
class LostMoney:
    """Money is of the rules' currency."""

    period: Period
    rules: CrmRules
    by: Where = Where.SOURCE

    def ledgers(self) -> Sequence[Ledger]:
        return (self._ledger(),)

    def _ledger(self) -> Ledger:
        rows = self._rows()
        keys = {self.by.value: LINE, "own source": "media_source"}
        return Ledger(rows, keys, (*CALL, LINE), {"calls": None, "lost": conditions(rows)["lost"]})

    def _rows(self) -> Subquery:
        columns = (*(calls.c[name] for name in CALL), calls.c.answered_at, self._line().label(LINE))
        return select(*columns).where(self.period.within(calls.c.started_at)).subquery("call_rows")

    def _line(self) -> ColumnElement[Any]:
        if self.by is Where.HOUR:
            return site_hour(calls.c.started_at, self.period)
        return calls.c.media_source if self.by is Where.SOURCE else calls.c[self.by.value]

    def report(self, connection: Connection) -> Report:
        paid = costs_within(connection, self.period, media_costs.c.currency == self.rules.currency)
        spent = {source: Fraction(cost) for source, cost in spread(paid, self.period, "media_source").items()}
        lines = self._lines(self._ledger().counted(connection), spent)
        sums = summed(lines, _SUMS)
        return Report(
            columns=(self.by.value, "calls", "lost", "lost_share", "lost_money"),
            lines=lines if self.by is Where.HOUR else sorted(lines, key=lambda line: -line["lost_money"]),
            checks=self._checks(connection, sums, spent),
            total={self.by.value: "total", **sums, "lost_share": ratio(sums["lost"], sums["calls"])},
            foreign=foreign_costs(connection, self.period, self.rules.currency),
        )

    def _lines(self, counted: Counts, spent: Mapping[str, Fraction]) -> list[dict[str, Any]]:
        prices = _prices(counted, spent)
        exact: dict[Any, dict[str, Any]] = {hour: _none() for hour in _HOURS} if self.by is Where.HOUR else {}
        for (key, source), figures in counted.items():
            line = exact.setdefault(key, _none())
            line["calls"] += figures["calls"]
            line["lost"] += figures["lost"]
            line["lost_money"] += prices[source] * figures["lost"]
        keys = sorted(exact)
        money = apportioned(exact[key]["lost_money"] for key in keys)
        return [self._told(key, exact[key], lost) for key, lost in zip(keys, money, strict=True)]

    def _told(self, key: Any, line: Mapping[str, Any], lost_money: Any) -> dict[str, Any]:
        share = ratio(line["lost"], line["calls"])
        return {self.by.value: label(key), **line, "lost_share": share, "lost_money": lost_money}

    def _checks(
        self, connection: Connection, sums: Mapping[str, Any], spent: Mapping[str, Fraction]
    ) -> Sequence[Check]:
        whole = wholes(connection, self.period)
        money = rounded(_lost_by_source(connection, self.period, spent))
        return agreed(sums, {"calls": whole["calls"], "lost": whole["lost"], "lost_money": money})


def _none() -> dict[str, Any]:
    return {"calls": 0, "lost": 0, "lost_money": Fraction(0)}


def _prices(counted: Counts, spent: Mapping[str, Fraction]) -> Mapping[str, Fraction]:
    """What a call has cost, by its source."""
    brought: dict[str, int] = {}
    for (_, source), figures in counted.items():
        brought[source] = brought.get(source, 0) + figures["calls"]
    return {source: spent.get(source, Fraction(0)) / count for source, count in brought.items()}


def _lost_by_source(connection: Connection, period: Period, spent: Mapping[str, Fraction]) -> Fraction:
    """The whole, by a question of its own."""
    lost = and_(calls.c.outcome.in_([one.value for one in LOST]), calls.c.answered_at.is_(None))
    query = select(calls.c.media_source, func.count(), func.count(case((lost, 1))))
    found = connection.execute(query.where(period.within(calls.c.started_at)).group_by(calls.c.media_source))
    return sum((spent.get(source, Fraction(0)) * gone / count for source, count, gone in found), Fraction(0))
