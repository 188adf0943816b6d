"""What is to be done for customers who are known: promises, leads, deliveries, tickets, appointments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Connection, and_, func

from crm_bridge.leads import LeadState
from crm_bridge.models import appointments, leads, orders, promises, shipments, tickets
from crm_bridge.work_lists.items import ItemKind
from crm_bridge.work_lists.lines import CustomersLine, Wanted, chosen, customers_lines

OPEN_PROMISE = and_(promises.c.kept_at.is_(None), promises.c.withdrawn_at.is_(None))
OPEN_TICKET = tickets.c.status.in_(("open", "in_progress"))
OPEN_LEAD = leads.c.state.in_((LeadState.NEW.value, LeadState.ASSIGNED.value))
UNCONFIRMED = and_(shipments.c.status == "delivered", shipments.c.confirmed_at.is_(None))
PLANNED = appointments.c.state == "planned"


class Standing(StrEnum):
    """How something stands that has its time."""

    BROKEN = "broken"
    TODAY = "today"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseLine(CustomersLine):
    text: str
    due_on: date
    keeper: str
    standing: Standing


def open_promises(connection: Connection, wanted: Wanted) -> list[PromiseLine]:
    """Due today or broken, and if wanted later ones; whoever has waited longest comes first."""
    query = customers_lines(ItemKind.PROMISE, promises, promises.c.text, promises.c.due_on, promises.c.keeper)
    query = query.where(OPEN_PROMISE).order_by(promises.c.due_on, promises.c.id)
    if not wanted.all:
        query = query.where(promises.c.due_on <= wanted.today)
    return [
        PromiseLine(**row._asdict(), standing=standing_of(row.due_on, wanted.today))
        for row in connection.execute(chosen(query, wanted))
    ]


def standing_of(due_on: date, today: date) -> Standing:
    if due_on == today:
        return Standing.TODAY
    return Standing.BROKEN if due_on < today else Standing.LATER


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadLine(CustomersLine):
    """``dealer``: who must accept it within ``left_s`` (below 0: too late), '' and None while it is nobody's."""

    state: str
    dealer: str
    due_at: datetime | None
    left_s: float | None
    region: str
    product: str
    source: str
    owner: str
    opened_at: datetime


def open_leads(connection: Connection, wanted: Wanted) -> list[LeadLine]:
    """Not accepted yet: nobody's first, then by the clock of the dealer."""
    columns = (leads.c.state, leads.c.due_at, leads.c.region, leads.c.product, leads.c.owner, leads.c.opened_at)
    dealer, source = func.coalesce(leads.c.dealer, "").label("dealer"), leads.c.media_source.label("source")
    query = customers_lines(ItemKind.LEAD, leads, *columns, dealer, source)
    query = query.where(OPEN_LEAD).order_by(leads.c.due_at.asc().nulls_first(), leads.c.opened_at, leads.c.id)
    return [
        LeadLine(**row._asdict(), left_s=None if row.due_at is None else (row.due_at - wanted.now).total_seconds())
        for row in connection.execute(chosen(query, wanted))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine(CustomersLine):
    shipment: str
    order: str
    carrier: str
    delivered_on: date | None
    place: str


def unconfirmed_deliveries(connection: Connection, wanted: Wanted) -> list[DeliveryLine]:
    """Nobody has asked yet whether all is well; the newest first."""
    columns = (shipments.c.carrier, shipments.c.delivered_on, shipments.c.place)
    named = (shipments.c.number.label("shipment"), shipments.c.order_number.label("order"))
    query = customers_lines(ItemKind.DELIVERY, shipments, *named, *columns, through=orders)
    newest = (shipments.c.delivered_on.desc().nulls_last(), shipments.c.number)
    query = query.where(UNCONFIRMED).order_by(*newest)
    return [DeliveryLine(**row._asdict()) for row in connection.execute(chosen(query, wanted))]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketLine(CustomersLine):
    """``broken``: it is open after the time that its category's SLA gives it. ``due_on``: what callers are told."""

    ticket: str
    status: str
    category: str
    text: str
    keeper: str
    opened_on: date
    due_on: date | None
    due_at: datetime | None
    broken: bool


def open_tickets(connection: Connection, wanted: Wanted) -> list[TicketLine]:
    """Whose SLA is broken comes first, longest broken at the top; then by what is due next."""
    columns = (tickets.c.status, tickets.c.category, tickets.c.text, tickets.c.keeper)
    times = (tickets.c.opened_on, tickets.c.due_on, tickets.c.due_at)
    query = customers_lines(ItemKind.TICKET, tickets, tickets.c.number.label("ticket"), *columns, *times)
    by_clock = (tickets.c.due_at.asc().nulls_last(), tickets.c.opened_on, tickets.c.number)
    query = query.where(OPEN_TICKET).order_by(*by_clock)
    return [
        TicketLine(**row._asdict(), broken=row.due_at is not None and row.due_at < wanted.now)
        for row in connection.execute(chosen(query, wanted))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentLine(CustomersLine):
    at: datetime
    place: str
    purpose: str
    keeper: str
    quote: str


def planned_appointments(connection: Connection, wanted: Wanted) -> list[AppointmentLine]:
    """By time; one that is past and of which nobody has said that it was kept is still there."""
    columns = (appointments.c.at, appointments.c.place, appointments.c.purpose, appointments.c.keeper)
    quote = appointments.c.quote_number.label("quote")
    query = customers_lines(ItemKind.APPOINTMENT, appointments, *columns, quote)
    query = query.where(PLANNED).order_by(appointments.c.at, appointments.c.id)
    return [AppointmentLine(**row._asdict()) for row in connection.execute(chosen(query, wanted))]
