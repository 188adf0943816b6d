"""What the centre knows of a caller, an order, a dealer: the flow's Crm port, answered from the store.

It reads, never writes; each question is one or two statements on indices. Whatever the database does, the asker gets
OutsideFailed, with nothing in it that a caller typed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.models import customer_numbers, customers, dealers, orders, promises, shipments, tickets
from crm_bridge.numbers import e164
from crm_bridge.pins import Pins
from crm_bridge.store import CrmStore, EntryRefused, StoreAway
from ivr.flow.outside import NOBODY, Caller, OutsideFailed, Subject

OPEN_ORDER = ("placed", "paid", "packed", "shipped")
LONGEST_KEY = 64


class Directory:
    """``region``: where numbers without a country code are at home. ``codes``: the site's word for a language → the
    code of its texts. ``zone``: whose midnight breaks a promise; ``clock``: Unix seconds."""

    def __init__(
        self,
        store: CrmStore,
        *,
        region: str,
        codes: Mapping[str, str],
        zone: tzinfo,
        clock: Callable[[], float],
        pins: Pins | None = None,
    ) -> None:
        self._store, self._region, self._codes, self._zone, self._clock = store, region, codes, zone, clock
        self._pins = pins or Pins()

    async def caller(self, e164: str) -> Caller:
        async with self._reading() as connection:
            row = await _one(connection, _caller(_key(e164), self._today()))
        return Caller(known=True, **row) if row is not None else NOBODY

    async def look_up(self, what: Subject, key: str, language: str) -> Mapping[str, str] | None:
        async with self._reading() as connection:
            for query in self._queries(what, _key(key)):
                row = await _one(connection, query)
                if row is not None:
                    return _spoken({**row, **self._notice(row, language)})
        return None

    async def prove(self, what: Subject, key: str, pin: str) -> bool:
        """Takes as long for an account that is not there, or that has no PIN, as for a wrong PIN."""
        if what != "dealer":
            raise OutsideFailed(f"a {what} has no PIN")
        async with self._reading() as connection:
            row = await _one(connection, select(dealers.c.pin_hash).where(dealers.c.code == _key(key)))
        return await self._pins.match(row["pin_hash"] if row is not None else "", pin)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).astimezone(self._zone).date()

    def _queries(self, what: Subject, key: str) -> Sequence[Select[Any]]:
        """To be asked in turn until one of them answers."""
        match what:
            case "customer":
                by_phone = select(customer_numbers.c.customer_id).where(
                    customer_numbers.c.e164 == (e164(key, self._region) or "")
                )
                return (
                    _customer(customers.c.number == key, self._today()),
                    _customer(customers.c.id == by_phone.scalar_subquery(), self._today()),
                )
            case "order":
                return (_order(key),)
            case "shipment":
                return (_shipment(key),)
            case "ticket":
                return (_ticket(key),)
            case "dealer":
                return (_dealer(key),)

    def _notice(self, row: Mapping[str, Any], language: str) -> Mapping[str, Any]:
        """The stock notice of a dealer in one language; none when there is none in that."""
        if "stock_notices" not in row:
            return {}
        notices = row["stock_notices"] or {}
        return {"stock_notices": None, "stock_notice": notices.get(self._codes.get(language, ""))}

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._store.reading() as connection:
                yield connection
        except (StoreAway, EntryRefused) as error:
            raise OutsideFailed(f"the CRM store: {error}") from error


def _key(key: str) -> str:
    """'' , which nothing is called, for what can be nobody's key."""
    key = key.strip()
    return key if key.isprintable() and len(key) <= LONGEST_KEY else ""


async def _one(connection: AsyncConnection, query: Select[Any]) -> dict[str, Any] | None:
    found = (await connection.execute(query.limit(1))).mappings().one_or_none()
    return None if found is None else {str(name): value for name, value in found.items()}


def _count(table: Any, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    count = select(func.count()).select_from(table).where(table.c.customer_id == customers.c.id, *conditions)
    return count.correlate(customers).scalar_subquery()


_NOT_KEPT = promises.c.kept_at.is_(None)
_OPEN_ORDERS = _count(orders, orders.c.status.in_(OPEN_ORDER)).label("open_orders")
_PLAIN = tuple(customers.c[name] for name in ("name", "tier", "price_list", "language", "owner", "household"))


def _caller(number: str, today: date) -> Select[Any]:
    return (
        select(
            *_PLAIN,
            _OPEN_ORDERS,
            _count(promises, _NOT_KEPT).label("open_promises"),
            _count(promises, _NOT_KEPT, promises.c.due_on < today).label("broken_promises"),
        )
        .join(customer_numbers, customer_numbers.c.customer_id == customers.c.id)
        .where(customer_numbers.c.e164 == number)
    )


def _customer(which: ColumnElement[bool], today: date) -> Select[Any]:
    open_promises = _count(promises, _NOT_KEPT).label("open_promises")
    return select(customers.c.number, *_PLAIN, _OPEN_ORDERS, open_promises).where(which)


def _order(number: str) -> Select[Any]:
    newest = (
        select(shipments.c.number)
        .where(shipments.c.order_number == orders.c.number)
        .order_by(shipments.c.expected_on.desc(), shipments.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(
        orders.c.number,
        orders.c.status,
        orders.c.amount,
        orders.c.currency,
        orders.c.placed_on,
        orders.c.expected_on,
        newest.label("shipment"),
    ).where(orders.c.number == number)


def _shipment(number: str) -> Select[Any]:
    columns = ("number", "carrier", "status", "expected_on", "delivered_on", "place")
    order = shipments.c.order_number.label("order")
    return select(order, *(shipments.c[name] for name in columns)).where(shipments.c.number == number)


def _ticket(number: str) -> Select[Any]:
    columns = ("number", "status", "category", "opened_on", "due_on")
    return select(*(tickets.c[name] for name in columns)).where(tickets.c.number == number)


def _dealer(code: str) -> Select[Any]:
    columns = ("code", "name", "region", "owner", "tier", "stock_notices")
    return select(*(dealers.c[name] for name in columns)).where(dealers.c.code == code)


def _spoken(row: Mapping[str, Any]) -> dict[str, str]:
    """As text; what is not known is left out."""
    return {name: text for name, value in row.items() if (text := _text(value))}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain_amount(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def plain_amount(amount: Decimal) -> str:
    """``205``, ``205.50``, ``0.125``: no exponent, and two digits after the point where there are any."""
    whole = amount == amount.to_integral_value()
    least = Decimal(1) if whole else Decimal("0.01")
    exact = amount.normalize()
    return f"{exact.quantize(least) if exact == exact.quantize(least) else exact:f}"
