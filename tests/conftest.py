"""Fixtures of all kinds of tests: a CRM database of either kind, with its tables and nothing in them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bench.postgresql import PostgresServer
from crm_bridge.migrating import migrate
from crm_bridge.store import sqlite_url

TEMPLATE = "template_crm"
DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """One server for each worker of the tests."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgresql: PostgresServer) -> str:
    postgresql.run(f"CREATE DATABASE {TEMPLATE}")
    asyncio.run(migrate(postgresql.url(TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "crm.db"
    asyncio.run(migrate(sqlite_url(file)))
    return file


@pytest.fixture(params=DATABASES)
def new_crm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes databases with all tables and no row, all of one kind: their URLs. Both kinds face the same test. In
    SQLite the first one is `crm.db` in the test's folder."""
    if request.param == "sqlite":
        yield partial(_new_file, request.getfixturevalue("sqlite_template"), tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    template = request.getfixturevalue("postgresql_template")
    made: list[str] = []

    def new() -> str:
        made.append(server.database(template))
        return server.url(made[-1])

    yield new
    for name in made:
        server.drop(name)


def _new_file(template: Path, folder: Path) -> str:
    count = len(list(folder.glob("crm*.db")))
    file = folder / f"crm{count or ''}.db"
    shutil.copy(template, file)
    return sqlite_url(file)


@pytest.fixture
def crm_url(new_crm: Callable[[], str]) -> str:
    return new_crm()


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "empty.db")
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    name = server.database()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def new_file(tmp_path: Path) -> str:
    """The URL of an SQLite file without tables."""
    return sqlite_url(tmp_path / "file.db")
