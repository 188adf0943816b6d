"""A sale becomes an order, with one line where the caller's keys had said what they wanted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from crm_bridge.becoming.word import Word, customer_of
from crm_bridge.changing import change, made
from crm_bridge.given_numbers import next_number
from crm_bridge.life_cycle import CANCELLED, refresh_stages
from crm_bridge.models import order_lines, orders
from crm_bridge.rules import CrmRules, DispositionRule

PLACED = "placed"
_MOST_OF_ONE = 9999


def make(connection: Connection, word: Word, rule: DispositionRule, rules: CrmRules) -> None:
    known = _order(connection, word)
    if known is not None and known["status"] not in (PLACED, CANCELLED):
        return
    if known is None:
        number, customer = next_number(connection, orders), customer_of(connection, word)
        row = {"number": number, "customer_id": customer, "status": PLACED, "amount": word.amount}
        row |= {"currency": rules.currency, "placed_on": word.day(rules), "call_id": word.call_id}
        connection.execute(insert(orders).values({**row, "agent": word.agent, "channel": "phone"}))
        made(connection, orders, {"number": number}, by=word.by, at=word.at)
    else:
        number, customer = known["number"], known["customer_id"]
        changed = {"status": PLACED, "amount": word.amount}
        change(connection, orders, {"number": number}, changed, by=word.by, at=word.at)
    _write_line(connection, word, rule, number)
    refresh_stages(connection, [customer], word.day(rules), rules.stages)


def _write_line(connection: Connection, word: Word, rule: DispositionRule, number: str) -> None:
    """What the caller's keys had said was wanted, at the amount that the agent has typed."""
    assert word.amount is not None  # noqa: S101 (for the type checker)
    product, quantity = word.value(rule.product), _quantity(word.value(rule.quantity))
    connection.execute(delete(order_lines).where(order_lines.c.number == number))
    if not product:
        return
    price = (word.amount / quantity).quantize(Decimal("0.0001"))
    if price * quantity != word.amount:
        price, quantity = word.amount, 1
    row = {"number": number, "line": 1, "product": product[:64], "quantity": quantity, "price": price}
    connection.execute(insert(order_lines).values({**row, "amount": word.amount}))


def _quantity(typed: str) -> int:
    return int(typed) if typed.isdecimal() and 0 < int(typed) <= _MOST_OF_ONE else 1


def take_back(connection: Connection, word: Word, rules: CrmRules) -> None:
    known = _order(connection, word)
    if known is not None and known["status"] == PLACED:
        change(connection, orders, {"number": known["number"]}, {"status": CANCELLED}, by=word.by, at=word.at)
        refresh_stages(connection, [known["customer_id"]], word.day(rules), rules.stages)


def _order(connection: Connection, word: Word) -> Mapping[str, Any] | None:
    query = select(orders.c.number, orders.c.status, orders.c.customer_id).where(orders.c.call_id == word.call_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)
