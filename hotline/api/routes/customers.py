"""Customers, and their telephone numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import ColumnElement, Connection, Integer, and_, case, cast, or_, select, union
from starlette.responses import Response

from crm_bridge.editing import customers as editing
from crm_bridge.editing.act import Act, NotThere
from crm_bridge.models import calls, changes, customer_numbers, customers
from hotline.api.cursors import Found, Listing, Row
from hotline.api.desk import Answer, AtDesk, Posting, made, noun_router
from hotline.api.forms.people import Customer, CustomerPatch, CustomersAsked, NewCustomerForm
from hotline.api.paging import Page, Paging, PathId, PathPhone, equal

router = noun_router("customers", "/v1/customers")

_LIST = Listing(customers, ("id",))
_FILTERS = {name: name for name in ("number", "stage", "tier", "household", "company", "owner")}
_STAGES = "rule:stages"  # tells the midnight of its day in the house's zone, and not when it looked
_MOST_OFF = timedelta(days=2)


@router.get("")
async def list_customers(desk: AtDesk, asked: Annotated[CustomersAsked, Query()], pager: Paging) -> Page[Customer]:
    """By id."""
    where = equal(customers, asked.filters(), _FILTERS)
    if asked.phone is not None:
        where.append(_with_number(desk.phone(asked.phone, "query.phone")))
    if asked.changed_since is not None:
        where.append(customers.c.id.in_(_changed(asked.changed_since)))

    def found(connection: Connection) -> Found:
        page = _LIST.page(connection, asked, where)
        return Found(with_numbers(connection, page.rows), page.next)

    return pager.told(Customer, await desk.read(found))


@router.post("", status_code=201, response_model=Customer)
async def make_customer(desk: Posting, form: NewCustomerForm) -> Response:
    """A telephone number is one customer's: who is known by theirs already is changed, not made again."""
    phones = tuple(desk.phone(phone, f"body.phones.{place}") for place, phone in enumerate(form.phones))
    new = editing.NewCustomer(**{**form.all(), "phones": phones})

    def make(connection: Connection, act: Act) -> Answer:
        return Answer(the_customer(connection, editing.make_customer(connection, act, new)), 201)

    return await desk.write(make)


@router.get("/by-phone/{e164}")
async def customer_by_phone(desk: AtDesk, e164: PathPhone) -> Customer:
    """Who has this number."""
    number = desk.phone(e164, "path.e164")
    return await desk.read(partial(_by_number, number=number))


@router.get("/{id}")
async def get_customer(desk: AtDesk, id: PathId) -> Customer:
    return await desk.read(partial(the_customer, id_=id))


@router.patch("/{id}", response_model=Customer)
async def change_customer(desk: AtDesk, id: PathId, form: CustomerPatch) -> Response:
    """What is not named stays as it is."""

    def patch(connection: Connection, act: Act) -> Answer:
        editing.change_customer(connection, act, id, form.said())
        return Answer(the_customer(connection, id))

    return await desk.write(patch)


@router.put("/{id}/numbers/{e164}", response_model=Customer, responses=made(Customer))
async def add_number(desk: AtDesk, id: PathId, e164: PathPhone) -> Response:
    number = desk.phone(e164, "path.e164")

    def put(connection: Connection, act: Act) -> Answer:
        new = editing.add_number(connection, act, id, number)
        return Answer(the_customer(connection, id), 201 if new else 200)

    return await desk.write(put)


@router.delete("/{id}/numbers/{e164}", status_code=204, response_class=Response)
async def remove_number(desk: AtDesk, id: PathId, e164: PathPhone) -> Response:
    """Calls that came from it stay the customer's."""
    number = desk.phone(e164, "path.e164")

    def remove(connection: Connection, act: Act) -> Answer:
        editing.remove_number(connection, act, id, number)
        return Answer(None, 204)

    return await desk.write(remove)


def the_customer(connection: Connection, id_: int) -> Customer:
    """Raises NotThere."""
    return _told(connection, select(customers).where(customers.c.id == id_))


def _by_number(connection: Connection, number: str) -> Customer:
    return _told(connection, select(customers).join(customer_numbers).where(customer_numbers.c.e164 == number))


def _told(connection: Connection, query: Any) -> Customer:
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotThere("there is no such customer", hint="look them up in /v1/customers")
    return Customer.model_validate(with_numbers(connection, [dict(row)])[0])


def with_numbers(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    held: dict[int, list[str]] = {row["id"]: [] for row in rows}
    query = select(customer_numbers.c.customer_id, customer_numbers.c.e164)
    query = query.where(customer_numbers.c.customer_id.in_(held)).order_by(customer_numbers.c.e164)
    for customer_id, number in connection.execute(query) if held else ():
        held[customer_id].append(number)
    return [{**row, "numbers": held[row["id"]]} for row in rows]


def _with_number(number: str) -> ColumnElement[bool]:
    return customers.c.id.in_(select(customer_numbers.c.customer_id).where(customer_numbers.c.e164 == number))


def _changed(since: datetime) -> Any:
    """Ids. A call may give a customer their name and first touch, and is told of nowhere else. (Databases may look at
    a row's key before they look at its subject: only a customer's is a number.)"""
    lately = or_(changes.c.at >= since, and_(changes.c.by == _STAGES, changes.c.at >= since - _MOST_OFF))
    id_ = cast(case((changes.c.subject == customers.name, changes.c.key)), Integer)
    by_hand = select(id_).where(changes.c.at >= since - _MOST_OFF, lately, changes.c.subject == customers.name)
    called = select(calls.c.customer_id).where(calls.c.started_at >= since, calls.c.customer_id.is_not(None))
    return union(by_hand, called)
