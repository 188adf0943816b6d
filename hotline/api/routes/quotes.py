"""Offers in writing."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection
from starlette.responses import Response

from crm_bridge.editing import quotes as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import quote_lines, quotes
from hotline.api.cursors import Listing
from hotline.api.desk import Answer, AtDesk, Posting, noun_router
from hotline.api.forms.trade import Quote, QuoteForm, QuotePatch, QuotesAsked, WholeQuote
from hotline.api.paging import Page, Paging, PathKey, equal
from hotline.api.routes.orders import lines_of, new_lines

router = noun_router("orders", "/v1/quotes")

_LIST = Listing(quotes, ("number",))
_FILTERS = {"customer": "customer_id", "status": "status", "keeper": "keeper"}


@router.get("")
async def list_quotes(desk: AtDesk, asked: Annotated[QuotesAsked, Query()], pager: Paging) -> Page[Quote]:
    """By number."""
    where = equal(quotes, asked.filters(), _FILTERS)
    return pager.told(Quote, await desk.read(lambda connection: _LIST.page(connection, asked, where)))


@router.post("", status_code=201, response_model=WholeQuote)
async def make_quote(desk: Posting, form: QuoteForm) -> Response:
    """The lines must add up to the amount, or the amount is worked out of them."""
    new = editing.NewQuote(**{**form.all(), "lines": new_lines(form.lines), "currency": form.currency or ""})

    def make(connection: Connection, act: Act) -> Answer:
        editing.make_quote(connection, act, new)
        return Answer(_whole(connection, form.number), 201)

    return await desk.write(make)


@router.get("/{number}")
async def get_quote(desk: AtDesk, number: PathKey) -> WholeQuote:
    return await desk.read(lambda connection: _whole(connection, number))


@router.patch("/{number}", response_model=WholeQuote)
async def change_quote(desk: AtDesk, number: PathKey, form: QuotePatch) -> Response:
    """What is not named stays as it is."""

    def patch(connection: Connection, act: Act) -> Answer:
        editing.change_quote(connection, act, number, form.said())
        return Answer(_whole(connection, number))

    return await desk.write(patch)


def _whole(connection: Connection, number: str) -> WholeQuote:
    row = the_row(connection, quotes, {"number": number}, "quote")
    return WholeQuote.model_validate({**row, "lines": lines_of(connection, quote_lines, number)})
