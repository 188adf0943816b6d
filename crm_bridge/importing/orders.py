"""Orders of a file, with their lines: several rows with one number are one order. What they cost is said, or is the sum
of the lines; both must be the same where both are there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import Connection

from crm_bridge import bulk
from crm_bridge.changing import change_row
from crm_bridge.importing import values
from crm_bridge.importing.against import Compared, Target, compare, tell, write
from crm_bridge.importing.column import Column, Sheet
from crm_bridge.importing.house import House, Who
from crm_bridge.importing.plan import Difference, Plan
from crm_bridge.importing.problem import Problems, shown
from crm_bridge.life_cycle import refresh_stages
from crm_bridge.models import customer_numbers, customers, order_lines, orders
from crm_bridge.numbers import quick_e164
from crm_bridge.rules import StageRules

STATUSES = ("placed", "paid", "packed", "shipped", "delivered", "cancelled")
CHANNEL = "import"
_HEAD = ("customer", "placed_on", "status", "currency", "amount", "expected_on")
_LINE = ("product", "name", "quantity", "price")
_TARGET = Target(
    orders,
    "number",
    ("customer_id", "placed_on", "status", "currency", "amount", "expected_on", "channel"),
    (None, None, None, None, None, None, CHANNEL),
)
_COUNTS = ("customer_id", "placed_on", "status")  # by which the customers' stages go
_LINES = ("number", "line", "product", "name", "quantity", "price", "amount")
_MOST = Decimal(10**14)
_NO_COST = Decimal(0)


def columns(house: House) -> Sequence[Column]:
    return (
        Column("number", values.key, "the order's number; several rows with it are its lines", required=True),
        Column(
            "customer", values.label(32), "the customer's number, or a phone of theirs", required=True, filled=False
        ),
        Column("placed_on", values.day, "the day of the order", required=True, filled=False),
        Column("status", values.status(*STATUSES), ", ".join(STATUSES), required=True, filled=False),
        Column("currency", values.currency, f"{house.rules.currency} if it is left out"),
        Column("amount", values.amount, "in all; the sum of the lines if it is left out"),
        Column("expected_on", values.day, "when it should arrive"),
        Column("product", values.label(64), "of a line: the product's code"),
        Column("name", values.label(120), "of a line: what the product is called"),
        Column("quantity", values.whole, "of a line: how many; 1 if it is left out"),
        Column("price", values.amount, "of a line: of one"),
    )


@dataclass(slots=True)
class _Order:
    """``head``: as `_HEAD`; ``lines``: as `_LINES` from the product on; ``said``: the same, to find one; ``total``: of
    the lines."""

    line: int
    head: tuple[Any, ...]
    lines: list[tuple[Any, ...]] = field(default_factory=list)
    said: set[tuple[Any, ...]] = field(default_factory=set)
    total: Decimal = _NO_COST
    sound: bool = True

    @property
    def amount(self) -> Decimal | None:
        return self.total if self.lines else self.head[4]


def plan(connection: Connection, sheet: Sheet, house: House, problems: Problems) -> Plan:
    found = _orders(sheet, problems)
    ids = _customers(connection, found, house, problems)
    known = _TARGET.known(connection, found)
    sound = {number: order for number, order in found.items() if _is_sound(number, order, known, problems)}
    said = {number: _said(order, ids, number in known, house) for number, order in sound.items()}
    lines = _known_lines(connection, [number for number in said if number in known])
    _hold_to_lines(sound, known, lines, problems)
    compared = compare(connection, _TARGET, said, known)
    relined = {
        number: order.lines for number, order in sound.items() if order.lines and order.lines != lines.get(number, [])
    }
    touched = len(relined.keys() & known.keys() - compared.changed.keys())
    return Plan(
        len(compared.new),
        len(compared.changed) + touched,
        compared.same - touched,
        partial(_write, compared=compared, relined=relined, lines=lines, rules=house.rules.stages),
        partial(_differences, compared, relined, lines),
    )


def _orders(sheet: Sheet, problems: Problems) -> dict[str, _Order]:
    found: dict[str, _Order] = {}
    torn = {sheet.cells["number"][place] for place in sheet.bad}  # half an order is none
    for row in sheet.rows("number", *_HEAD, *_LINE):
        line, number, head = row[0], row[1], row[2:8]
        if number in torn:
            continue
        order = found.get(number)
        if order is None:
            order = found[number] = _Order(line, head)
        else:
            _agree(order, line, number, head, problems)
        _add_line(order, line, number, row[8:], problems)
    return found


def _agree(order: _Order, line: int, number: str, head: Sequence[Any], problems: Problems) -> None:
    for name, first, again in zip(_HEAD, order.head, head, strict=True):
        if again is not None and again != first:
            problems.add(line, name, f"order {number} has another {name} in row {order.line}: one or the other")
            order.sound = False


def _add_line(order: _Order, line: int, number: str, cells: Sequence[Any], problems: Problems) -> None:
    product, name, quantity, price = cells
    if product is None and name is None and quantity is None and price is None:
        if line != order.line:
            problems.add(line, "product", f"order {number} stands in row {order.line} already; a line needs a product")
            order.sound = False
        return
    for column, value in (("product", product), ("price", price)):
        if value is None:
            problems.add(line, column, "is empty, and the row is a line of an order")
            order.sound = False
    if product is not None and price is not None:
        said = (product, name or "", quantity or 1, price, price * (quantity or 1))
        if said in order.said:
            problems.add(line, "product", f"order {number} has this very line already: leave one out, or add them up")
            order.sound = False
        order.lines.append(said)
        order.said.add(said)
        order.total += said[-1]


def _customers(
    connection: Connection, found: Mapping[str, _Order], house: House, problems: Problems
) -> Mapping[str, int]:
    """What a file calls a customer → their id."""
    wanted = {order.head[0] for order in found.values() if order.head[0] is not None}
    query = bulk.found(connection, (customers.c.number, customers.c.id), customers.c.number, wanted)
    ids = {row[0]: row[1] for row in query}
    phones = {name: e164 for name in wanted - ids.keys() if (e164 := quick_e164(name, house.country))}
    columns = (customer_numbers.c.e164, customer_numbers.c.customer_id)
    holders = bulk.found(connection, columns, customer_numbers.c.e164, set(phones.values()))
    by_phone = {row[0]: row[1] for row in holders}
    ids |= {name: by_phone[e164] for name, e164 in phones.items() if e164 in by_phone}
    for order in found.values():
        if order.head[0] is not None and order.head[0] not in ids:
            text = f"{shown(order.head[0])} is the number or the phone of no customer: import the customers first"
            problems.add(order.line, "customer", text)
            order.sound = False
    return ids


def _is_sound(number: str, order: _Order, known: Collection[str], problems: Problems) -> bool:
    if number not in known:
        for place, name in enumerate(_HEAD[:3]):
            if order.head[place] is None:
                problems.add(order.line, name, f"is empty, and order {number} is new")
                order.sound = False
        if order.amount is None:
            problems.add(order.line, "amount", f"order {number} has neither an amount nor lines")
            order.sound = False
    total, said = order.amount, order.head[4]
    if order.sound and total is not None and said is not None and total != said:
        text = f"order {number} costs {_plain(said)}, and its lines are {_plain(total)} in all"
        problems.add(order.line, "amount", text)
        order.sound = False
    if order.sound and total is not None and total >= _MOST:
        problems.add(order.line, "amount", "at most 14 digits before the point")
        order.sound = False
    return order.sound


def _said(order: _Order, ids: Mapping[str, int], is_known: bool, house: House) -> tuple[Any, ...]:
    customer, placed_on, status, currency, _, expected_on = order.head
    currency = currency or (None if is_known else house.rules.currency)
    return (ids.get(customer), placed_on, status, currency, order.amount, expected_on, None)


def _known_lines(connection: Connection, numbers: Collection[str]) -> dict[str, list[tuple[Any, ...]]]:
    columns = [order_lines.c[name] for name in _LINES]
    known: dict[str, list[tuple[Any, ...]]] = {}
    for row in sorted(bulk.found(connection, columns, order_lines.c.number, numbers), key=lambda row: row[:2]):
        known.setdefault(row[0], []).append(tuple(row[2:]))
    return known


def _hold_to_lines(
    sound: Mapping[str, _Order], known: Mapping[str, Any], lines: Mapping[str, Sequence[Any]], problems: Problems
) -> None:
    """An order that has lines costs what they cost: another amount needs other lines."""
    for number, held in lines.items():
        order, total = sound[number], sum((line[-1] for line in held), Decimal(0))
        if not order.lines and order.head[4] not in (None, total):
            text = f"order {number} has lines of {_plain(total)} in all: give its new lines too"
            problems.add(order.line, "amount", text)


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _differences(
    compared: Compared, relined: Mapping[str, Sequence[Any]], lines: Mapping[str, Sequence[Any]]
) -> Iterator[Difference]:
    yield from compared.changes()
    new = {row[0] for row in compared.new}
    for number, of in relined.items():
        if number not in new:
            yield Difference.of(number, "lines", _told_lines(lines.get(number, ())), _told_lines(of))
    yield from compared.additions()


def _write(
    connection: Connection,
    who: Who,
    *,
    compared: Compared,
    relined: Mapping[str, Sequence[Any]],
    lines: Mapping[str, Sequence[Any]],
    rules: StageRules,
) -> None:
    write(connection, who, compared)
    bulk.remove(connection, order_lines, "number", relined.keys() & lines.keys())
    rows = [(number, nr, *line) for number, of in relined.items() for nr, line in enumerate(of, 1)]
    bulk.add(connection, order_lines, _LINES, rows)
    new = {row[0] for row in compared.new}
    again = {number: of for number, of in relined.items() if number not in new}
    tell(connection, [_told(number, lines.get(number, ()), of, who) for number, of in again.items()])
    refresh_stages(connection, set(_touched(compared)), who.today, rules)


def _told(number: str, before: Sequence[Any], after: Sequence[Any], who: Who) -> tuple[Any, ...]:
    row = change_row(orders, {"number": number}, "lines", _told_lines(before), _told_lines(after), by=who.by, at=who.at)
    return tuple(row.values())


def _told_lines(lines: Sequence[Any]) -> str:
    return "; ".join(f"{quantity} x {product} {_plain(price)}" for product, _, quantity, price, _ in lines)


def _touched(compared: Compared) -> Iterator[int]:
    """The customers whose orders are others now, also who has lost one."""
    yield from (row[1] for row in compared.new)
    places = [_TARGET.columns.index(name) for name in _COUNTS]
    for before, after in compared.changed.values():
        if any(before[place] != after[place] for place in places):
            yield from (before[0], after[0])
