"""What callers think of us: the answers that ask for a call, or all of them. The newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, Select, Subquery, func, select, union_all

from crm_bridge.follow_ups import COMMENT, COMMENT_S, OPEN
from crm_bridge.models import calls, customers, surveys, tasks, work_items
from crm_bridge.store import CrmStore
from crm_bridge.work_lists.items import ItemKind, called
from crm_bridge.work_lists.lines import CustomersLine, Wanted, chosen, customer_columns, taken_columns
from crm_bridge.work_lists.tasks import seconds_in, text_in

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow(CustomersLine):
    """One caller's answers. ``agent``: with whom they had spoken. ``recording``: their comment."""

    at: datetime
    call_id: str
    queue: str
    agent: str
    scores: Mapping[str, int] = field(default_factory=dict)
    recording: str = ""
    seconds: float | None = None


async def survey_answers(store: CrmStore, limit: int = 50) -> list[SurveyRow]:
    """Marks, spoken comments or both. Raises StoreAway."""
    wanted = Wanted(datetime.now(UTC), store.rules.zone, limit, all=True)
    return await store.read(partial(answers, wanted=wanted))


def answers(connection: Connection, wanted: Wanted) -> list[SurveyRow]:
    """With a mark that is too low, of the days in question and not closed yet; or all there are."""
    query = _lines((_all() if wanted.all else _low(wanted)).subquery("given"))
    if not wanted.all:
        query = query.where(work_items.c.closed_at.is_(None))
    rows = connection.execute(chosen(query, wanted)).all()
    pieces = (rows[begin : begin + _AT_ONCE] for begin in range(0, len(rows), _AT_ONCE))
    return [row for piece in pieces for row in _answered(connection, piece)]


def _low(wanted: Wanted) -> Select[Any]:
    given = (surveys.c.call_id, surveys.c.seq, surveys.c.at)
    query = select(*given).where(surveys.c.at >= wanted.since).group_by(*given)
    return query.having(func.min(surveys.c.score) < wanted.below)


def _all() -> Select[Any]:
    """Also those that are only words."""
    marks = select(surveys.c.call_id, surveys.c.seq, surveys.c.at)
    words = select(tasks.c.call_id, tasks.c.seq, tasks.c.opened_at).where(
        tasks.c.state == OPEN, tasks.c.kind == ItemKind.SURVEY.value
    )
    every = union_all(marks, words).subquery()
    return select(every.c.call_id, every.c.seq, func.max(every.c.at).label("at")).group_by(every.c.call_id, every.c.seq)


def _lines(given: Subquery) -> Select[Any]:
    item = called(ItemKind.SURVEY, given.c.call_id, given.c.seq)
    number = func.coalesce(calls.c.ani_e164, "").label("number")
    return (
        select(given, *taken_columns(item), *customer_columns(), number, calls.c.queue, calls.c.agent)
        .join(calls, calls.c.call_id == given.c.call_id)
        .outerjoin(customers, customers.c.id == calls.c.customer_id)
        .outerjoin(work_items, work_items.c.item == item)
        .order_by(given.c.at.desc(), given.c.call_id, given.c.seq)
    )


def _answered(connection: Connection, rows: Sequence[Row[Any]]) -> Iterator[SurveyRow]:
    calls_of = [row.call_id for row in rows]
    scores, words = _scores(connection, calls_of), _words(connection, calls_of)
    for row in rows:
        values = row._asdict()
        key = (row.call_id, values.pop("seq"))
        said = words.get(key, {})
        yield SurveyRow(
            **values,
            scores=scores.get(key, {}),
            recording=text_in(said, COMMENT),
            seconds=seconds_in(said, COMMENT_S),
        )


def _scores(connection: Connection, call_ids: Sequence[str]) -> Mapping[tuple[str, int], dict[str, int]]:
    query = select(surveys).where(surveys.c.call_id.in_(call_ids)).order_by(surveys.c.name)
    found: dict[tuple[str, int], dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault((row.call_id, row.seq), {})[row.name] = row.score
    return found


def _words(connection: Connection, call_ids: Sequence[str]) -> Mapping[tuple[str, int], Mapping[str, Any]]:
    columns = (tasks.c.call_id, tasks.c.seq, tasks.c.fields)
    query = select(*columns).where(tasks.c.call_id.in_(call_ids), tasks.c.kind == ItemKind.SURVEY.value)
    return {(call_id, seq): fields for call_id, seq, fields in connection.execute(query)}
