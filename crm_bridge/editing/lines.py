"""The lines of an order or a quote: what they cost in all is the amount of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, Table, insert

from crm_bridge.editing.act import Unfit

_TOO_MUCH = Decimal(10) ** 14


@dataclass(frozen=True, slots=True)
class Line:
    """``amount``: of the whole line; None: the price times the quantity. (A discount makes it less.)"""

    product: str
    quantity: int
    price: Decimal
    name: str = ""
    amount: Decimal | None = None

    @property
    def total(self) -> Decimal:
        return self.price * self.quantity if self.amount is None else self.amount


def amount_of(amount: Decimal | None, lines: Sequence[Line]) -> Decimal:
    """Of the whole. Raises Unfit when it is not the sum of its lines, or when nothing tells it."""
    if not lines:
        if amount is None:
            raise Unfit("there is neither an amount nor a line", where="amount", hint="give one of them")
        return amount
    total = sum((line.total for line in lines), Decimal(0))
    if total >= _TOO_MUCH:
        raise Unfit("the lines cost more than can be written down", where="lines", hint="at most 14 digits")
    if amount is not None and amount != total:
        hint = "leave the amount out, and it is worked out"
        raise Unfit("the amount is not the sum of the lines", where="amount", hint=hint)
    return total


def write_lines(connection: Connection, table: Table, number: str, lines: Sequence[Line]) -> None:
    """Of an order or a quote that is new."""
    rows = [
        {
            "number": number,
            "line": nr,
            "product": line.product,
            "name": line.name,
            "quantity": line.quantity,
            "price": line.price,
            "amount": line.total,
        }
        for nr, line in enumerate(lines, 1)
    ]
    if rows:
        connection.execute(insert(table), rows)
