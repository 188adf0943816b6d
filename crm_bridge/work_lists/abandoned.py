"""What the calls have left to be done, and what callers think of us. Reads only, newest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Select, select, tuple_

from crm_bridge.entry import SURVEY
from crm_bridge.follow_ups import COMMENT, COMMENT_S, OPEN, RECORDING
from crm_bridge.models import call_events, calls, surveys, tasks
from crm_bridge.store import CrmStore

TaskKind = Literal["voicemail", "callback"]


@dataclass(frozen=True, slots=True)
class TaskRow:
    """``number``: E.164, '' when nobody knows it. ``recording``: the name of a file, without folder and ending."""

    opened_at: datetime
    call_id: str
    number: str
    box: str
    queue: str
    language: str
    recording: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """One caller's answers. ``agent``: with whom they had spoken. ``recording``: their comment."""

    at: datetime
    call_id: str
    number: str
    queue: str
    agent: str
    scores: Mapping[str, int] = field(default_factory=dict)
    recording: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A caller who gave up waiting. ``number``: E.164."""

    call_id: str
    number: str
    queue: str


async def last_abandoned(store: CrmStore, queues: Sequence[str], done: Collection[str] = ()) -> Abandoned | None:
    """The newest of these queues with whom nobody has talked since, and whom nobody has rung back; ``done``: calls that
    somebody has taken on a moment ago. Raises StoreAway."""
    return await store.read(partial(_last_abandoned, queues=tuple(queues), done=tuple(done)))


def _last_abandoned(connection: Connection, queues: Sequence[str], done: Sequence[str]) -> Abandoned | None:
    later = calls.alias("later")
    talked = select(later.c.call_id).where(
        later.c.ani_e164 == calls.c.ani_e164, later.c.started_at > calls.c.started_at, later.c.outcome == "answered"
    )
    rung = select(call_events.c.call_id).where(
        call_events.c.call_id == calls.c.call_id, call_events.c.kind == "rung_back"
    )
    query = (
        select(calls.c.call_id, calls.c.ani_e164, calls.c.queue)
        .where(
            calls.c.outcome == "abandoned_queue",
            calls.c.queue.in_(queues),
            calls.c.ani_e164.is_not(None),
            calls.c.call_id.not_in(done),
            ~talked.exists(),
            ~rung.exists(),
        )
        .order_by(calls.c.started_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return Abandoned(*row) if row is not None else None


async def open_tasks(store: CrmStore, kind: TaskKind, limit: int = 50) -> list[TaskRow]:
    """Raises StoreAway."""
    query = _open(kind).limit(limit)
    return await store.read(lambda connection: [_task(row) for row in connection.execute(query)])


async def survey_answers(store: CrmStore, limit: int = 50) -> list[SurveyRow]:
    """Marks, spoken comments or both. Raises StoreAway."""
    found = await store.read(partial(_answers, limit=limit))
    return sorted(found.values(), key=lambda row: row.at, reverse=True)[:limit]


def _answers(connection: Connection, limit: int) -> dict[tuple[str, int], SurveyRow]:
    found = _comments(connection, limit)
    for row in connection.execute(_marks(limit)):
        key = (row.call_id, row.seq)
        known = found.get(key) or _survey(row, row.at)
        found[key] = replace(known, scores={**known.scores, row.name: row.score})
    return found


def _open(kind: str) -> Select[Any]:
    return (
        select(tasks)
        .where(tasks.c.state == OPEN, tasks.c.kind == kind)
        .order_by(tasks.c.opened_at.desc(), tasks.c.id.desc())
    )


def _task(row: Any) -> TaskRow:
    said = row.fields
    box, language = _text(said, "box"), _text(said, "language")
    recording, seconds = _text(said, RECORDING), _seconds(said, "seconds")
    return TaskRow(row.opened_at, row.call_id, row.number or "", box, row.queue, language, recording, seconds)


def _call_columns() -> Sequence[Any]:
    return calls.c.ani_e164, calls.c.queue, calls.c.agent


def _comments(connection: Connection, limit: int) -> dict[tuple[str, int], SurveyRow]:
    columns = (tasks.c.call_id, tasks.c.seq, tasks.c.opened_at, tasks.c.fields)
    query = (
        _open(SURVEY)
        .with_only_columns(*columns, *_call_columns())
        .join_from(tasks, calls, calls.c.call_id == tasks.c.call_id)
        .limit(limit)
    )
    return {
        (row.call_id, row.seq): replace(
            _survey(row, row.opened_at),
            recording=_text(row.fields, COMMENT),
            seconds=_seconds(row.fields, COMMENT_S),
        )
        for row in connection.execute(query)
    }


def _marks(limit: int) -> Select[Any]:
    """All marks of the newest surveys."""
    newest = (
        select(surveys.c.call_id, surveys.c.seq)
        .group_by(surveys.c.call_id, surveys.c.seq, surveys.c.at)
        .order_by(surveys.c.at.desc())
        .limit(limit)
    )
    columns = (surveys.c.call_id, surveys.c.seq, surveys.c.name, surveys.c.score, surveys.c.at)
    return (
        select(*columns, *_call_columns())
        .join(calls, calls.c.call_id == surveys.c.call_id)
        .where(tuple_(surveys.c.call_id, surveys.c.seq).in_(newest))
        .order_by(surveys.c.name)
    )


def _survey(row: Any, at: datetime) -> SurveyRow:
    return SurveyRow(at, row.call_id, row.ani_e164 or "", row.queue, row.agent)


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""


def _seconds(said: Mapping[str, Any], key: str) -> float | None:
    value = said.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
