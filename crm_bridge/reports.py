"""What the CRM store has to tell: the list of calls, and what each media source brought. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, select

from crm_bridge.models import calls as calls_table
from crm_bridge.models import media_sources
from crm_bridge.outcome import Outcome
from crm_bridge.store import CrmStore

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call as `hotline calls` shows it. ``outcome`` is None while it goes on; durations in seconds."""

    call_id: str
    dnis: str
    ani: str
    media_source: str
    campaign: str
    language: str
    queue: str
    agent: str
    outcome: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    waited_s: float | None
    talked_s: float | None
    hangup_by: str
    customer_id: int | None
    caller_name: str
    cause: str
    queued_at: datetime | None
    offered_at: datetime | None
    offered_s: float | None
    last_node: str

    def as_json(self) -> Mapping[str, Cell]:
        """Instants as ISO 8601 in UTC with milliseconds."""
        return {key: _cell(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class MediaRow:
    """One media source. ``calls`` counts every accepted call; ``abandoned`` those whose caller gave up,
    in the menu or in the queue; what is neither answered nor abandoned ended otherwise or still goes on."""

    source: str
    name: str
    calls: int
    answered: int
    abandoned: int

    def as_json(self) -> Mapping[str, Cell]:
        return asdict(self)


async def calls(
    store: CrmStore, limit: int = 50, *, since: datetime | None = None, call_id: str | None = None
) -> list[CallRow]:
    """Newest first. ``since`` (aware): calls that began at or after it. Raises StoreAway."""
    columns = [calls_table.c[field.name] for field in fields(CallRow)]
    query = select(*columns).order_by(calls_table.c.started_at.desc(), calls_table.c.call_id).limit(limit)
    if since is not None:
        query = query.where(calls_table.c.started_at >= since)
    if call_id is not None:
        query = query.where(calls_table.c.call_id == call_id)
    return await store.read(lambda connection: [CallRow(*row) for row in connection.execute(query)])


async def media_report(
    store: CrmStore, *, since: datetime | None = None, until: datetime | None = None
) -> list[MediaRow]:
    """Every known source, also one that brought nothing; most calls first. Calls that began in
    [since, until), aware. Raises StoreAway."""
    outcome = calls_table.c.outcome
    abandoned = (Outcome.ABANDONED_IVR.value, Outcome.ABANDONED_QUEUE.value)
    count = func.count(calls_table.c.call_id)
    query = (
        select(
            media_sources.c.id,
            media_sources.c.name,
            count,
            _count_if(outcome == Outcome.ANSWERED.value),
            _count_if(outcome.in_(abandoned)),
        )
        .outerjoin(calls_table, _began_within(since, until))
        .group_by(media_sources.c.id, media_sources.c.name)
        .order_by(count.desc(), media_sources.c.id)
    )
    return await store.read(lambda connection: [MediaRow(*row) for row in connection.execute(query)])


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _began_within(since: datetime | None, until: datetime | None) -> ColumnElement[bool]:
    condition = calls_table.c.media_source == media_sources.c.id
    if since is not None:
        condition = and_(condition, calls_table.c.started_at >= since)
    if until is not None:
        condition = and_(condition, calls_table.c.started_at < until)
    return condition


def _cell(value: Cell | datetime) -> Cell:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
