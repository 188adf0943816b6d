"""To which source, campaign or day a call, a lead and an order are put down.

The first touch is the customer's first call, and everything of theirs is put down to it, later calls too. The last
touch of a call is the call itself; of an order, the call in which it was taken, else the customer's last call within
`rules.attribution_s` before the end of the day it was placed; of a lead, its call, else the source that it names, else
the customer's last call so long before it. Of two calls at one instant the one with the greater call id is the later.
What no call explains has None for its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    null,
    select,
)

from crm_bridge.life_cycle import CANCELLED
from crm_bridge.models import calls, customers, leads, orders
from crm_bridge.reporting.ledger import LINE
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import Foreign
from crm_bridge.reporting.site_time import day_over, earlier, site_day
from crm_bridge.reporting.sums import total
from crm_bridge.rules import CrmRules


class By(StrEnum):
    SOURCE = "source"
    CAMPAIGN = "campaign"
    DAY = "day"


class Touch(StrEnum):
    FIRST = "first"
    LAST = "last"


CALL = (
    *("started_at", "call_id", "dnis", "ani", "customer_id", "media_source", "campaign", "queue", "agent"),
    *("outcome", "waited_s", "talked_s"),
)
LEAD = ("opened_at", "id", "customer_id", "call_id", "media_source", "campaign", "product", "state", "dealer")
ORDER = ("placed_on", "number", "customer_id", "status", "amount", "currency", "call_id", "agent")
TOUCH = ("touch", LINE)  # the call that an order or lead is put down to, and the line that it is put on
_OF_CALLS = {By.SOURCE: "media_source", By.CAMPAIGN: "campaign"}
_OF_CUSTOMERS = {By.SOURCE: "first_source", By.CAMPAIGN: "first_campaign"}


def call_rows(period: Period, by: By, touch: Touch) -> Subquery:
    """``first``: whether it is the customer's first."""
    first = (customers.c.first_call_id == calls.c.call_id).label("first")
    line = _line_of_call(period, by, touch).label(LINE)
    joined = calls.outerjoin(customers, customers.c.id == calls.c.customer_id)
    query = select(*(calls.c[name] for name in CALL), calls.c.answered_at, first, line).select_from(joined)
    return query.where(period.within(calls.c.started_at)).subquery("call_rows")


def _line_of_call(period: Period, by: By, touch: Touch) -> ColumnElement[Any]:
    if by is By.DAY:
        return site_day(calls.c.started_at, period)
    own = calls.c[_OF_CALLS[by]]
    return own if touch is Touch.LAST else case(_first(by), else_=own)


def _first(by: By) -> tuple[ColumnElement[bool], ColumnElement[Any]]:
    """What the customer's first call says, if they ever called."""
    return customers.c.first_source != "", customers.c[_OF_CUSTOMERS[by]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Orders or leads. ``counts``: which; ``day``: of one; ``before``: whether a call can have been its touch, and
    ``until``: up to when. ``names``: whether it says a source itself."""

    table: Table
    id: Column[Any]
    shown: tuple[str, ...]
    counts: ColumnElement[bool]
    day: ColumnElement[Any]
    before: ColumnElement[bool]
    until: ColumnElement[Any]
    names: ColumnElement[bool]

    def says(self, by: By) -> tuple[ColumnElement[bool], ColumnElement[Any]]:
        name = _OF_CALLS[by]
        return self.names, self.table.c[name] if name in self.table.c else null()


def order_rows(period: Period, by: By, touch: Touch, rules: CrmRules) -> Subquery:
    """Of the rules' currency; a cancelled one is none."""
    placed, over = orders.c.placed_on, day_over(orders.c.placed_on, period)
    counts = and_(counted_orders(period), orders.c.currency == rules.currency)
    kind = _Kind(orders, orders.c.number, ORDER, counts, placed, calls.c.started_at < over, over, false())
    return _touched(kind, by, touch, rules).subquery("order_rows")


def counted_orders(period: Period) -> ColumnElement[bool]:
    return and_(period.on(orders.c.placed_on), orders.c.status != CANCELLED)


def foreign_orders(
    connection: Connection, period: Period, rules: CrmRules, *more: ColumnElement[bool]
) -> list[Foreign]:
    """Which orders are not added up."""
    amounts = select(orders.c.currency, func.count(), total(orders.c.amount))
    query = amounts.where(counted_orders(period), orders.c.currency != rules.currency, *more)
    found = connection.execute(query.group_by(orders.c.currency).order_by(orders.c.currency))
    return [Foreign("orders", count, amount, currency) for currency, count, amount in found]


def lead_rows(period: Period, by: By, touch: Touch, rules: CrmRules) -> Subquery:
    opened, counts = leads.c.opened_at, period.within(leads.c.opened_at)
    day, names = site_day(opened, period), leads.c.media_source != ""
    kind = _Kind(leads, leads.c.id, LEAD, counts, day, calls.c.started_at <= opened, opened, names)
    return _touched(kind, by, touch, rules).subquery("lead_rows")


def _touched(kind: _Kind, by: By, touch: Touch, rules: CrmRules) -> Select[Any]:
    if by is By.DAY:
        return _select(kind, kind.table.c.call_id, kind.day, by)
    return _by_first(kind, by) if touch is Touch.FIRST else _by_last(kind, by, rules)


def _select(kind: _Kind, call: ColumnElement[Any], line: ColumnElement[Any], by: By) -> Select[Any]:
    columns = (kind.table.c[name] for name in kind.shown)
    return select(*columns, call.label("touch"), line.label(LINE)).where(kind.counts)


def _by_first(kind: _Kind, by: By) -> Select[Any]:
    line, call = case(_first(by), kind.says(by), else_=null()), func.nullif(customers.c.first_call_id, "")
    joined = kind.table.join(customers, customers.c.id == kind.table.c.customer_id)
    return _select(kind, call, line, by).select_from(joined)


def _by_last(kind: _Kind, by: By, rules: CrmRules) -> Select[Any]:
    own, last, column = calls.alias("own"), _last_calls(kind, rules), _OF_CALLS[by]
    line = case((own.c.call_id.is_not(None), own.c[column]), kind.says(by), else_=last.c[column])
    call = func.coalesce(own.c.call_id, last.c.call_id)
    joined = kind.table.outerjoin(own, own.c.call_id == kind.table.c.call_id)
    joined = joined.outerjoin(last, and_(last.c.of == kind.id, last.c.nr == 1))
    return _select(kind, call, line, by).select_from(joined)


def _last_calls(kind: _Kind, rules: CrmRules) -> Subquery:
    """The customer's calls before each order or lead that names no call of ours, the last one with ``nr`` 1. No query
    with a LIMIT for each of them: PostgreSQL would rather go back through everybody's calls than through one
    customer's."""
    newest = func.row_number().over(partition_by=kind.id, order_by=(calls.c.started_at.desc(), calls.c.call_id.desc()))
    columns = (kind.id.label("of"), calls.c.call_id, calls.c.media_source, calls.c.campaign, newest.label("nr"))
    recent = calls.c.started_at >= earlier(kind.until, rules.attribution_s)
    whose = and_(calls.c.customer_id == kind.table.c.customer_id, kind.before, recent)
    named = calls.alias("named")
    open_ = ~exists().where(named.c.call_id == kind.table.c.call_id)
    query = select(*columns).select_from(kind.table.join(calls, whose)).where(kind.counts, open_)
    return query.subquery("last_calls")
