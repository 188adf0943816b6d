"""What is kept for a number of days goes when its days are over: out of the CRM, in small transactions, so that neither
the relay nor anybody who asks waits for it.

A call becomes a figure: what it was and how long it took stays; who called goes. A customer of whom we know nothing but
calls goes with the last of them. Whoever has an order, or is in the site's books, stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, or_, select, update

from crm_bridge.models import (
    api_requests,
    appointments,
    call_events,
    calls,
    changes,
    customer_numbers,
    customers,
    interactions,
    leads,
    orders,
    promises,
    quotes,
    recordings,
    surveys,
    tasks,
    tickets,
)
from crm_bridge.store import CrmStore

AT_ONCE = 500  # rows of one transaction
_PAUSE_S = 0.02  # between two: whoever else wants to write is next
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODYS = {"ani": "", "ani_e164": None, "caller_name": "", "customer_id": None, "attributes": None}
_OWNING = (calls, orders, quotes, leads, promises, appointments, tickets, interactions)


@dataclass(frozen=True, slots=True)
class Until:
    """What is older goes."""

    calls: datetime
    call_events: datetime
    messages: datetime
    surveys: datetime
    interactions: datetime
    recordings: datetime
    api_requests: datetime


@dataclass(slots=True)
class Gone:
    """How many rows."""

    calls: int = 0
    customers: int = 0
    call_events: int = 0
    messages: int = 0
    surveys: int = 0
    interactions: int = 0
    recordings: int = 0
    api_requests: int = 0


class Retention:
    """Remembers how far it has looked, so that the next day's look is short; a new one begins at the beginning."""

    def __init__(self, store: CrmStore, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._store, self._sleep = store, sleep
        self._calls_from = _BEGINNING
        self._events_from = (_BEGINNING, "")

    async def keep(self, until: Until) -> Gone:
        """One run. Raises StoreAway: what went is gone, the rest is for the next run."""
        gone = Gone()
        gone.interactions, theirs = await self._interactions(until.interactions)
        await self._call_events(until.call_events, gone)
        await self._calls(until.calls, gone)
        gone.customers += await self._write(partial(forget_strangers, ids=theirs)) if theirs else 0
        for kind in ("voicemail", "survey"):
            for state in ("open", "done"):
                where = and_(tasks.c.state == state, tasks.c.kind == kind)
                gone.messages += await self._older(tasks, tasks.c.opened_at, until.messages, where)
        gone.surveys = await self._older(surveys, surveys.c.at, until.surveys)
        gone.recordings = await self._older(recordings, recordings.c.at, until.recordings)
        gone.api_requests = await self._older(api_requests, api_requests.c.at, until.api_requests)
        return gone

    async def _write(self, job: Callable[[Connection], Any]) -> Any:
        done = await self._store.write(job)
        await self._sleep(_PAUSE_S)
        return done

    async def _older(
        self, table: Table, at: ColumnElement[Any], before: datetime, where: ColumnElement[bool] | None = None
    ) -> int:
        count = 0
        while went := await self._store.read(partial(_oldest, at=at, before=before, where=where)):
            count += await self._write(partial(_delete, table=table, at=at, until=went, where=where))
        return count

    async def _calls(self, before: datetime, gone: Gone) -> None:
        while found := await self._store.read(partial(_named_calls, since=self._calls_from, before=before)):
            gone.calls += len(found)
            gone.customers += await self._write(partial(_anonymise, found=found))
            self._calls_from = found[-1].started_at
        self._calls_from = max(self._calls_from, before)

    async def _call_events(self, before: datetime, gone: Gone) -> None:
        while page := await self._store.read(partial(_calls_after, last=self._events_from, before=before)):
            if ids := await self._store.read(partial(_with_events, page=page)):
                gone.call_events += await self._write(partial(_delete_events, ids=ids))
            self._events_from = (page[-1].started_at, page[-1].call_id)
        self._events_from = max(self._events_from, (before, ""))

    async def _interactions(self, before: datetime) -> tuple[int, set[int]]:
        """And whose they were. There is no index by their time alone, so all are looked at, a page at a time."""
        count, last, whose = 0, 0, set[int]()
        while page := await self._store.read(partial(_page, last=last)):
            last, old = page[-1].id, [row for row in page if row.at < before]
            if old:
                await self._write(partial(_delete_by_id, ids=[row.id for row in old]))
                count += len(old)
                whose |= {row.customer_id for row in old if row.customer_id is not None}
        return count, whose


# --- by the oldest first


def _oldest(connection: Connection, at: Any, before: datetime, where: Any) -> datetime | None:
    """The instant up to which `AT_ONCE` rows are older; None: there are none."""
    query = select(at).where(at < before).order_by(at)
    query = query if where is None else query.where(where)
    found = connection.execute(query.limit(AT_ONCE)).scalars().all()
    return found[-1] if found else None


def _delete(connection: Connection, table: Table, at: Any, until: datetime, where: Any) -> int:
    statement = delete(table).where(at <= until)
    return connection.execute(statement if where is None else statement.where(where)).rowcount


# --- calls


def _named_calls(connection: Connection, since: datetime, before: datetime) -> Sequence[Any]:
    named = or_(
        calls.c.ani != "",
        calls.c.ani_e164.is_not(None),
        calls.c.caller_name != "",
        calls.c.customer_id.is_not(None),
        calls.c.attributes.is_not(None),
    )
    query = (
        select(calls.c.call_id, calls.c.customer_id, calls.c.started_at)
        .where(calls.c.started_at >= since, calls.c.started_at < before, named)
        .order_by(calls.c.started_at)
    )
    return connection.execute(query.limit(AT_ONCE)).all()


def _anonymise(connection: Connection, found: Sequence[Any]) -> int:
    """How many customers went with them."""
    ids = [row.call_id for row in found]
    connection.execute(update(calls).where(calls.c.call_id.in_(ids)).values(_NOBODYS))
    connection.execute(update(tasks).where(tasks.c.call_id.in_(ids)).values(number=None, fields={}))
    return forget_strangers(connection, {row.customer_id for row in found if row.customer_id is not None})


def forget_strangers(connection: Connection, ids: Collection[int]) -> int:
    """Of these customers, those whom only their calls had made known, and who have none left, nor anything else."""
    count = 0
    for piece in _pieces(sorted(ids)):
        alone = and_(*(~select(1).where(table.c.customer_id == customers.c.id).exists() for table in _OWNING))
        query = select(customers.c.id).where(customers.c.id.in_(piece), customers.c.number.is_(None), alone)
        if gone := list(connection.execute(query).scalars()):
            keys = [str(id_) for id_ in gone]
            connection.execute(delete(customer_numbers).where(customer_numbers.c.customer_id.in_(gone)))
            connection.execute(delete(changes).where(changes.c.subject == "customers", changes.c.key.in_(keys)))
            connection.execute(delete(customers).where(customers.c.id.in_(gone)))
            count += len(gone)
    return count


def _pieces(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[begin : begin + AT_ONCE] for begin in range(0, len(ids), AT_ONCE))


def _calls_after(connection: Connection, last: tuple[datetime, str], before: datetime) -> Sequence[Any]:
    at, call_id = last
    behind = or_(calls.c.started_at > at, and_(calls.c.started_at == at, calls.c.call_id > call_id))
    query = (
        select(calls.c.call_id, calls.c.started_at)
        .where(calls.c.started_at >= at, calls.c.started_at < before, behind)
        .order_by(calls.c.started_at, calls.c.call_id)
    )
    return connection.execute(query.limit(AT_ONCE)).all()


def _with_events(connection: Connection, page: Sequence[Any]) -> list[str]:
    ids = [row.call_id for row in page]
    return list(
        connection.execute(select(call_events.c.call_id).where(call_events.c.call_id.in_(ids)).distinct()).scalars()
    )


def _delete_events(connection: Connection, ids: Sequence[str]) -> int:
    return connection.execute(delete(call_events).where(call_events.c.call_id.in_(ids))).rowcount


# --- interactions


def _page(connection: Connection, last: int) -> Sequence[Any]:
    query = select(interactions.c.id, interactions.c.at, interactions.c.customer_id).where(interactions.c.id > last)
    return connection.execute(query.order_by(interactions.c.id).limit(AT_ONCE)).all()


def _delete_by_id(connection: Connection, ids: Sequence[int]) -> None:
    connection.execute(delete(interactions).where(interactions.c.id.in_(ids)))
