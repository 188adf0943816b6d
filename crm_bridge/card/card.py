"""What there is to know of one customer before one talks with them: a card with a few rows of each kind.

A part is rows by the names of their columns, as they are in the tables; where something more is worked out, it is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, select

from crm_bridge.card.finding import addresses_of
from crm_bridge.card.rows import CardRow, CardRows, newest_words, rows_of, with_lines
from crm_bridge.consent import in_force
from crm_bridge.directory import OPEN_ORDER, own_or_company
from crm_bridge.models import (
    appointments,
    companies,
    customer_numbers,
    customers,
    do_not_call,
    households,
    leads,
    order_lines,
    orders,
    promises,
    quote_lines,
    quotes,
    shipments,
    tickets,
)
from crm_bridge.work_lists.care import standing_of

_MOST = 20  # of each kind
_INHERITED = ("tier", "price_list", "owner")


@dataclass(frozen=True, slots=True)
class Card:
    """``customer``: the row; its tier, price list and owner are the company's where ``from_company`` names them.
    ``household``, ``company``: code, name and ``members``; None for a customer who is in none. ``orders``: the open
    ones and ``quotes``, with ``lines``; ``order_count``: of all but the cancelled. ``promises``: with ``standing``
    (broken, today, later, kept). ``consents``: the newest word for each address and channel."""

    customer: CardRow
    numbers: CardRows
    household: CardRow | None
    company: CardRow | None
    orders: CardRows
    order_count: int
    shipments: CardRows
    promises: CardRows
    leads: CardRows
    tickets: CardRows
    quotes: CardRows
    appointments: CardRows
    consents: CardRows


def card_of(connection: Connection, customer_id: int, now: datetime, zone: tzinfo) -> Card | None:
    """None: there is no such customer. ``zone``: whose midnight breaks a promise."""
    customer = _customer(connection, customer_id)
    if customer is None:
        return None
    ours = orders.c.customer_id == customer_id
    return Card(
        customer=customer,
        numbers=_numbers(connection, customer_id, now),
        household=_group(connection, households, customers.c.household, customer["household"]),
        company=_group(connection, companies, customers.c.company, customer["company"]),
        orders=_orders(connection, ours),
        order_count=connection.execute(select(func.count()).where(ours, orders.c.status != "cancelled")).scalar_one(),
        shipments=_shipments(connection, ours),
        promises=_promises(connection, customer_id, now.astimezone(zone).date()),
        leads=_newest(connection, leads, customer_id, leads.c.opened_at.desc()),
        tickets=_newest(connection, tickets, customer_id, tickets.c.opened_on.desc()),
        quotes=_quotes(connection, customer_id),
        appointments=_newest(connection, appointments, customer_id, appointments.c.at.desc()),
        consents=_consents(connection, addresses_of(connection, customer_id)),
    )


def _customer(connection: Connection, customer_id: int) -> CardRow | None:
    own = [column for column in customers.c if column.name not in _INHERITED]
    effective = [own_or_company(name) for name in _INHERITED]
    theirs = [customers.c[name].label(f"own_{name}") for name in _INHERITED]
    found = rows_of(connection, select(*own, *effective, *theirs).where(customers.c.id == customer_id))
    if not found:
        return None
    row = dict(found[0])
    own_ones = {name: row.pop(f"own_{name}") for name in _INHERITED}
    return {**row, "from_company": [name for name in _INHERITED if row[name] and not own_ones[name]]}


def _numbers(connection: Connection, customer_id: int, now: datetime) -> CardRows:
    """Each with its place on the do-not-call list, if it has one."""
    listed = and_(do_not_call.c.e164 == customer_numbers.c.e164, in_force(now))
    query = (
        select(
            customer_numbers.c.e164,
            do_not_call.c.e164.is_not(None).label("do_not_call"),
            do_not_call.c.until,
            do_not_call.c.reason,
        )
        .outerjoin(do_not_call, listed)
        .where(customer_numbers.c.customer_id == customer_id)
        .order_by(customer_numbers.c.e164)
    )
    return rows_of(connection, query)


def _group(connection: Connection, table: Table, column: ColumnElement[str], code: str) -> CardRow | None:
    """A household or a company, whether it is in its table or not, and who else is in it."""
    if not code:
        return None
    named = rows_of(connection, select(table).where(table.c.code == code))
    members = select(customers.c.id, customers.c.number, customers.c.name).where(column == code, column != "")
    found = rows_of(connection, members.order_by(customers.c.id).limit(_MOST))
    return {"code": code, "name": "", **(named[0] if named else {}), "members": found}


def _orders(connection: Connection, ours: ColumnElement[bool]) -> CardRows:
    query = select(orders).where(ours, orders.c.status.in_(OPEN_ORDER))
    found = rows_of(connection, query.order_by(orders.c.placed_on.desc(), orders.c.number).limit(_MOST))
    return with_lines(connection, found, order_lines)


def _quotes(connection: Connection, customer_id: int) -> CardRows:
    found = _newest(connection, quotes, customer_id, quotes.c.made_on.desc())
    return with_lines(connection, found, quote_lines)


def _shipments(connection: Connection, ours: ColumnElement[bool]) -> CardRows:
    """What is on its way first, then the newest."""
    query = select(shipments).join(orders, orders.c.number == shipments.c.order_number).where(ours)
    newest = (shipments.c.delivered_on.desc().nulls_first(), shipments.c.expected_on.desc().nulls_last())
    return rows_of(connection, query.order_by(*newest, shipments.c.number).limit(_MOST))


def _promises(connection: Connection, customer_id: int, today: date) -> CardRows:
    """Broken first, kept last."""
    mine = (promises.c.customer_id == customer_id, promises.c.withdrawn_at.is_(None))
    query = select(promises).where(*mine).order_by(promises.c.kept_at.desc().nulls_first(), promises.c.due_on)
    found = rows_of(connection, query.limit(_MOST))
    return [{**row, "standing": "kept" if row["kept_at"] else standing_of(row["due_on"], today).value} for row in found]


def _newest(connection: Connection, table: Table, customer_id: int, order: ColumnElement[Any]) -> CardRows:
    [key] = table.primary_key
    query = select(table).where(table.c.customer_id == customer_id).order_by(order, key.desc())
    return rows_of(connection, query.limit(_MOST))


def _consents(connection: Connection, addresses: Sequence[str]) -> CardRows:
    return rows_of(connection, newest_words(addresses))
