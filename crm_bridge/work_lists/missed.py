"""Callers with whom nobody has spoken since their newest call that we missed. So the list clears itself: by any
conversation, on any of the customer's numbers, whoever called whom.

A caller is a customer, with all of their numbers, or else a number. How it is asked: the misses of the days in question
are grouped by caller, and each group asks the indices of calls and interactions whether anything came after it; only
the lines that are shown are read. Who shows no number cannot be called back, and is only counted.

A line that somebody closes is hidden until there is a newer miss. Its `closed_at` is the moment of the newest miss that
was known then: one that is told late (the fail-open spool, a store that was away) is not closed with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, func, or_, select

from crm_bridge.models import calls, work_items
from crm_bridge.work_lists.items import Item, ItemKind
from crm_bridge.work_lists.lines import Wanted
from crm_bridge.work_lists.missed_figures import OF_CUSTOMERS, OF_NUMBERS, MissedLine, figures
from crm_bridge.work_lists.spoken import ENDED, MISSED, last_spoken

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class OpenMiss:
    """``last_at``: of the newest miss. ``spoken_at``: with the caller, before that."""

    last_at: datetime
    spoken_at: datetime | None


def missed(connection: Connection, wanted: Wanted) -> list[MissedLine]:
    """Who was missed last comes first."""
    query = _open(_callers(wanted.since), wanted.taken_by).limit(wanted.limit)
    callers = connection.execute(query).all()
    pieces = (callers[begin : begin + _AT_ONCE] for begin in range(0, len(callers), _AT_ONCE))
    return [line for piece in pieces for line in figures(connection, piece, wanted)]


def without_number(connection: Connection, wanted: Wanted) -> int:
    """How many misses there are whose callers nobody can call back."""
    nameless = select(func.count()).where(calls.c.ani_e164.is_(None), calls.c.started_at >= wanted.since, MISSED)
    return int(connection.execute(nameless).scalar_one())


def known_as(connection: Connection, item: Item) -> Item:
    """The line on which this missed caller is: a customer's number leads to the customer."""
    if not item.key.startswith("+"):
        return item
    theirs = select(calls.c.customer_id).where(calls.c.ani_e164 == item.key).order_by(calls.c.started_at.desc())
    customer = connection.execute(theirs.limit(1)).scalar()
    return item if customer is None else Item(ItemKind.MISSED, f"c{customer}")


def open_miss(connection: Connection, item: Item) -> OpenMiss | None:
    """Of a caller by the name that `known_as` gives, however long ago it was."""
    by_number = item.key.startswith("+")
    kind, key = (OF_NUMBERS, item.key) if by_number else (OF_CUSTOMERS, int(item.key[1:]))
    found = connection.execute(_open(_callers(_EVER).where(kind.by == key, kind.where))).first()
    if found is None:
        return None
    spoken_at = connection.execute(select(last_spoken(kind.talks, [key]).c.at)).scalar()
    return OpenMiss(found.last_at, spoken_at)


def _callers(since: datetime) -> Select[Any]:
    """Everybody whom we missed, with the newest miss. They are grouped by the name of their line: by the customer's
    column itself SQLite would rather read the calls of all times in that index's order."""
    item = case(
        (calls.c.customer_id.is_(None), OF_NUMBERS.item(calls.c.ani_e164)), else_=OF_CUSTOMERS.item(calls.c.customer_id)
    )
    customer_id = func.max(calls.c.customer_id)
    number = case((customer_id.is_(None), func.max(calls.c.ani_e164)))
    last_at = func.max(ENDED).label("last_at")
    return (
        select(item.label("item"), customer_id.label("customer_id"), number.label("number"), last_at)
        .where(calls.c.started_at >= since, calls.c.ani_e164.is_not(None), MISSED)
        .group_by("item")
    )


def _open(callers: Select[Any], taken_by: str | None = None) -> Select[Any]:
    """Those of them with whom nobody has spoken since, and whom nobody has closed since. Whoever had taken the line on
    before the last conversation did so for an older miss, and has it no more."""
    they = callers.subquery("caller")
    has_it = and_(work_items.c.taken_by != "", _not_spoken_after(they, work_items.c.taken_at))
    taker = case((has_it, work_items.c.taken_by), else_="")
    query = (
        select(they, taker.label("taken_by"), work_items.c.taken_at)
        .outerjoin(work_items, work_items.c.item == they.c.item)
        .where(
            or_(work_items.c.closed_at.is_(None), work_items.c.closed_at < they.c.last_at),
            _not_spoken_after(they, they.c.last_at),
        )
        .order_by(they.c.last_at.desc(), they.c.item)
    )
    return query if taken_by is None else query.where(taker == taken_by)


def _not_spoken_after(they: Subquery, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Each sort of conversation asked by itself: PostgreSQL makes anti-joins of them then."""
    with_customer = [~talk.after(they.c.customer_id, at) for talk in OF_CUSTOMERS.talks]
    return and_(*with_customer, *(~talk.after(they.c.number, at) for talk in OF_NUMBERS.talks))
