"""A job on the CRM's file: whole or not at all, also when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from crm_bridge.database import Database, database, sqlite_url


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Database]:
    opened = database(sqlite_url(tmp_path / "crm" / "crm.db"), busy_s=0.2)
    await opened.write(lambda connection: _do(connection, "CREATE TABLE t (n INTEGER)"))
    yield opened
    await opened.close()


def _do(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


async def rows(file: Database) -> list[int]:
    return await file.read(
        lambda connection: [row[0] for row in connection.execute(text("SELECT n FROM t ORDER BY n"))]
    )


async def test_a_job_that_fails_leaves_nothing(file: Database) -> None:
    def job(connection: Connection) -> None:
        _do(connection, "INSERT INTO t VALUES (1)")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await file.write(job)
    assert await rows(file) == []


async def test_a_job_whose_asker_is_cancelled_is_done_to_its_end(file: Database) -> None:
    begun, go = threading.Event(), threading.Event()

    def job(connection: Connection) -> None:
        begun.set()
        assert go.wait(5)
        _do(connection, "INSERT INTO t VALUES (1)")

    asker = asyncio.create_task(file.write(job))
    await asyncio.to_thread(begun.wait, 5)
    asker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asker
    assert await rows(file) == []  # a reader waits for no writer
    go.set()
    await file.write(lambda connection: _do(connection, "INSERT INTO t VALUES (2)"))
    assert await rows(file) == [1, 2]


async def test_a_file_that_somebody_else_holds_is_told(file: Database, tmp_path: Path) -> None:
    other = database(sqlite_url(tmp_path / "crm" / "crm.db"), busy_s=0.2)
    held, go = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        held.set()
        go.wait(5)

    holding = asyncio.create_task(other.write(hold))
    await asyncio.to_thread(held.wait, 5)
    with pytest.raises(OperationalError, match="locked"):
        await file.write(lambda connection: _do(connection, "INSERT INTO t VALUES (1)"))
    assert await rows(file) == []
    go.set()
    await holding
    await other.close()


async def test_the_file_is_its_owners_alone(file: Database, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "crm" / "crm.db").stat().st_mode) == 0o600
