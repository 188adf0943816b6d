"""The list of calls. Reads only; figures are in `reporting/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import select

from crm_bridge.models import calls as calls_table
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


def _cell(value: Cell | datetime) -> Cell:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
