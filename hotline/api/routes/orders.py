"""Orders with their lines, and shipments."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection, Table, select
from starlette.responses import Response

from crm_bridge.editing import orders as editing
from crm_bridge.editing.act import Act
from crm_bridge.editing.lines import Line as NewLine
from crm_bridge.editing.rows import the_row
from crm_bridge.models import order_lines, orders, shipments
from hotline.api.cursors import Listing, Row
from hotline.api.desk import Answer, AtDesk, Posting, made, noun_router
from hotline.api.forms.trade import (
    LineForm,
    Order,
    OrderForm,
    OrderPatch,
    OrdersAsked,
    Shipment,
    ShipmentForm,
    WholeOrder,
)
from hotline.api.paging import Page, Paging, PathKey, between, equal

router = noun_router("orders", "/v1")

_LIST = Listing(orders, ("placed_on", "number"), falling=True)
_FILTERS = {"customer": "customer_id", "status": "status"}


@router.get("/orders")
async def list_orders(desk: AtDesk, asked: Annotated[OrdersAsked, Query()], pager: Paging) -> Page[Order]:
    """The newest first."""
    filters = asked.filters()
    where = [*equal(orders, filters, _FILTERS), *between(orders, filters, "placed_on")]
    return pager.told(Order, await desk.read(lambda connection: _LIST.page(connection, asked, where)))


@router.post("/orders", status_code=201, response_model=WholeOrder)
async def make_order(desk: Posting, form: OrderForm) -> Response:
    """The lines must add up to the amount, or the amount is worked out of them."""
    said = {**form.all(), "lines": new_lines(form.lines), "currency": form.currency or ""}
    new = editing.NewOrder(**said)

    def make(connection: Connection, act: Act) -> Answer:
        return Answer(_whole(connection, editing.make_order(connection, act, new)), 201)

    return await desk.write(make)


@router.get("/orders/{number}")
async def get_order(desk: AtDesk, number: PathKey) -> WholeOrder:
    """With its lines and shipments."""
    return await desk.read(lambda connection: _whole(connection, number))


@router.patch("/orders/{number}", response_model=WholeOrder)
async def change_order(desk: AtDesk, number: PathKey, form: OrderPatch) -> Response:
    """What is not named stays as it is. The customer's stage is worked out again."""

    def patch(connection: Connection, act: Act) -> Answer:
        editing.change_order(connection, act, number, form.said())
        return Answer(_whole(connection, number))

    return await desk.write(patch)


@router.get("/shipments/{number}")
async def get_shipment(desk: AtDesk, number: PathKey) -> Shipment:
    return await desk.read(lambda connection: _shipment(connection, number))


@router.put("/shipments/{number}", response_model=Shipment, responses=made(Shipment))
async def put_shipment(desk: AtDesk, number: PathKey, form: ShipmentForm) -> Response:
    """One that is delivered, without a day, was delivered today."""

    def put(connection: Connection, act: Act) -> Answer:
        new = editing.put_shipment(connection, act, number, form.all())
        return Answer(_shipment(connection, number), 201 if new else 200)

    return await desk.write(put)


def new_lines(lines: list[LineForm]) -> tuple[NewLine, ...]:
    return tuple(NewLine(**line.all()) for line in lines)


def lines_of(connection: Connection, table: Table, number: str) -> list[Row]:
    query = select(table).where(table.c.number == number).order_by(table.c.line)
    return [dict(row) for row in connection.execute(query).mappings()]


def _whole(connection: Connection, number: str) -> WholeOrder:
    row = the_row(connection, orders, {"number": number}, "order")
    sent = select(shipments).where(shipments.c.order_number == number).order_by(shipments.c.number)
    parts = {"lines": lines_of(connection, order_lines, number)}
    parts["shipments"] = [dict(one) for one in connection.execute(sent).mappings()]
    return WholeOrder.model_validate({**row, **parts})


def _shipment(connection: Connection, number: str) -> Shipment:
    return Shipment.model_validate(the_row(connection, shipments, {"number": number}, "shipment"))
