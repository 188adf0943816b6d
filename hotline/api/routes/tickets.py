"""Tickets."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection
from starlette.responses import Response

from crm_bridge.editing import tickets as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import tickets
from hotline.api.cursors import Listing
from hotline.api.desk import Answer, AtDesk, Posting, noun_router
from hotline.api.forms.care import Ticket, TicketForm, TicketPatch, TicketsAsked
from hotline.api.paging import Page, Paging, PathKey, equal

router = noun_router("tickets", "/v1/tickets")

_LIST = Listing(tickets, ("number",))
_FILTERS = {"customer": "customer_id", "status": "status", "category": "category", "keeper": "keeper"}


@router.get("")
async def list_tickets(desk: AtDesk, asked: Annotated[TicketsAsked, Query()], pager: Paging) -> Page[Ticket]:
    """By number."""
    where = equal(tickets, asked.filters(), _FILTERS)
    return pager.told(Ticket, await desk.read(lambda connection: _LIST.page(connection, asked, where)))


@router.post("", status_code=201, response_model=Ticket)
async def make_ticket(desk: Posting, form: TicketForm) -> Response:
    """With the time that its category's SLA gives it."""
    new = editing.NewTicket(**form.all())

    def make(connection: Connection, act: Act) -> Answer:
        return Answer(_one(connection, editing.make_ticket(connection, act, new)), 201)

    return await desk.write(make)


@router.get("/{number}")
async def get_ticket(desk: AtDesk, number: PathKey) -> Ticket:
    return await desk.read(lambda connection: _one(connection, number))


@router.patch("/{number}", response_model=Ticket)
async def change_ticket(desk: AtDesk, number: PathKey, form: TicketPatch) -> Response:
    """What is not named stays as it is."""

    def patch(connection: Connection, act: Act) -> Answer:
        editing.change_ticket(connection, act, number, form.said())
        return Answer(_one(connection, number))

    return await desk.write(patch)


def _one(connection: Connection, number: str) -> Ticket:
    return Ticket.model_validate(the_row(connection, tickets, {"number": number}, "ticket"))
