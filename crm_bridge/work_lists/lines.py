"""What the lines of all lists have in common: a name, who has taken it on, and whose line it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select

from crm_bridge.directory import own_or_company
from crm_bridge.models import customer_numbers, customers, work_items
from crm_bridge.work_lists.items import ItemKind, called


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a list is wanted. ``zone``: whose midnight begins a day. ``taken_by``: only what they have taken on, ''
    for what nobody has. ``days``: how far back, where a list looks back. ``below``: a survey's marks. ``all``: also
    what is not to be done today."""

    now: datetime
    zone: tzinfo
    limit: int = 50
    taken_by: str | None = None
    days: int = 30
    below: int = 3
    all: bool = False

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def since(self) -> datetime:
        return self.now - timedelta(days=self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``taken_by``: '' while nobody has taken it on."""

    item: str
    taken_by: str
    taken_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersLine(Line):
    """``customer``: their number with us, '' for one who has none; ``tier``: their own or their company's; ``number``:
    where they can be called (E.164), '' when nobody knows."""

    customer_id: int | None
    customer: str
    name: str
    tier: str
    number: str


def customer_columns() -> Sequence[ColumnElement[Any]]:
    """Of `customers`, which may be joined from outside: ''s then."""
    return (
        customers.c.id.label("customer_id"),
        func.coalesce(customers.c.number, "").label("customer"),
        func.coalesce(customers.c.name, "").label("name"),
        own_or_company("tier"),
    )


def first_number() -> ColumnElement[str]:
    of_customer = select(func.min(customer_numbers.c.e164)).where(customer_numbers.c.customer_id == customers.c.id)
    return func.coalesce(of_customer.correlate(customers).scalar_subquery(), "").label("number")


def customers_lines(
    kind: ItemKind, table: Table, *columns: ColumnElement[Any], through: Table | None = None
) -> Select[Any]:
    """A line for each row of ``table``: what a `CustomersLine` needs, and ``columns``. The row has a ``customer_id``,
    or the one of ``through`` to which it belongs."""
    [key] = table.primary_key
    item, of = called(kind, key), table if through is None else table.join(through)
    customer_id = (table if through is None else through).c.customer_id
    return (
        select(*taken_columns(item), *customer_columns(), first_number(), *columns)
        .select_from(of.join(customers, customers.c.id == customer_id))
        .outerjoin(work_items, work_items.c.item == item)
    )


def taken_columns(item: ColumnElement[str]) -> Sequence[ColumnElement[Any]]:
    taken_by = func.coalesce(work_items.c.taken_by, "")
    return item.label("item"), taken_by.label("taken_by"), work_items.c.taken_at.label("taken_at")


def chosen(query: Select[Any], wanted: Wanted) -> Select[Any]:
    """Of the lines of ``query``, with `work_items` joined to them, as many and those that are wanted."""
    if wanted.taken_by is not None:
        query = query.where(func.coalesce(work_items.c.taken_by, "") == wanted.taken_by)
    return query.limit(wanted.limit)
