"""What the centre knows of a caller, an order, a dealer: the flow's Crm port, answered from the store.

It reads, never writes; each question is one or two statements on indices. Whatever the database does, the asker gets
OutsideFailed, with nothing in it that a caller typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    ScalarSelect,
    Select,
    String,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)

from crm_bridge.models import (
    calls,
    companies,
    customer_numbers,
    customers,
    dealers,
    orders,
    promises,
    shipments,
    tickets,
)
from crm_bridge.numbers import e164
from crm_bridge.outcome import Outcome
from crm_bridge.pins import Pins
from crm_bridge.store import CrmStore, EntryRefused, StoreAway
from ivr.flow.outside import NOBODY, Caller, OutsideFailed, Subject

T = TypeVar("T")
_Row = Mapping[str, Any]

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
        row = await self._first((_CALLER,), {"key": _key(e164), "today": self._today()})
        return Caller(known=True, **row) if row is not None else NOBODY

    async def look_up(self, what: Subject, key: str, language: str) -> Mapping[str, str] | None:
        key = _key(key)
        values: dict[str, Any] = {"key": key}
        if what == "customer":
            values |= {"number": e164(key, self._region) or ""}
        row = await self._first(_QUERIES[what], values)
        return None if row is None else _spoken({**row, **self._notice(row, language)})

    async def prove(self, what: Subject, key: str, pin: str) -> bool:
        """Takes as long for an account that is not there, or that has no PIN, as for a wrong PIN."""
        if what != "dealer":
            raise OutsideFailed(f"a {what} has no PIN")
        row = await self._first((_PIN,), {"key": _key(key)})
        return await self._pins.match(row["pin_hash"] if row is not None else "", pin)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).astimezone(self._zone).date()

    def _notice(self, row: Mapping[str, Any], language: str) -> Mapping[str, Any]:
        """The stock notice of a dealer in one language; none when there is none in that."""
        if "stock_notices" not in row:
            return {}
        notices = row["stock_notices"] or {}
        return {"stock_notices": None, "stock_notice": notices.get(self._codes.get(language, ""))}

    async def _first(self, queries: Sequence[Select[Any]], values: Mapping[str, Any]) -> _Row | None:
        """``queries`` are asked in turn until one of them answers."""
        try:
            return await self._store.read(partial(_first, queries=queries, values=values))
        except (StoreAway, EntryRefused) as error:
            raise OutsideFailed(f"the CRM store: {error}") from error


def _key(key: str) -> str:
    """'' , which nothing is called, for what can be nobody's key."""
    key = key.strip()
    return key if key.isprintable() and len(key) <= LONGEST_KEY else ""


def _first(connection: Connection, queries: Sequence[Select[Any]], values: Mapping[str, Any]) -> _Row | None:
    for query in queries:
        found = connection.execute(query, values).mappings().one_or_none()
        if found is not None:
            return {str(name): value for name, value in found.items()}
    return None


def _count(table: Any, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    count = select(func.count()).select_from(table).where(table.c.customer_id == customers.c.id, *conditions)
    return count.correlate(customers).scalar_subquery()


_NOT_KEPT = and_(promises.c.kept_at.is_(None), promises.c.withdrawn_at.is_(None))
_OPEN_ORDERS = _count(orders, or_(*(orders.c.status == status for status in OPEN_ORDER))).label("open_orders")


def own_or_company(name: str) -> ColumnElement[str]:
    """A member without one of their own has the company's."""
    theirs = select(companies.c[name]).where(companies.c.code == customers.c.company).correlate(customers)
    return case((customers.c[name] != "", customers.c[name]), else_=func.coalesce(theirs.scalar_subquery(), "")).label(
        name
    )


_PLAIN = (
    customers.c.name,
    own_or_company("tier"),
    own_or_company("price_list"),
    customers.c.language,
    own_or_company("owner"),
    customers.c.household,
    customers.c.company,
    customers.c.stage,
)


# The statements are built once: to build one takes longer than to ask it.
_KEY, _TODAY = bindparam("key", type_=String), bindparam("today", type_=Date)
_OPEN_PROMISES = _count(promises, _NOT_KEPT).label("open_promises")
_LAST_AGENT = (
    select(calls.c.agent)
    .where(calls.c.customer_id == customers.c.id, calls.c.outcome == Outcome.ANSWERED.value, calls.c.agent != "")
    .order_by(calls.c.started_at.desc())
    .limit(1)
    .correlate(customers)
    .scalar_subquery()
)
_CALLER = (
    select(
        *_PLAIN,
        func.coalesce(_LAST_AGENT, "").label("last_agent"),
        _OPEN_ORDERS,
        _OPEN_PROMISES,
        _count(promises, _NOT_KEPT, promises.c.due_on < _TODAY).label("broken_promises"),
    )
    .join(customer_numbers, customer_numbers.c.customer_id == customers.c.id)
    .where(customer_numbers.c.e164 == _KEY)
    .limit(1)
)
_PIN = select(dealers.c.pin_hash).where(dealers.c.code == _KEY)


def _customer(which: ColumnElement[bool]) -> Select[Any]:
    return select(customers.c.number, *_PLAIN, _OPEN_ORDERS, _OPEN_PROMISES).where(which).limit(1)


def _by_phone() -> Select[Any]:
    number = bindparam("number", type_=String)
    of_number = select(customer_numbers.c.customer_id).where(customer_numbers.c.e164 == number)
    return _customer(customers.c.id == of_number.scalar_subquery())


def _order() -> Select[Any]:
    newest = (
        select(shipments.c.number)
        .where(shipments.c.order_number == orders.c.number)
        .order_by(shipments.c.expected_on.desc(), shipments.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    columns = ("number", "status", "amount", "currency", "placed_on", "expected_on")
    return select(*(orders.c[name] for name in columns), newest.label("shipment")).where(orders.c.number == _KEY)


def _shipment() -> Select[Any]:
    columns = ("number", "carrier", "status", "expected_on", "delivered_on", "place")
    order = shipments.c.order_number.label("order")
    return select(order, *(shipments.c[name] for name in columns)).where(shipments.c.number == _KEY)


def _ticket() -> Select[Any]:
    columns = ("number", "status", "category", "opened_on", "due_on")
    return select(*(tickets.c[name] for name in columns)).where(tickets.c.number == _KEY)


def _dealer() -> Select[Any]:
    columns = ("code", "name", "region", "owner", "tier", "stock_notices")
    return select(*(dealers.c[name] for name in columns)).where(dealers.c.code == _KEY)


_QUERIES: Mapping[Subject, Sequence[Select[Any]]] = {
    "customer": (_customer(customers.c.number == _KEY), _by_phone()),
    "order": (_order(),),
    "shipment": (_shipment(),),
    "ticket": (_ticket(),),
    "dealer": (_dealer(),),
}


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
