"""A lead's way through the hands of dealers: handed over, accepted in time, or returned and handed to the next one.

    new ──assign──▶ assigned ──accept──▶ accepted ──close──▶ won, lost
     ▲                 │
     └─ return, expire ┘    whoever has had it does not get it again; with no dealer left it is ours

Each act answers whether it was possible: two who act at once is an everyday thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from crm_bridge.changing import change
from crm_bridge.models import customer_numbers, dealers, lead_handings, leads
from crm_bridge.rules import CrmRules

RULE = "rule:leads"
ACTIVE = "active"
NOWHERE = "unknown"  # a region without dealers
_AT_ONCE = 200


class LeadState(StrEnum):
    NEW = "new"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    WON = "won"
    LOST = "lost"


class HandingEnd(StrEnum):
    ACCEPTED = "accepted"
    RETURNED = "returned"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


TABLE: Mapping[str, tuple[LeadState, ...]] = {  # what may be done to a lead that is where
    "assign": (LeadState.NEW, LeadState.ASSIGNED),
    "accept": (LeadState.ASSIGNED,),
    "return": (LeadState.ASSIGNED, LeadState.ACCEPTED),
    "close": (LeadState.NEW, LeadState.ASSIGNED, LeadState.ACCEPTED),
    "reopen": (LeadState.LOST,),
}


def stands_against(state: str, act: str) -> str:
    """Why a lead that is so cannot be taken this step, for people; '' when it can."""
    fit = TABLE[act]
    return "" if state in fit else f"this needs one that is {' or '.join(one.value for one in fit)}"


def assign(connection: Connection, lead_id: int, dealer: str, rules: CrmRules, *, by: str, at: datetime) -> bool:
    """Into this dealer's hands; whoever has it, has it no more. False: no such lead or dealer, or it is too late."""
    lead = _lead(connection, lead_id, "assign")
    if lead is None or connection.execute(select(dealers.c.code).where(dealers.c.code == dealer)).first() is None:
        return False
    _end_handing(connection, lead, HandingEnd.WITHDRAWN, by=by, at=at)
    due_at, nr = at + timedelta(seconds=rules.leads.accept_s), lead["handings"] + 1
    handing = {"lead_id": lead_id, "nr": nr, "dealer": dealer, "handed_at": at, "due_at": due_at, "by": by[:64]}
    connection.execute(insert(lead_handings).values(handing))
    moved = {"state": LeadState.ASSIGNED.value, "dealer": dealer, "assigned_at": at, "due_at": due_at, "handings": nr}
    return change(connection, leads, {"id": lead_id}, moved, by=by, at=at)


def accept(connection: Connection, lead_id: int, *, by: str, at: datetime) -> bool:
    lead = _lead(connection, lead_id, "accept")
    if lead is None:
        return False
    _end_handing(connection, lead, HandingEnd.ACCEPTED, by=by, at=at)
    moved = {"state": LeadState.ACCEPTED.value, "accepted_at": at, "due_at": None}
    return change(connection, leads, {"id": lead_id}, moved, by=by, at=at)


def give_back(
    connection: Connection, lead_id: int, *, by: str, at: datetime, end: HandingEnd = HandingEnd.RETURNED
) -> bool:
    """Out of the dealer's hands: they do not want it, or have not said so in time."""
    lead = _lead(connection, lead_id, "return")
    if lead is None:
        return False
    _end_handing(connection, lead, end, by=by, at=at)
    moved = {"state": LeadState.NEW.value, "dealer": None, "due_at": None, "accepted_at": None}
    return change(connection, leads, {"id": lead_id}, moved, by=by, at=at)


def close(connection: Connection, lead_id: int, *, won: bool, by: str, at: datetime) -> bool:
    lead = _lead(connection, lead_id, "close")
    if lead is None:
        return False
    _end_handing(connection, lead, HandingEnd.WITHDRAWN, by=by, at=at)
    moved = {"state": (LeadState.WON if won else LeadState.LOST).value, "due_at": None, "closed_at": at}
    return change(connection, leads, {"id": lead_id}, moved, by=by, at=at)


