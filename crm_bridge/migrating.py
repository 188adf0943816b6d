"""Brings a CRM database to the tables this program knows. Run before the store is used; again is
harmless."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, inspect
from sqlalchemy.exc import IntegrityError

from crm_bridge.store import connect

_SCRIPTS = Path(__file__).parent / "migrations"


def config() -> Config:
    """Alembic's settings without an ini file; the connection is handed over in ``attributes``."""
    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return made


async def migrate(url: str, revision: str = "head") -> None:
    """Up to ``revision``, in one transaction. Raises SQLAlchemyError, and alembic's CommandError when
    the database was made by a newer version."""
    await _run(url, partial(command.upgrade, revision=revision))


async def go_back(url: str, revision: str) -> None:
    """Down to ``revision`` ("base": no tables at all), in one transaction. What the older tables have no place for is
    gone. Raises as `migrate` does."""
    await _run(url, partial(command.downgrade, revision=revision))


def head() -> str:
    """The revision of the tables that this program knows."""
    found = _scripts().get_current_head()
    if found is None:
        raise RuntimeError("there are no migrations")
    return found


def known_revisions() -> list[str]:
    """The oldest first."""
    return [script.revision for script in reversed(list(_scripts().walk_revisions()))]


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(config())


def revision_in(connection: Connection) -> str | None:
    """Of the tables that are there; None where there are none. (Alembic's own way would write a line into the log.)"""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def upgrade_in(connection: Connection, revision: str = "head") -> None:
    """Up to ``revision``, in the transaction of a connection whose SQLite keys rest (`let_keys_rest`)."""
    _moved(connection, partial(command.upgrade, revision=revision))


def let_keys_rest(engine: Engine) -> None:
    """SQLite changes most of a table by making it anew and dropping the old one, which keys that point to it would
    forbid; so they rest meanwhile and are checked before the commit (the way of SQLite's own manual)."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _leave_keys_alone)


async def _run(url: str, step: Callable[[Config], None]) -> None:
    engine = connect(url, busy_s=30.0)
    let_keys_rest(engine.sync_engine)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_moved, step)
    finally:
        await engine.dispose()


def _moved(connection: Connection, step: Callable[[Config], None]) -> None:
    made = config()
    made.attributes["connection"] = connection
    step(made)
    if connection.dialect.name == "sqlite" and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
        reason = f"the migration would leave {len(broken)} rows that point to nothing"
        raise IntegrityError(reason, None, ValueError(reason))


def _leave_keys_alone(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.close()
