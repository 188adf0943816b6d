"""Money is exact in both databases' ways of keeping it; what does not fit is refused and never rounded."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import StatementError

from crm_bridge.column_types import Money
from crm_bridge.store import connect, sqlite_url

AMOUNTS = st.decimals(-(10**14) + 1, 10**14 - 1, places=4)
_takings = Table("takings", MetaData(), Column("id", Integer, primary_key=True), Column("amount", Money))


@given(AMOUNTS)
def test_there_and_back(amount: Decimal) -> None:
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        kept = Money().process_bind_param(amount, dialect)
        assert type(kept) is (int if dialect.name == "sqlite" else Decimal)
        assert Money().process_result_value(kept, dialect) == amount


@pytest.mark.parametrize("amount", ["0.00001", "1e14", "-1e14", "NaN", "Infinity", "205.051234"])
def test_what_does_not_fit_is_refused(amount: str) -> None:
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        with pytest.raises(ValueError, match="at most 14 digits"):
            Money().process_bind_param(Decimal(amount), dialect)


def test_a_float_is_no_amount() -> None:
    with pytest.raises(ValueError, match="no float"):
        Money().process_bind_param(0.1, sqlite.dialect())  # type: ignore[arg-type]


async def test_sqlite_adds_up_compares_and_sorts_exactly(tmp_path: Path) -> None:
    """0.1 + 0.2 is 0.3; and two amounts that are one float apart are two."""
    engine = connect(sqlite_url(tmp_path / "crm.db"))
    amounts = [Decimal("0.1"), Decimal("0.2"), Decimal("90071992547409.9301"), Decimal("90071992547409.9302"), None]
    async with engine.begin() as connection:
        await connection.run_sync(_takings.metadata.create_all)
        await connection.execute(insert(_takings), [{"amount": amount} for amount in amounts])
    column = _takings.c.amount
    async with engine.connect() as connection:
        assert (await connection.execute(select(func.sum(column)).where(column < 1))).scalar() == Decimal("0.3")
        largest = select(column).where(column > Decimal("90071992547409.9301"))
        assert (await connection.execute(largest)).scalars().all() == [amounts[3]]
        falling = select(column).where(column.is_not(None)).order_by(column.desc())
        assert (await connection.execute(falling)).scalars().all() == [amounts[n] for n in (3, 2, 1, 0)]
        assert (await connection.execute(select(func.count()).where(column.is_(None)))).scalar() == 1
        with pytest.raises(StatementError, match="four after it"):
            await connection.execute(insert(_takings), {"amount": Decimal("0.00001")})
    await engine.dispose()
