"""When we missed a caller, and when somebody has spoken with them. Each moment is that of the end: who hangs up on us
while a colleague talks with them on another line has been spoken with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, and_, exists, func, or_, select, union_all

from crm_bridge.contacts import CALL_OUT
from crm_bridge.models import calls, customer_numbers, interactions
from crm_bridge.outcome import Outcome

# Who leaves in a menu has not asked for anybody.
_MISSES = (Outcome.ABANDONED_QUEUE, Outcome.TIMEOUT, Outcome.OVERFLOW, Outcome.REJECTED, Outcome.SYSTEM_FAILURE)
MISSED = or_(
    calls.c.outcome.in_([outcome.value for outcome in _MISSES]),
    and_(calls.c.outcome == Outcome.PBX_LOST.value, calls.c.answered_at.is_(None)),
)
ENDED = func.coalesce(calls.c.ended_at, calls.c.started_at)


@dataclass(frozen=True, slots=True)
class Talks:
    """Conversations of one sort: with whom, until when, and where they are written down."""

    key: ColumnElement[Any]
    at: ColumnElement[datetime]
    of: FromClause
    where: ColumnElement[bool]

    def after(self, key: ColumnElement[Any], at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Was there one with this caller?"""
        return exists().select_from(self.of).where(self.where, self.key == key, self.at > at)

    def of_these(self, keys: Sequence[Any]) -> Select[Any]:
        return (
            select(self.key.label("key"), self.at.label("at"))
            .select_from(self.of)
            .where(self.where, self.key.in_(keys))
        )


_talk, _out, _number = calls.alias("talk"), interactions.alias("call_out"), customer_numbers.alias("their_number")
_TALKED = and_(_talk.c.outcome == Outcome.ANSWERED.value, _talk.c.talked_s > 0)
_UNTIL = func.coalesce(_talk.c.ended_at, _talk.c.started_at)
_CALLED = and_(_out.c.kind == CALL_OUT, _out.c.talked_s > 0)
_THEIRS = _number.join(_out, _out.c.address == _number.c.e164)

WITH_CUSTOMER = (
    Talks(_talk.c.customer_id, _UNTIL, _talk, _TALKED),
    Talks(_out.c.customer_id, _out.c.at, _out, _CALLED),
    Talks(_number.c.customer_id, _out.c.at, _THEIRS, _CALLED),
)
WITH_NUMBER = (
    Talks(_talk.c.ani_e164, _UNTIL, _talk, _TALKED),
    Talks(_out.c.address, _out.c.at, _out, _CALLED),
)


def last_spoken(talks: Sequence[Talks], keys: Sequence[Any]) -> Subquery:
    """``key`` → ``at`` of the last conversation, of those of ``keys`` with whom there was any."""
    every = union_all(*(sort.of_these(keys) for sort in talks)).subquery()
    return select(every.c.key, func.max(every.c.at).label("at")).group_by(every.c.key).subquery("spoken")
