"""What there has been between a customer and us: calls, contacts, and what they allow us."""

from __future__ import annotations

from datetime import datetime
from heapq import merge
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select
from starlette.responses import Response

from crm_bridge.editing import contacts as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import calls, consents, customers, interactions
from hotline.api import cursors
from hotline.api.cursors import Found, Listing, Row
from hotline.api.desk import Answer, AtDesk, Desk, Posting, noun_router
from hotline.api.forms.calls import Call
from hotline.api.forms.people import Consent, ConsentForm, Contact, ContactForm
from hotline.api.kinds import Asked, Told
from hotline.api.paging import Page, Paging, PathId

router = noun_router("customers", "/v1/customers/{id}")

Happening = Annotated[Call | Contact, Field(discriminator="type")]


class Timeline(Told):
    items: list[Happening]
    next: str | None


_CONSENTS = Listing(consents, ("at", "id"), falling=True)
# Two tables in one order: by instant, and of one instant the call first, then by key; the newest first.
_CALL, _CONTACT = 1, 0


@router.get("/timeline")
async def timeline(desk: AtDesk, id: PathId, asked: Annotated[Asked, Query()], pager: Paging) -> Timeline:
    """Calls and contacts, the newest first."""
    found = await desk.read(lambda connection: _timeline(connection, id, asked))
    items = [Call.model_validate(row) if row["rank"] == _CALL else Contact.model_validate(row) for row in found.rows]
    pager.link(found.next)
    return Timeline(items=items, next=found.next)


@router.post("/interactions", status_code=201, response_model=Contact)
async def note_contact(desk: Posting, id: PathId, form: ContactForm) -> Response:
    """A mail, a visit or a note."""
    address = _address(desk, form.address) if form.address else ""
    new = editing.NewInteraction(id, **{**form.all(), "address": address})

    def note(connection: Connection, act: Act) -> Answer:
        made = editing.note(connection, act, new)
        return Answer(Contact.model_validate(the_row(connection, interactions, {"id": made}, "contact")), 201)

    return await desk.write(note)


@router.get("/consents")
async def list_consents(desk: AtDesk, id: PathId, asked: Annotated[Asked, Query()], pager: Paging) -> Page[Consent]:
    """Every word on their numbers and mail address, the newest first: on one address and channel that one counts."""

    def found(connection: Connection) -> Found:
        theirs = editing.addresses(connection, id)
        return _CONSENTS.page(connection, asked, [consents.c.address.in_(theirs)])

    return pager.told(Consent, await desk.read(found))


@router.post("/consents", status_code=201, response_model=Consent)
async def say(desk: Posting, id: PathId, form: ConsentForm) -> Response:
    """One more word; none is ever changed."""
    address = _address(desk, form.address)

    def say_it(connection: Connection, act: Act) -> Answer:
        made = editing.say(connection, act, id, address, form.channel, form.given)
        return Answer(Consent.model_validate(the_row(connection, consents, {"id": made}, "consent")), 201)

    return await desk.write(say_it)


def _address(desk: Desk, said: str) -> str:
    return said if "@" in said else desk.phone(said, "body.address")


def _timeline(connection: Connection, customer_id: int, asked: Asked) -> Found:
    the_row(connection, customers, {"id": customer_id}, "customer")
    name = cursors.name_of(f"timeline {customer_id}", asked.filters())
    place = None if asked.cursor is None else _place(asked.cursor, name)
    most = asked.limit + 1
    rang = _some(connection, calls, ("started_at", "call_id"), customer_id, _CALL, place, most)
    noted = _some(connection, interactions, ("at", "id"), customer_id, _CONTACT, place, most)
    rows = list(merge(rang, noted, key=lambda row: (row["when"], row["rank"]), reverse=True))[:most]
    if len(rows) <= asked.limit:
        return Found(rows, None)
    last = rows[asked.limit - 1]
    return Found(rows[: asked.limit], cursors.write(name, [last["when"], last["rank"], str(last["its_key"])]))


def _place(cursor: str, name: str) -> tuple[Any, int, Any]:
    when, rank, key = cursors.read(cursor, name, (datetime, int, str))
    if rank not in (_CALL, _CONTACT) or (rank == _CONTACT and not (key.isascii() and key.isdecimal())):
        raise cursors.no_cursor()
    return when, rank, key if rank == _CALL else int(key)


def _some(
    connection: Connection,
    table: Table,
    keys: tuple[str, str],
    customer_id: int,
    rank: int,
    place: tuple[Any, int, Any] | None,
    most: int,
) -> list[Row]:
    when, key = (table.c[name] for name in keys)
    query = select(table, when.label("when"), key.label("its_key")).where(table.c.customer_id == customer_id)
    if place is not None:
        query = query.where(_after(when, key, rank, place))
    found = connection.execute(query.order_by(when.desc(), key.desc()).limit(most)).mappings()
    return [{**row, "rank": rank} for row in found]


def _after(
    when: ColumnElement[Any], key: ColumnElement[Any], rank: int, place: tuple[Any, int, Any]
) -> ColumnElement[bool]:
    at, last_rank, last_key = place
    if rank == last_rank:
        return or_(when < at, and_(when == at, key < last_key))
    return or_(when < at, when == at) if rank < last_rank else or_(when < at)
