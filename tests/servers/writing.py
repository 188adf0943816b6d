"""Somebody else who writes into a CRM database, and takes their time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from crm_bridge.database import connect


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[None]:
    """Until the end of the block nobody else can write."""
    engine = connect(url)
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(4008001001)"))
        else:
            await connection.execute(text("SELECT 1"))  # BEGIN IMMEDIATE
        yield
        await connection.rollback()
    await engine.dispose()
