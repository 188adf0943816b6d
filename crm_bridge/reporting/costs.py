"""What was paid for the media, spread evenly over the days it was paid for.

What falls on some days is what falls on all days up to the last one, less what falls on those before the first. Each
of the two is rounded down by itself, so the parts of consecutive periods add up to the whole to the last
ten-thousandth, however the time is cut.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from crm_bridge.models import media_costs
from crm_bridge.reporting.ledger import meant
from crm_bridge.reporting.period import ONE_DAY, Period
from crm_bridge.reporting.report import Check, Foreign
from crm_bridge.reporting.sums import NOTHING, amount_of, parts_of, total

COST = "cost"


@dataclass(frozen=True, slots=True)
class Cost:
    """A row of `media_costs`. One whose days are the wrong way round is a cost of its first day: nothing is lost."""

    ref: str
    media_source: str
    campaign: str
    begins_on: date
    ends_on: date
    amount: Decimal
    currency: str

    def until(self, day: date) -> Decimal:
        """What of it falls on the days up to this one."""
        days = max(1, (self.ends_on - self.begins_on).days + 1)
        passed = min(max(0, (day - self.begins_on).days + 1), days)
        return amount_of(parts_of(self.amount) * passed // days)

    def part(self, first: date, last: date) -> Decimal:
        return self.until(last) - self.until(first - ONE_DAY)


def costs_within(connection: Connection, period: Period, *more: ColumnElement[bool]) -> list[Cost]:
    query = select(*(media_costs.c[one.name] for one in fields(Cost))).where(_touches(period), *more)
    return [Cost(*row) for row in connection.execute(query.order_by(media_costs.c.begins_on, media_costs.c.id))]


def _touches(period: Period) -> ColumnElement[bool]:
    columns = media_costs.c
    over = or_(columns.ends_on >= period.first, columns.begins_on >= period.first)
    return and_(columns.begins_on <= period.last, over)


def spread(costs: Collection[Cost], period: Period, by: str) -> dict[Any, Decimal]:
    """The sum of the parts by ``by``: media_source, campaign, or day."""
    sums: dict[Any, Decimal] = {}
    for cost in costs:
        for key, part in _keyed(cost, period, by):
            sums[key] = sums.get(key, NOTHING) + part
    return sums


def _keyed(cost: Cost, period: Period, by: str) -> Sequence[tuple[Any, Decimal]]:
    if by != "day":
        return [(getattr(cost, by), cost.part(period.first, period.last))]
    first, last = max(period.first, cost.begins_on), min(period.last, max(cost.ends_on, cost.begins_on))
    days = Period(first, last).days()
    return [(day, cost.part(day, day)) for day in days]


def check_costs(connection: Connection, costs: Sequence[Cost], period: Period, lines: Decimal, currency: str) -> Check:
    """What the lines have, with what falls before and after the period, is all that was paid, as the database adds
    it up."""
    query = select(total(media_costs.c.amount)).where(_touches(period), media_costs.c.currency == currency)
    paid = connection.execute(query).scalar_one()
    before = sum((cost.until(period.first - ONE_DAY) for cost in costs), NOTHING)
    after = sum((cost.amount - cost.until(period.last) for cost in costs), NOTHING)
    return Check(COST, lines, paid - before - after)


def foreign_costs(connection: Connection, period: Period, currency: str) -> list[Foreign]:
    found: dict[str, list[Decimal]] = {}
    for cost in costs_within(connection, period, media_costs.c.currency != currency):
        found.setdefault(cost.currency, []).append(cost.part(period.first, period.last))
    return [Foreign("costs", len(parts), sum(parts, NOTHING), other) for other, parts in sorted(found.items())]


@dataclass(frozen=True, slots=True)
class CostLedger:
    """The rows behind the figure ``cost``: each cost with its part in the period. ``by``: as in `spread`; ``key``: what
    the report calls that."""

    period: Period
    currency: str
    by: str
    key: str

    @property
    def figures(self) -> Collection[str]:
        return [COST]

    def behind(self, connection: Connection, figure: str, of: Sequence[str]) -> list[dict[str, Any]]:
        wanted = meant((self.key,), of)
        costs = costs_within(connection, self.period, media_costs.c.currency == self.currency)
        rows = [(cost, key, part) for cost in costs for key, part in _keyed(cost, self.period, self.by)]
        return [
            {**asdict(cost), **({"day": key} if self.by == "day" else {}), "part": part}
            for cost, key, part in rows
            if not wanted or key == wanted[0]
        ]
