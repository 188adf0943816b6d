"""Money added up exactly on both databases, and shares of it whose sum is the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Numeric, String
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from crm_bridge.column_types import Money

NOTHING = Decimal(0)
_HALF = 10**9  # SQLite adds up in 64 bits, and ten of the largest amounts would not fit: two halves are added up


class _Sum(TypeDecorator[Decimal]):
    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else Numeric())

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal:
        if value is None:
            return NOTHING
        if dialect.name != "sqlite":
            return Decimal(value)
        high, low = value.split(" ")
        return amount_of(int(high) * _HALF + int(low))


class exact_sum(FunctionElement[Decimal]):
    """Of a Money column; 0 where there is nothing."""

    type = _Sum()
    inherit_cache = True


@compiles(exact_sum)
def _written(element: Any, compiler: Any, **how: Any) -> str:
    (column,) = (compiler.process(one, **how) for one in element.clauses)
    if compiler.dialect.name == "sqlite":
        return f"(sum({column} / {_HALF}) || ' ' || sum({column} % {_HALF}))"
    return f"sum({column})"


def total(column: ColumnElement[Any]) -> ColumnElement[Decimal]:
    return exact_sum(column)


def parts_of(amount: Decimal) -> int:
    """In ten-thousandths, which is what an amount is made of."""
    return int(amount * Money.PARTS)


def amount_of(parts: int) -> Decimal:
    return Decimal(parts).scaleb(-4)


def rounded(amount: Fraction | None) -> Decimal | None:
    """To a ten-thousandth."""
    return None if amount is None else amount_of(round(amount * Money.PARTS))


def apportioned(shares: Iterable[Fraction]) -> Iterator[Decimal]:
    """Each to a ten-thousandth or so: what has been given out so far is what the sum so far is, rounded, so that
    nothing is lost or gained over all."""
    exact, given = Fraction(0), 0
    for share in shares:
        exact += share
        due = round(exact * Money.PARTS)
        yield amount_of(due - given)
        given = due


def ratio(part: Fraction | int, whole: Fraction | int) -> float | None:
    """Of counts, or of what is no money any more: to four digits."""
    return round(float(Fraction(part) / Fraction(whole)), 4) if whole else None
