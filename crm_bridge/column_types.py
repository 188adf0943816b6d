"""Kinds of columns that must mean the same in SQLite and in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Numeric
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC. SQLite has no time zones: there it is written and read as naive
    UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def bind_processor(self, dialect: Dialect) -> Any:
        """SQLAlchemy's own takes five times as long to write the same, and a call has a dozen instants."""
        return _as_sqlite_has_it if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as_sqlite_has_it(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(" ", "microseconds")[:26]


class Money(TypeDecorator[Decimal]):
    """An exact amount: up to 14 digits before the point and four after it, of a currency that stands beside it.

    SQLite has no decimals, and its own idea of them is a float: there an amount is a whole number of ten-thousandths,
    which compares, sorts and adds up exactly. A float, and an amount that does not fit, raises ValueError: nothing is
    rounded."""

    impl = Numeric(18, 4)
    cache_ok = True
    PARTS = 10_000

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(18, 4))

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if isinstance(value, float):
            raise ValueError("an amount is a Decimal, and no float")
        value = Decimal(value)
        if not value.is_finite() or abs(value) >= 10**14 or value != round(value, 4):
            raise ValueError("an amount has at most 14 digits before the point and four after it")
        return int(value * self.PARTS) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value) / self.PARTS if dialect.name == "sqlite" else Decimal(value)
