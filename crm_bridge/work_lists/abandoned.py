"""Whom an agent rings back from their phone (*38)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, select

from crm_bridge.consent import Channel, must_not
from crm_bridge.entry import TAKEN_ON
from crm_bridge.models import call_events, calls, work_items
from crm_bridge.outcome import Outcome
from crm_bridge.store import CrmStore
from crm_bridge.work_lists.missed_figures import OF_CUSTOMERS, OF_NUMBERS
from crm_bridge.work_lists.spoken import ENDED


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A caller who gave up waiting. ``number``: E.164."""

    call_id: str
    number: str
    queue: str


async def last_abandoned(
    store: CrmStore, queues: Sequence[str], done: Collection[str] = (), *, now: datetime
) -> Abandoned | None:
    """The newest of these queues with whom nobody has talked since, whom nobody has rung back or closed on the list of
    the missed, and who may be called; ``done``: calls that somebody has taken on a moment ago. Raises StoreAway."""
    return await store.read(partial(_last_abandoned, queues=tuple(queues), done=tuple(done), now=now))


def _last_abandoned(
    connection: Connection, queues: Sequence[str], done: Sequence[str], now: datetime
) -> Abandoned | None:
    later = calls.alias("later")
    talked = select(later.c.call_id).where(
        later.c.ani_e164 == calls.c.ani_e164,
        later.c.started_at > calls.c.started_at,
        later.c.outcome == Outcome.ANSWERED.value,
    )
    rung = select(call_events.c.call_id).where(call_events.c.call_id == calls.c.call_id, call_events.c.kind == TAKEN_ON)
    items = [kind.item(kind.by) for kind in (OF_CUSTOMERS, OF_NUMBERS)]
    closed = select(work_items.c.item).where(work_items.c.item.in_(items), work_items.c.closed_at >= ENDED)
    query = (
        select(calls.c.call_id, calls.c.ani_e164, calls.c.queue)
        .where(
            calls.c.outcome == Outcome.ABANDONED_QUEUE.value,
            calls.c.queue.in_(queues),
            calls.c.ani_e164.is_not(None),
            calls.c.call_id.not_in(done),
            ~talked.exists(),
            ~rung.exists(),
            ~closed.exists(),
            ~must_not(calls.c.ani_e164, Channel.CALL, now),
        )
        .order_by(calls.c.started_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return Abandoned(*row) if row is not None else None
