"""Messages and wishes to be called back that nobody has dealt with. The newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Select, and_, false, select

from crm_bridge.consent import Channel, must_not
from crm_bridge.follow_ups import OPEN, RECORDING
from crm_bridge.models import customer_numbers, customers, tasks, work_items
from crm_bridge.store import CrmStore
from crm_bridge.work_lists.items import ItemKind, called
from crm_bridge.work_lists.lines import CustomersLine, Wanted, chosen, customer_columns, taken_columns
from crm_bridge.work_lists.missed_figures import MUST_NOT

TaskKind = Literal["voicemail", "callback"]
ASKED = f"{MUST_NOT}, but has asked for this call"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow(CustomersLine):
    """``recording``: the name of a file, without folder and ending. ``mark``: for whoever is about to call."""

    opened_at: datetime
    call_id: str
    box: str
    queue: str
    language: str
    recording: str
    seconds: float | None
    mark: str


async def open_tasks(store: CrmStore, kind: TaskKind, limit: int = 50, *, now: datetime | None = None) -> list[TaskRow]:
    """Raises StoreAway."""
    wanted = Wanted(now or datetime.now(UTC), store.rules.zone, limit)
    return await store.read(partial(tasks_of, kind=kind, wanted=wanted))


def tasks_of(connection: Connection, kind: TaskKind, wanted: Wanted) -> list[TaskRow]:
    return [_task(row) for row in connection.execute(chosen(_open(kind, wanted.now), wanted))]


def callbacks(connection: Connection, wanted: Wanted) -> list[TaskRow]:
    return tasks_of(connection, "callback", wanted)


def voicemails(connection: Connection, wanted: Wanted) -> list[TaskRow]:
    return tasks_of(connection, "voicemail", wanted)


def _open(kind: TaskKind, now: datetime) -> Select[Any]:
    item = called(ItemKind(kind), tasks.c.id)
    columns = (tasks.c.opened_at, tasks.c.call_id, tasks.c.number, tasks.c.queue, tasks.c.fields)
    forbidden = and_(tasks.c.number.is_not(None), must_not(tasks.c.number, Channel.CALL, now))
    mark = (forbidden if kind == "callback" else false()).label("must_not")
    return (
        select(*taken_columns(item), *customer_columns(), *columns, mark)
        .select_from(tasks)
        .outerjoin(customer_numbers, customer_numbers.c.e164 == tasks.c.number)
        .outerjoin(customers, customers.c.id == customer_numbers.c.customer_id)
        .outerjoin(work_items, work_items.c.item == item)
        .where(tasks.c.state == OPEN, tasks.c.kind == kind)
        .order_by(tasks.c.opened_at.desc(), tasks.c.id.desc())
    )


def _task(row: Any) -> TaskRow:
    values = row._asdict()
    said, forbidden = values.pop("fields"), values.pop("must_not")
    return TaskRow(
        **{**values, "number": row.number or ""},
        box=text_in(said, "box"),
        language=text_in(said, "language"),
        recording=text_in(said, RECORDING),
        seconds=seconds_in(said, "seconds"),
        mark=ASKED if forbidden else "",
    )


def text_in(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return value if isinstance(value, str) else ""


def seconds_in(said: Mapping[str, Any], key: str) -> float | None:
    value = said.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
