"""Brings a CRM database to the tables this program knows. Run before the store is used; again is
harmless."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from crm_bridge.store import connect

_SCRIPTS = Path(__file__).parent / "migrations"


def config() -> Config:
    """Alembic's settings without an ini file; the connection is handed over in ``attributes``."""
    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return made


async def migrate(url: str) -> None:
    """To the newest revision, in one transaction. Raises SQLAlchemyError, and alembic's CommandError when
    the database was made by a newer version."""
    engine = connect(url, busy_s=30.0)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, "head")
