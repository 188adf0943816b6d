"""The migrations make exactly the tables that the models name, on SQLite; and PostgreSQL's SQL can be written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from crm_bridge.migrating import config, migrate
from crm_bridge.models import metadata
from crm_bridge.store import connect, sqlite_url


def _differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrated_tables_are_the_models(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "crm.db")
    await migrate(url)
    engine = connect(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


async def test_again_is_harmless_and_keeps_the_rows(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "crm.db")
    await migrate(url)
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO media_sources VALUES ('tv', 'TV', 'tv')"))
    await migrate(url)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT id FROM media_sources"))).scalars().all() == ["tv"]
    await engine.dispose()


async def test_down_and_up_again(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "crm.db")
    await migrate(url)
    engine = connect(url)

    def downgrade(connection: Connection) -> None:
        made = config()
        made.attributes["connection"] = connection
        command.downgrade(made, "base")

    async with engine.begin() as connection:
        await connection.run_sync(downgrade)
    await migrate(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


def test_the_same_revisions_can_be_written_for_postgresql() -> None:
    made = config()
    made.output_buffer = io.StringIO()
    made.attributes["dialect"] = "postgresql"
    command.upgrade(made, "head", sql=True)
    sql = made.output_buffer.getvalue()
    assert "TIMESTAMP WITH TIME ZONE" in sql
    assert all(f"CREATE TABLE {table}" in sql for table in metadata.tables)
