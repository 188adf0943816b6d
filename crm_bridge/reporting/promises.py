"""Who keeps what was promised: the promises that fall due in the period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Subquery, and_, func, or_, select

from crm_bridge.models import promises
from crm_bridge.reporting.ledger import Ledger, label
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import Check, Report, summed
from crm_bridge.reporting.site_time import day_over
from crm_bridge.reporting.sums import ratio

_ENDS = ("kept_in_time", "kept_late", "open", "broken", "withdrawn")
_SUMS = ("made", *_ENDS)
_SHOWN = ("due_on", "id", "keeper", "customer_id", "text", "made_at", "kept_at", "withdrawn_at", "call_id")


@dataclass(frozen=True, slots=True)
class Promises:
    """``today``: the site's. ``names``: of keepers."""

    period: Period
    today: date
    names: Mapping[str, str] = field(default_factory=dict)

    def ledgers(self) -> Sequence[Ledger]:
        return (self._ledger(),)

    def _ledger(self) -> Ledger:
        """One that was kept is kept, also when it was taken back; in time: on its day by the site's clock."""
        rows = self._rows()
        kept, back = rows.c.kept_at.is_not(None), rows.c.withdrawn_at.is_not(None)
        open_, over = and_(~kept, ~back), rows.c.due_on < self.today
        ends = {
            "kept_in_time": and_(kept, rows.c.kept_at < rows.c.day_over),
            "kept_late": and_(kept, rows.c.kept_at >= rows.c.day_over),
            "open": and_(open_, ~over),
            "broken": and_(open_, over),
            "withdrawn": and_(~kept, back),
        }
        return Ledger(rows, {"keeper": "keeper"}, _SHOWN, {"made": None, **ends})

    def _rows(self) -> Subquery:
        over = day_over(promises.c.due_on, self.period).label("day_over")
        query = select(*(promises.c[name] for name in _SHOWN), over)
        return query.where(self.period.on(promises.c.due_on)).subquery("promise_rows")

    def report(self, connection: Connection) -> Report:
        counted = self._ledger().counted(connection)
        lines = [self._line(keeper, counted[(keeper,)]) for (keeper,) in sorted(counted)]
        sums = summed(lines, _SUMS)
        return Report(
            columns=("keeper", "name", *_SUMS, "share_kept"),
            lines=lines,
            checks=self._checks(connection, sums),
            total={"keeper": "total", **sums, "share_kept": _share_kept(sums)},
        )

    def _line(self, keeper: str, figures: Mapping[str, Any]) -> dict[str, Any]:
        named = {"keeper": label(keeper), "name": self.names.get(keeper, "")}
        return {**named, **figures, "share_kept": _share_kept(figures)}

    def _checks(self, connection: Connection, sums: Mapping[str, Any]) -> Sequence[Check]:
        due = self.period.on(promises.c.due_on)
        closed = or_(promises.c.kept_at.is_not(None), promises.c.withdrawn_at.is_not(None))
        whole = select(func.count()).select_from(promises).where(due)
        made, done = (connection.execute(query).scalar_one() for query in (whole, whole.where(closed)))
        return [
            Check("made", sums["made"], made),
            Check("ends", sum(sums[end] for end in _ENDS), made),
            Check("kept and withdrawn", sums["kept_in_time"] + sums["kept_late"] + sums["withdrawn"], done),
        ]


def _share_kept(figures: Mapping[str, Any]) -> float | None:
    """In time, of all whose time is over."""
    return ratio(figures["kept_in_time"], figures["kept_in_time"] + figures["kept_late"] + figures["broken"])
