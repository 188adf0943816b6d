"""All contacts with a customer, the newest first: their calls, and what is in `interactions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from crm_bridge.card.finding import addresses_of
from crm_bridge.card.rows import CardRows, rows_of
from crm_bridge.follow_ups import RECORDING
from crm_bridge.models import calls, dispositions, interactions, legs, tasks
from crm_bridge.work_lists.items import ItemKind
from crm_bridge.work_lists.tasks import text_in

CALL = "call"


@dataclass(frozen=True, slots=True)
class Contact:
    """``kind``: call, or one of `interactions`. ``by``: who noted it, or the agent. ``outcome`` None: of no call, or of
    one that goes on. ``disposition`` to ``promised_on``: what the agent has said of the call. ``legs``: whom they spoke
    with in turn. ``recording``: of a message, the name of its file."""

    at: datetime
    kind: str
    direction: str
    address: str
    by: str
    text: str = ""
    call_id: str | None = None
    source: str = ""
    queue: str = ""
    outcome: str | None = None
    waited_s: float | None = None
    talked_s: float | None = None
    disposition: str = ""
    amount: Decimal | None = None
    promised_on: date | None = None
    legs: CardRows = ()
    recording: str = ""


def time_line(connection: Connection, customer_id: int, limit: int = 50) -> list[Contact]:
    found = [*_calls(connection, customer_id, limit), *_others(connection, customer_id, limit)]
    return sorted(found, key=lambda contact: contact.at, reverse=True)[:limit]


def _calls(connection: Connection, customer_id: int, limit: int) -> list[Contact]:
    said = (dispositions.c.code, dispositions.c.amount, dispositions.c.promised_on)
    query = (
        select(calls, *said)
        .outerjoin(dispositions, dispositions.c.call_id == calls.c.call_id)
        .where(calls.c.customer_id == customer_id)
        .order_by(calls.c.started_at.desc(), calls.c.call_id)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    call_ids = [row.call_id for row in rows]
    legs_of, messages = _legs(connection, call_ids), _untold_messages(connection, call_ids)
    return [
        Contact(
            at=row.started_at,
            kind=CALL,
            direction="out" if row.called_back_of else "in",
            address=row.ani_e164 or row.ani,
            by=row.agent,
            call_id=row.call_id,
            source=row.media_source,
            queue=row.queue,
            outcome=row.outcome,
            waited_s=row.waited_s,
            talked_s=row.talked_s,
            disposition=row.code or "",
            amount=row.amount,
            promised_on=row.promised_on,
            legs=legs_of.get(row.call_id, ()),
            recording=messages.get(row.call_id, ""),
        )
        for row in rows
    ]


def _legs(connection: Connection, call_ids: Sequence[str]) -> Mapping[str, CardRows]:
    columns = (legs.c.call_id, legs.c.agent, legs.c.outside, legs.c.queue, legs.c.began_at, legs.c.talked_s)
    query = select(*columns).where(legs.c.call_id.in_(call_ids)).order_by(legs.c.began_at, legs.c.seq)
    found: dict[str, list[Mapping[str, Any]]] = {}
    for leg in rows_of(connection, query):
        found.setdefault(leg.pop("call_id"), []).append(leg)
    return found


def _untold_messages(connection: Connection, call_ids: Sequence[str]) -> Mapping[str, str]:
    """Call → the message that the fail-open script took: of that only the call's outcome tells."""
    told = and_(interactions.c.call_id == tasks.c.call_id, interactions.c.seq == tasks.c.seq)
    query = (
        select(tasks.c.call_id, tasks.c.fields)
        .outerjoin(interactions, told)
        .where(tasks.c.call_id.in_(call_ids), tasks.c.kind == ItemKind.VOICEMAIL.value, interactions.c.id.is_(None))
    )
    return {call_id: text_in(fields, RECORDING) for call_id, fields in connection.execute(query)}


def _others(connection: Connection, customer_id: int, limit: int) -> list[Contact]:
    newest = select(interactions).where(_theirs(connection, customer_id))
    newest = newest.order_by(interactions.c.at.desc(), interactions.c.id.desc()).limit(limit)
    rows = connection.execute(newest).all()
    recordings = _recordings(connection, [row.call_id for row in rows if row.kind == ItemKind.VOICEMAIL])
    return [
        Contact(
            at=row.at,
            kind=row.kind,
            direction=row.direction,
            address=row.address,
            by=row.by,
            text=row.text,
            call_id=row.call_id,
            talked_s=row.talked_s,
            recording=recordings.get((row.call_id, row.seq), ""),
        )
        for row in rows
    ]


def _theirs(connection: Connection, customer_id: int) -> ColumnElement[bool]:
    """Also what was noted of one of their addresses by somebody who did not know whose it is."""
    nobodys = and_(
        interactions.c.customer_id.is_(None), interactions.c.address.in_(addresses_of(connection, customer_id))
    )
    return or_(interactions.c.customer_id == customer_id, nobodys)


def _recordings(connection: Connection, call_ids: Sequence[str]) -> Mapping[tuple[str, int], str]:
    columns = (tasks.c.call_id, tasks.c.seq, tasks.c.fields)
    query = select(*columns).where(tasks.c.call_id.in_(call_ids), tasks.c.kind == ItemKind.VOICEMAIL.value)
    return {(call_id, seq): text_in(fields, RECORDING) for call_id, seq, fields in connection.execute(query)}