def reopen(connection: Connection, lead_id: int, *, by: str, at: datetime) -> bool:
    """One that was lost, by mistake."""
    if _lead(connection, lead_id, "reopen") is None:
        return False
    moved = {"state": LeadState.NEW.value, "dealer": None, "closed_at": None, "accepted_at": None}
    return change(connection, leads, {"id": lead_id}, moved, by=by, at=at)


def due(connection: Connection, now: datetime) -> bool:
    """Is there anything for `expire` or `hand_out`?"""
    late = and_(leads.c.state == LeadState.ASSIGNED.value, leads.c.due_at <= now)
    waiting = and_(leads.c.state == LeadState.NEW.value, leads.c.region.not_in(("", NOWHERE)))
    return connection.execute(select(leads.c.id).where(or_(late, waiting)).limit(1)).first() is not None


def expire(connection: Connection, now: datetime) -> int:
    """Whatever no dealer has accepted in time is ours again."""
    due = select(leads.c.id).where(leads.c.state == LeadState.ASSIGNED.value, leads.c.due_at <= now)
    late = connection.execute(due.order_by(leads.c.due_at)).scalars().all()
    return sum(give_back(connection, id_, by=RULE, at=now, end=HandingEnd.EXPIRED) for id_ in late)


def hand_out(connection: Connection, rules: CrmRules, now: datetime) -> int:
    """Each new lead with a region goes to the dealer there who has had none for longest, and this one never."""
    new = select(leads.c.id, leads.c.region).where(leads.c.state == LeadState.NEW.value, leads.c.region != "")
    count = 0
    for lead in connection.execute(new.order_by(leads.c.opened_at, leads.c.id)).all():
        dealer = next_dealer(connection, lead.id, lead.region)
        count += dealer is not None and assign(connection, lead.id, dealer, rules, by=RULE, at=now)
    return count


def next_dealer(connection: Connection, lead_id: int, region: str) -> str | None:
    """None: every active dealer of the region has had it."""
    had = select(lead_handings.c.dealer).where(lead_handings.c.lead_id == lead_id)
    last = (
        select(func.max(lead_handings.c.handed_at))
        .where(lead_handings.c.dealer == dealers.c.code)
        .correlate(dealers)
        .scalar_subquery()
    )
    query = (
        select(dealers.c.code)
        .where(dealers.c.region == region, dealers.c.stage == ACTIVE, dealers.c.code.not_in(had))
        .order_by(last.asc().nulls_first(), dealers.c.code)
        .limit(1)
    )
    return connection.execute(query).scalar()


def homeless(connection: Connection) -> Sequence[tuple[int, str]]:
    """(lead, a number of its customer's) of each new lead whose region nobody has worked out yet."""
    number = (
        select(func.min(customer_numbers.c.e164))
        .where(customer_numbers.c.customer_id == leads.c.customer_id)
        .correlate(leads)
        .scalar_subquery()
    )
    query = select(leads.c.id, number).where(leads.c.state == LeadState.NEW.value, leads.c.region == "").limit(_AT_ONCE)
    return [(id_, e164 or "") for id_, e164 in connection.execute(query)]


def settle(connection: Connection, lead_id: int, region: str) -> None:
    """'' for one that is nowhere: nobody asks again."""
    where = (leads.c.id == lead_id, leads.c.region == "")
    connection.execute(update(leads).where(*where).values(region=region or NOWHERE))


def _lead(connection: Connection, lead_id: int, act: str) -> Mapping[str, Any] | None:
    """The lead, if that may be done to it."""
    states = [state.value for state in TABLE[act]]
    query = select(leads).where(leads.c.id == lead_id, leads.c.state.in_(states)).with_for_update()
    found = connection.execute(query).mappings().one_or_none()
    return None if found is None else {str(name): value for name, value in found.items()}


def _end_handing(connection: Connection, lead: Mapping[str, Any], end: HandingEnd, *, by: str, at: datetime) -> None:
    now_held = (
        lead_handings.c.lead_id == lead["id"],
        lead_handings.c.nr == lead["handings"],
        lead_handings.c.ended_at.is_(None),
    )
    values = {"ended_at": at, "ended_as": end.value, "by": by[:64]}
    connection.execute(update(lead_handings).where(*now_held).values(values))
