"""Dealers. Their PIN goes in and never out."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import Connection
from starlette.responses import Response

from crm_bridge.editing import dealers as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import the_row
from crm_bridge.models import dealers
from crm_bridge.pins import hash_pin
from hotline.api.cursors import Found, Listing, Row
from hotline.api.desk import Answer, AtDesk, made, noun_router
from hotline.api.forms.trade import Dealer, DealerForm, DealersAsked
from hotline.api.paging import Page, Paging, PathKey, equal

router = noun_router("dealers", "/v1/dealers")

_LIST = Listing(dealers, ("code",))
_FILTERS = {"region": "region", "stage": "stage", "owner": "owner"}


@router.get("")
async def list_dealers(desk: AtDesk, asked: Annotated[DealersAsked, Query()], pager: Paging) -> Page[Dealer]:
    """By code."""
    where = equal(dealers, asked.filters(), _FILTERS)

    def found(connection: Connection) -> Found:
        page = _LIST.page(connection, asked, where)
        return Found([_told(row) for row in page.rows], page.next)

    return pager.told(Dealer, await desk.read(found))


@router.get("/{code}")
async def get_dealer(desk: AtDesk, code: PathKey) -> Dealer:
    return await desk.read(lambda connection: _one(connection, code))


@router.put("/{code}", response_model=Dealer, responses=made(Dealer))
async def put_dealer(desk: AtDesk, code: PathKey, form: DealerForm) -> Response:
    """All but the PIN is what is sent; a PIN that is not named stays what it is."""
    said = form.all()
    pin = said.pop("pin")
    pin_hash = (await asyncio.to_thread(hash_pin, pin) if pin else "") if "pin" in form.model_fields_set else None
    said["phone"] = desk.phone(form.phone, "body.phone") if form.phone else ""
    said["stock_notices"] = said["stock_notices"] or None

    def put(connection: Connection, act: Act) -> Answer:
        new = editing.put_dealer(connection, act, code, said, pin_hash=pin_hash)
        return Answer(_one(connection, code), 201 if new else 200)

    return await desk.write(put)


def _one(connection: Connection, code: str) -> Dealer:
    return Dealer.model_validate(_told(the_row(connection, dealers, {"code": code}, "dealer")))


def _told(row: Row) -> dict[str, Any]:
    pin_hash = row["pin_hash"]
    told = {name: value for name, value in row.items() if name != "pin_hash"}
    return {**told, "stock_notices": row["stock_notices"] or {}, "has_pin": bool(pin_hash)}
