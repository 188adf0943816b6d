"""What is bought: on the telephone, from dealers, on the web, and in the years before; and how it comes to people."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import Connection

from crm_bridge import bulk
from crm_bridge.demo import names
from crm_bridge.demo.book import Book
from crm_bridge.demo.call import Call, moment
from crm_bridge.demo.company import Company, Wish
from crm_bridge.demo.dealing import Won
from crm_bridge.demo.people import Person
from crm_bridge.given_numbers import next_numbers
from crm_bridge.life_cycle import CANCELLED, lapse, refresh_stages
from crm_bridge.models import order_lines, orders, shipments
from crm_bridge.rules import CrmRules

Goods = Sequence[tuple[names.Product, int]]
_WAY = ("placed", "paid", "packed", "shipped", "delivered")
_SHIPPED = {"shipped": "in_transit", "delivered": "delivered"}
_YEARS = timedelta(days=700)
_DAY, _WEEK, _MONTH = timedelta(days=1), timedelta(days=7), timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Sale:
    """``call``: in which it was made."""

    person: Person
    at: datetime
    goods: Goods
    channel: str
    call: Call | None = None


def sales(calls: Sequence[Call], won: Sequence[Won], people: Sequence[Person], wish: Wish) -> list[Sale]:
    """In their order."""
    dice = wish.dice("sales")
    found = [
        Sale(call.person, moment(call.said.at), call.said.goods, "phone", call)
        for call in calls
        if call.said is not None and call.said.goods and call.person is not None
    ]
    found += [Sale(one.person, one.at, _goods(dice), "api") for one in won]
    found += _web_sales([person for person in people if person.number], dice, wish)
    return sorted(found, key=lambda sale: (sale.at, sale.person.id))


def _web_sales(known: Sequence[Person], dice: Random, wish: Wish) -> Iterable[Sale]:
    """Some of those in the books buy now, and have bought before."""
    begin = wish.until - timedelta(days=wish.days)
    for person in known:
        for _ in range(dice.choices((0, 1, 2, 5), weights=(10, 5, 3, 1))[0]):
            yield Sale(person, begin - _YEARS * dice.random(), _goods(dice), "api")
        if dice.random() < 0.15:
            yield Sale(person, begin + (wish.until - begin) * dice.random(), _goods(dice), "api")


def _goods(dice: Random) -> Goods:
    chosen = dice.sample(names.PRODUCTS, dice.choices((1, 2, 3), (6, 3, 1))[0])
    return [(product, dice.choices((1, 2, 10), (16, 3, 1))[0]) for product in chosen]


def write_sales(connection: Connection, book: Book, found: Sequence[Sale], company: Company, wish: Wish) -> None:
    """Their rows, but for those of `orders`, which `place_orders` writes."""
    numbers = next_numbers(connection, orders, len(found))
    selling = _Selling(book, company, wish)
    for nr, (number, sale) in enumerate(zip(numbers, found, strict=True)):
        selling.sell(number, sale, f"SD{wish.seed}-{nr:06}")


class _Selling:
    def __init__(self, book: Book, company: Company, wish: Wish) -> None:
        self._book, self._rules, self._until = book, company.rules, wish.until
        self._company, self._dice = company, wish.dice("selling")

    def sell(self, number: str, sale: Sale, parcel: str) -> None:
        days = self._days(sale.at)
        status, placed_on = _WAY[len(days) - 1], self._day(sale.at)
        if self._dice.random() < 0.04:
            status = CANCELLED
        expected = days[3] + 3 * _DAY if len(days) > 3 else None
        row: dict[str, Any] = {"number": number, "customer_id": sale.person.id, "status": status}
        row |= {"amount": _amount(sale.goods), "currency": self._rules.currency, "placed_on": placed_on}
        row |= {"expected_on": expected and self._day(expected), "call_id": sale.call.id if sale.call else None}
        self._book.add(orders, {**row, "agent": sale.call.agent if sale.call else "", "channel": sale.channel})
        self._write_lines(number, sale.goods)
        self._tell(number, sale, status, days)
        if status in _SHIPPED:
            self._ship(parcel, number, status, days)

    def _days(self, at: datetime) -> list[datetime]:
        """When it came to each stop of the way, up to now."""
        dice, days = self._dice, [at]
        for least, most in ((0.01, 1.0), (0.1, 1.0), (0.1, 1.5), (1.0, 4.0)):
            days.append(days[-1] + timedelta(days=dice.uniform(least, most)))
        return [day for day in days if day < self._until]

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._rules.zone).date()

    def _write_lines(self, number: str, goods: Goods) -> None:
        for nr, (product, quantity) in enumerate(goods, 1):
            row = {"number": number, "line": nr, "product": product.code, "name": product.name, "quantity": quantity}
            self._book.add(order_lines, {**row, "price": product.price, "amount": product.price * quantity})

    def _tell(self, number: str, sale: Sale, status: str, days: Sequence[datetime]) -> None:
        by = f"agent:{sale.call.agent}" if sale.call else "api:shop"
        self._book.made(orders, number, by, sale.at)
        way = ("placed", CANCELLED) if status == CANCELLED else _WAY[: len(days)]
        for before, after, at in zip(way, way[1:], days[1:] or [sale.at], strict=False):
            self._book.changed(orders, {"number": number}, "status", before, after, "api:warehouse", at)

    def _ship(self, parcel: str, number: str, status: str, days: Sequence[datetime]) -> None:
        dice = self._dice
        delivered = days[4] if status == "delivered" else None
        returned = delivered is not None and dice.random() < 0.02
        asked = delivered + timedelta(days=dice.uniform(0.2, 3)) if delivered and dice.random() < 0.98 else None
        asked = asked if asked is not None and asked < self._until else None
        row: dict[str, Any] = {"number": parcel, "order_number": number, "carrier": dice.choice(names.CARRIERS)}
        row |= {"status": "returned" if returned else _SHIPPED[status], "expected_on": self._day(days[3] + 3 * _DAY)}
        row |= {"delivered_on": None if delivered is None or returned else self._day(delivered)}
        by = f"agent:{dice.choice(self._company.clerks).extension}" if asked else ""
        told: dict[str, Any] = {"place": dice.choice(names.CITIES), "confirmed_at": asked, "confirmed_by": by}
        self._book.add(shipments, {**row, **told})


def _amount(goods: Goods) -> Decimal:
    return sum((product.price * quantity for product, quantity in goods), Decimal(0))


def place_orders(connection: Connection, book: Book, today: date, first: date, rules: CrmRules) -> None:
    """Piece by piece, as they were placed, so that each customer comes to their stage on its day or so: a month at a
    time before the ``first`` day of the calls, a week at a time since."""
    rows = sorted(book.rows(orders), key=lambda row: (row["placed_on"], row["number"]))
    day, begin = rows[0]["placed_on"] if rows else today, 0
    while True:
        end = bisect_right(rows, day, key=lambda row: row["placed_on"])
        _place(connection, rows[begin:end], day, rules)
        if day >= today:
            return
        day, begin = min(day + (_MONTH if day < first else _WEEK), today), end


def _place(connection: Connection, rows: Sequence[dict[str, Any]], day: date, rules: CrmRules) -> None:
    if rows:
        bulk.add(connection, orders, tuple(rows[0]), [tuple(row.values()) for row in rows])
        refresh_stages(connection, {row["customer_id"] for row in rows}, day, rules.stages)
    lapse(connection, day, rules.stages)
