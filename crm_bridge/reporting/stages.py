"""How far customers have come with us: how many are in each stage now, and who has moved from which to which in the
period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, and_, func, select

from crm_bridge.life_cycle import Stage
from crm_bridge.models import changes, customers
from crm_bridge.reporting.ledger import Key, Ledger
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import Check, Report, merged, summed

_FROM = {f"from_{stage.value}": stage.value for stage in Stage}
_SUMS = ("customers", "came", *_FROM, "left")
_CUSTOMER = ("id", "number", "name", "stage", "stage_since", "last_order_on")
_MOVE = ("at", "id", "customer_id", "before", "after", "by")
_BLANK = dict.fromkeys(_SUMS, 0)


@dataclass(frozen=True, slots=True)
class Stages:
    period: Period

    def ledgers(self) -> Sequence[Ledger]:
        there, moves = _customers(), self._moves()
        origins = {name: moves.c.before == stage for name, stage in _FROM.items()}
        return (
            Ledger(there, {"stage": "stage"}, _CUSTOMER, {"customers": None}),
            Ledger(moves, {"stage": "after"}, _MOVE, {"came": None, **origins}),
            Ledger(moves, {"stage": "before"}, _MOVE, {"left": None}),
        )

    def _moves(self) -> Subquery:
        columns = (changes.c.at, changes.c.id, changes.c.key.label("customer_id"), changes.c.before, changes.c.after)
        return select(*columns, changes.c.by).where(self._moved()).subquery("moves")

    def _moved(self) -> ColumnElement[bool]:
        """`life_cycle` writes a day as its midnight in UTC, whatever the site's zone."""
        days = Period(self.period.first, self.period.last, UTC)
        return and_(days.within(changes.c.at), changes.c.subject == customers.name, changes.c.field == "stage")

    def report(self, connection: Connection) -> Report:
        counted = [ledger.counted(connection) for ledger in self.ledgers()]
        found = merged(_BLANK, *counted, known=[(stage.value,) for stage in Stage])
        lines = [{"stage": key[0], **found[key]} for key in sorted(found, key=_by_stage)]
        sums = summed(lines, _SUMS)
        return Report(
            columns=("stage", *_SUMS),
            lines=lines,
            checks=self._checks(connection, sums),
            total={"stage": "total", **sums},
        )

    def _checks(self, connection: Connection, sums: Mapping[str, Any]) -> Sequence[Check]:
        there = connection.execute(select(func.count()).select_from(customers)).scalar_one()
        moved = connection.execute(select(func.count()).select_from(changes).where(self._moved())).scalar_one()
        origins = sum(sums[name] for name in _FROM)
        return [
            Check("customers", sums["customers"], there),
            Check("came", sums["came"], moved),
            Check("from", origins, moved),
            Check("left", sums["left"], moved),
        ]


def _customers() -> Subquery:
    return select(*(customers.c[name] for name in _CUSTOMER)).subquery("customer_rows")


def _by_stage(key: Key) -> tuple[int, str]:
    known = [stage.value for stage in Stage]
    return (known.index(key[0]) if key[0] in known else len(known), str(key[0]))
