"""What a line of the missed callers tells: how often and since when, of the misses after the last conversation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)

from crm_bridge.consent import Channel, must_not
from crm_bridge.entry import TAKEN_ON
from crm_bridge.models import call_events, calls, customers, work_items
from crm_bridge.work_lists.items import ItemKind
from crm_bridge.work_lists.lines import CustomersLine, Wanted, customer_columns
from crm_bridge.work_lists.spoken import ENDED, MISSED, WITH_CUSTOMER, WITH_NUMBER, Talks, last_spoken

MUST_NOT = "must not be called"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedLine(CustomersLine):
    """``number``, ``queue``, ``source``, ``call_id``: of the newest miss (the queue: of the newest that had one).
    ``rung_by``: the agent who has rung them back since, in vain. ``mark``: for whoever is about to call."""

    since: datetime
    last_at: datetime
    times: int
    queue: str
    source: str
    longest_wait_s: float | None
    rung_by: str
    mark: str
    call_id: str


@dataclass(frozen=True, slots=True)
class CallerKind:
    """``by``: the column of `calls` that tells one caller from another, where ``where`` holds."""

    prefix: str
    by: ColumnElement[Any]
    where: ColumnElement[bool]
    talks: Sequence[Talks]

    def item(self, key: ColumnElement[Any]) -> ColumnElement[str]:
        return literal(self.prefix, String).concat(cast(key, String))


OF_CUSTOMERS = CallerKind(f"{ItemKind.MISSED}-c", calls.c.customer_id, true(), WITH_CUSTOMER)
OF_NUMBERS = CallerKind(f"{ItemKind.MISSED}-", calls.c.ani_e164, calls.c.customer_id.is_(None), WITH_NUMBER)


def figures(connection: Connection, callers: Sequence[Row[Any]], wanted: Wanted) -> Iterator[MissedLine]:
    """The lines of ``callers``: customer_id, number, last_at, item, taken_by and taken_at of each."""
    ids = [caller.customer_id for caller in callers if caller.customer_id is not None]
    numbers = [caller.number for caller in callers if caller.customer_id is None]
    found = {**_told(connection, OF_CUSTOMERS, ids, wanted), **_told(connection, OF_NUMBERS, numbers, wanted)}
    people = _people(connection, ids)
    rung = _rung(connection, [row.call_id for row in found.values()])
    for caller in callers:
        row = found.get(caller.number if caller.customer_id is None else caller.customer_id)
        if row is not None:  # else somebody has spoken with them this very moment
            yield _line(caller, row, people.get(caller.customer_id), rung.get(row.call_id, ""))


def _line(caller: Row[Any], row: Row[Any], known: Row[Any] | None, rung_by: str) -> MissedLine:
    return MissedLine(
        item=caller.item,
        taken_by=caller.taken_by,
        taken_at=caller.taken_at if caller.taken_by else None,
        customer_id=caller.customer_id,
        customer=known.customer if known is not None else "",
        name=known.name if known is not None else row.caller_name,
        tier=known.tier if known is not None else "",
        number=row.number,
        since=row.since,
        last_at=caller.last_at,
        times=row.times,
        queue=row.queue,
        source=row.media_source,
        longest_wait_s=row.longest_wait_s,
        rung_by=rung_by,
        mark=MUST_NOT if row.must_not else "",
        call_id=row.call_id,
    )


def _told(connection: Connection, kind: CallerKind, keys: Sequence[Any], wanted: Wanted) -> Mapping[Any, Row[Any]]:
    """Key → the newest miss, and what all of them come to."""
    if not keys:
        return {}
    newest = _misses(kind, keys, wanted.since).subquery("miss")
    mark = must_not(newest.c.number, Channel.CALL, wanted.now).label("must_not")
    return {row.key: row for row in connection.execute(select(newest, mark).where(newest.c.nr == 1))}


def _misses(kind: CallerKind, keys: Sequence[Any], since: datetime) -> Select[Any]:
    """Numbered from the newest on, by caller; each with the figures of all."""
    spoken, by = last_spoken(kind.talks, keys), kind.by
    with_a_queue_first = (case((calls.c.queue == "", 1), else_=0), ENDED.desc())
    columns: Sequence[ColumnElement[Any]] = (
        by.label("key"),
        calls.c.call_id,
        calls.c.ani_e164.label("number"),
        calls.c.caller_name,
        calls.c.media_source,
        func.row_number().over(partition_by=by, order_by=(ENDED.desc(), calls.c.call_id)).label("nr"),
        func.count().over(partition_by=by).label("times"),
        func.min(ENDED).over(partition_by=by).label("since"),
        func.max(calls.c.waited_s).over(partition_by=by).label("longest_wait_s"),
        func.first_value(calls.c.queue).over(partition_by=by, order_by=with_a_queue_first).label("queue"),
    )
    return (
        select(*columns)
        .outerjoin(spoken, spoken.c.key == by)
        .outerjoin(work_items, work_items.c.item == kind.item(by))
        .where(
            and_(by.in_(keys), kind.where, calls.c.ani_e164.is_not(None), calls.c.started_at >= since, MISSED),
            or_(spoken.c.at.is_(None), spoken.c.at < ENDED),
            or_(work_items.c.closed_at.is_(None), work_items.c.closed_at < ENDED),
        )
    )


def _people(connection: Connection, ids: Sequence[int]) -> Mapping[int, Row[Any]]:
    if not ids:
        return {}
    query = select(*customer_columns()).where(customers.c.id.in_(ids))
    return {row.customer_id: row for row in connection.execute(query)}


def _rung(connection: Connection, call_ids: Sequence[str]) -> Mapping[str, str]:
    """Call → the agent who took it on at their phone."""
    columns = (call_events.c.call_id, call_events.c.fields)
    query = select(*columns).where(call_events.c.call_id.in_(call_ids), call_events.c.kind == TAKEN_ON)
    return {call_id: str(fields.get("agent", "")) for call_id, fields in connection.execute(query)}
