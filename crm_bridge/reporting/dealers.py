"""What dealers make of the leads that are put into their hands. Each figure counts what happened in the period: leads
handed over, won and lost, orders placed; but `open_now` is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, exists, func, select

from crm_bridge.leads import ACTIVE, HandingEnd, LeadState
from crm_bridge.models import dealers, lead_handings, leads, orders
from crm_bridge.reporting.ledger import Ledger
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import Check, Foreign, Report, agreed, merged, summed
from crm_bridge.reporting.site_time import day_over, seconds_between
from crm_bridge.reporting.sums import NOTHING, total
from crm_bridge.reporting.touches import ORDER, counted_orders, foreign_orders
from crm_bridge.rules import CrmRules

_ENDS = (*(end.value for end in HandingEnd), "waiting")
_SUMS = ("handed", *_ENDS, "won", "lost", "orders", "revenue", "open_now")
_BLANK = {**dict.fromkeys(_SUMS, 0), "revenue": NOTHING, "accepted_in_s": None}
_HANDING = ("handed_at", "lead_id", "nr", "dealer", "due_at", "ended_at", "ended_as", "by")
_LEAD = ("opened_at", "id", "dealer", "state", "customer_id", "product", "region", "accepted_at", "closed_at")
_HELD = (LeadState.ASSIGNED.value, LeadState.ACCEPTED.value)
_KEYS = {"dealer": "dealer"}


@dataclass(frozen=True, slots=True)
class Dealers:
    """Money is of the rules' currency."""

    period: Period
    rules: CrmRules

    def ledgers(self) -> Sequence[Ledger]:
        handed, closed, held, bought = self._handings(), self._closed(), _held(), self._orders()
        ends = {end.value: handed.c.ended_as == end.value for end in HandingEnd}
        won = {name: closed.c.state == name for name in (LeadState.WON.value, LeadState.LOST.value)}
        return (
            Ledger(handed, _KEYS, _HANDING, {"handed": None, **ends, "waiting": handed.c.ended_at.is_(None)}),
            Ledger(closed, _KEYS, _LEAD, won),
            Ledger(bought, _KEYS, (*ORDER, "lead_id", "dealer"), {"orders": None}, {"revenue": "amount"}),
            Ledger(held, _KEYS, _LEAD, {"open_now": None}),
        )

    def _handings(self) -> Subquery:
        columns = (lead_handings.c[name] for name in _HANDING)
        took_s = seconds_between(lead_handings.c.handed_at, lead_handings.c.ended_at).label("took_s")
        # From the dealers on: the index is by dealer and time.
        joined = dealers.join(lead_handings, lead_handings.c.dealer == dealers.c.code)
        query = select(*columns, took_s).select_from(joined)
        return query.where(self.period.within(lead_handings.c.handed_at)).subquery("handing_rows")

    def _closed(self) -> Subquery:
        return _leads(leads.c.state.in_([LeadState.WON.value, LeadState.LOST.value]), self._closes()).subquery("closed")

    def _closes(self) -> ColumnElement[bool]:
        return self.period.within(leads.c.closed_at)

    def _orders(self) -> Subquery:
        """Of customers whose lead a dealer has won: of several leads the last one before the order counts, so that an
        order is one dealer's."""
        newest = func.row_number().over(
            partition_by=orders.c.number, order_by=(leads.c.opened_at.desc(), leads.c.id.desc())
        )
        columns = (*(orders.c[name] for name in ORDER), leads.c.id.label("lead_id"), leads.c.dealer, newest.label("nr"))
        won = orders.join(leads, self._has_won())
        found = select(*columns).select_from(won).where(*self._bought()).subquery("won_orders")
        return select(found).where(found.c.nr == 1).subquery("order_rows")

    def _bought(self) -> tuple[ColumnElement[bool], ...]:
        return counted_orders(self.period), orders.c.currency == self.rules.currency

    def _has_won(self) -> ColumnElement[bool]:
        won = and_(leads.c.state == LeadState.WON.value, leads.c.dealer.is_not(None))
        before = leads.c.opened_at < day_over(orders.c.placed_on, self.period)
        return and_(leads.c.customer_id == orders.c.customer_id, won, before)

    def report(self, connection: Connection) -> Report:
        counted = [ledger.counted(connection) for ledger in self.ledgers()]
        known = {row.code: row for row in connection.execute(select(dealers))}
        active = [(code,) for code, dealer in known.items() if dealer.stage == ACTIVE]
        found = merged(_BLANK, *counted, self._medians(connection), known=active)
        lines = [_line(known[code], found[(code,)]) for (code,) in sorted(found)]
        sums = summed(lines, _SUMS)
        return Report(
            columns=("dealer", "name", "region", "handed", "accepted", "accepted_in_s", *_SUMS[2:]),
            lines=lines,
            checks=self._checks(connection, sums),
            total={"dealer": "total", **sums},
            foreign=self._foreign(connection),
        )

    def _medians(self, connection: Connection) -> dict[tuple[Any, ...], dict[str, Any]]:
        """How long each dealer takes to accept: the middle one, or the mean of the middle two."""
        handed = self._handings()
        place = func.row_number().over(partition_by=handed.c.dealer, order_by=handed.c.took_s).label("place")
        count = func.count().over(partition_by=handed.c.dealer).label("count")
        accepted = handed.c.ended_as == HandingEnd.ACCEPTED.value
        ranked = select(handed.c.dealer, handed.c.took_s, place, count).where(accepted).subquery("ranked")
        middle = (ranked.c.place * 2).between(ranked.c.count, ranked.c.count + 2)
        query = select(ranked.c.dealer, func.avg(ranked.c.took_s)).where(middle).group_by(ranked.c.dealer)
        return {(dealer,): {"accepted_in_s": round(seconds, 1)} for dealer, seconds in connection.execute(query)}

    def _foreign(self, connection: Connection) -> Sequence[Foreign]:
        return foreign_orders(connection, self.period, self.rules, exists().where(self._has_won()))

    def _checks(self, connection: Connection, sums: Mapping[str, Any]) -> Sequence[Check]:
        handed = select(func.count()).where(self.period.within(lead_handings.c.handed_at))
        bought = select(func.count(), total(orders.c.amount)).where(*self._bought(), exists().where(self._has_won()))
        count, revenue = connection.execute(bought).one()
        wholes = {"handed": connection.execute(handed).scalar_one(), **self._closed_wholes(connection)}
        ends = Check("ends", sum(sums[end] for end in _ENDS), wholes["handed"])
        return [ends, *agreed(sums, {**wholes, "orders": count, "revenue": revenue})]

    def _closed_wholes(self, connection: Connection) -> Mapping[str, int]:
        theirs = leads.c.dealer.is_not(None)
        count = select(leads.c.state, func.count()).where(theirs).group_by(leads.c.state)
        closed = _pairs(connection, count.where(self._closes()))
        now = _pairs(connection, count)
        return {
            "won": closed.get(LeadState.WON.value, 0),
            "lost": closed.get(LeadState.LOST.value, 0),
            "open_now": sum(now.get(state, 0) for state in _HELD),
        }


def _pairs(connection: Connection, query: Select[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _leads(*which: ColumnElement[bool]) -> Select[Any]:
    return select(*(leads.c[name] for name in _LEAD)).where(leads.c.dealer.is_not(None), *which)


def _held() -> Subquery:
    return _leads(leads.c.state.in_(_HELD)).subquery("held")


def _line(dealer: Any, figures: Mapping[str, Any]) -> dict[str, Any]:
    return {"dealer": dealer.code, "name": dealer.name, "region": dealer.region, **figures}
