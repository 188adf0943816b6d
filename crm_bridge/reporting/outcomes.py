"""The outcomes of calls as reports sort them. Each outcome has exactly one place in `PLACES`; one that has none shows
in the books, which count it by another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, exists, func, select

from crm_bridge.models import calls, customers
from crm_bridge.outcome import Outcome
from crm_bridge.reporting.period import Period

PLACES: Mapping[str, tuple[Outcome, ...]] = {
    "answered": (Outcome.ANSWERED,),
    "abandoned_ivr": (Outcome.ABANDONED_IVR,),
    "abandoned_queue": (Outcome.ABANDONED_QUEUE,),
    "other": (
        *(Outcome.TIMEOUT, Outcome.OVERFLOW, Outcome.CALLBACK, Outcome.VOICEMAIL, Outcome.SELF_SERVED),
        *(Outcome.REJECTED, Outcome.SYSTEM_FAILURE, Outcome.PBX_LOST),
    ),
}
ABANDONED = ("abandoned_ivr", "abandoned_queue")
# The caller wanted somebody, and nobody has spoken to them.
LOST = (Outcome.ABANDONED_QUEUE, Outcome.TIMEOUT, Outcome.OVERFLOW, Outcome.SYSTEM_FAILURE, Outcome.PBX_LOST)


def conditions(rows: FromClause) -> Mapping[str, ColumnElement[bool]]:
    """``rows``: with the columns `outcome` and `answered_at` of calls."""
    outcome = rows.c.outcome
    places = {place: outcome.in_([one.value for one in outcomes]) for place, outcomes in PLACES.items()}
    return {
        **places,
        "abandoned": outcome.in_([one.value for place in ABANDONED for one in PLACES[place]]),
        "goes_on": outcome.is_(None),
        "lost": and_(outcome.in_([one.value for one in LOST]), rows.c.answered_at.is_(None)),
    }


def wholes(connection: Connection, period: Period) -> Mapping[str, int]:
    """The same figures of all calls of the period, without any line: by the outcomes as they are written."""
    unanswered = func.count(case((calls.c.answered_at.is_(None), 1)))
    query = select(calls.c.outcome, func.count(), unanswered).where(period.within(calls.c.started_at))
    found = {outcome: (count, lost) for outcome, count, lost in connection.execute(query.group_by(calls.c.outcome))}
    by = {outcome: count for outcome, (count, _) in found.items()}
    named = {place: by.get(place, 0) for place in ("answered", *ABANDONED)}
    everything, going_on = sum(by.values()), by.get(None, 0)
    return {
        "calls": everything,
        **named,
        "abandoned": named["abandoned_ivr"] + named["abandoned_queue"],
        "other": everything - going_on - sum(named.values()),
        "goes_on": going_on,
        "lost": sum(found[one.value][1] for one in LOST if one.value in found),
    }


def first_callers(connection: Connection, period: Period) -> int:
    mine = exists().where(customers.c.id == calls.c.customer_id, customers.c.first_call_id == calls.c.call_id)
    query = select(func.count()).select_from(calls).where(period.within(calls.c.started_at), mine)
    return int(connection.execute(query).scalar_one())


def placed(figures: Mapping[str, Any]) -> int:
    """All that have some place: as many as there are calls."""
    return int(sum(figures[name] for name in (*PLACES, "goes_on")))
