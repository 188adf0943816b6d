"""Leads, and their way through the hands of dealers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection, select
from starlette.responses import Response

from crm_bridge.editing import leads as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import lead_handings, leads
from hotline.api.cursors import Listing
from hotline.api.desk import Answer, AtDesk, Posting, noun_router, there
from hotline.api.forms.care import AssignForm, CloseForm, Lead, LeadForm, LeadsAsked, WholeLead
from hotline.api.paging import Page, Paging, PathId, between, equal

router = noun_router("leads", "/v1/leads")

_LIST = Listing(leads, ("opened_at", "id"), falling=True)
_FILTERS = {
    "state": "state",
    "dealer": "dealer",
    "customer": "customer_id",
    "source": "media_source",
    "campaign": "campaign",
    "region": "region",
}


@router.get("")
async def list_leads(desk: AtDesk, asked: Annotated[LeadsAsked, Query()], pager: Paging) -> Page[Lead]:
    """The newest first."""
    filters = asked.filters()
    where = [*equal(leads, filters, _FILTERS), *between(leads, filters, "opened_at")]
    return pager.told(Lead, await desk.read(lambda connection: _LIST.page(connection, asked, where)))


@router.post("", status_code=201, response_model=WholeLead, responses=there(WholeLead))
async def make_lead(desk: Posting, form: LeadForm) -> Response:
    """A ref that is there already is that lead, unchanged: 200."""
    new = editing.NewLead(**form.all())

    def make(connection: Connection, act: Act) -> Answer:
        id_, is_new = editing.make_lead(connection, act, new)
        return Answer(_whole(connection, id_), 201 if is_new else 200)

    return await desk.write(make)


@router.get("/{id}")
async def get_lead(desk: AtDesk, id: PathId) -> WholeLead:
    """With each time that it was in a dealer's hands."""
    return await desk.read(lambda connection: _whole(connection, id))


@router.post("/{id}/assign", response_model=WholeLead)
async def assign_lead(desk: Posting, id: PathId, form: AssignForm) -> Response:
    """Into this dealer's hands; whoever has it, has it no more."""
    return await desk.write(_then(id, lambda connection, act: editing.assign(connection, act, id, form.dealer)))


@router.post("/{id}/accept", response_model=WholeLead)
async def accept_lead(desk: Posting, id: PathId) -> Response:
    """The dealer who has it takes it on."""
    return await desk.write(_then(id, lambda connection, act: editing.accept(connection, act, id)))


@router.post("/{id}/return", response_model=WholeLead)
async def return_lead(desk: Posting, id: PathId) -> Response:
    """The dealer does not want it: the next one of the region gets it."""
    return await desk.write(_then(id, lambda connection, act: editing.give_back(connection, act, id)))


@router.post("/{id}/close", response_model=WholeLead)
async def close_lead(desk: Posting, id: PathId, form: CloseForm) -> Response:
    return await desk.write(_then(id, lambda connection, act: editing.close(connection, act, id, won=form.won)))


def _then(id_: int, step: Callable[[Connection, Act], None]) -> Callable[[Connection, Act], Answer]:
    def done(connection: Connection, act: Act) -> Answer:
        step(connection, act)
        return Answer(_whole(connection, id_))

    return done


def _whole(connection: Connection, id_: int) -> WholeLead:
    row = the_row(connection, leads, {"id": id_}, "lead")
    held = select(lead_handings).where(lead_handings.c.lead_id == id_).order_by(lead_handings.c.nr)
    in_hands = [dict(one) for one in connection.execute(held).mappings()]
    return WholeLead.model_validate({**row, "in_hands": in_hands})
