"""An engine that starts and its CRM store: away, older, newer, in the midst of a migration that fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from bench.postgresql import PostgresServer
from crm_bridge import migrating
from crm_bridge.backup.reading import open_backup, verified
from crm_bridge.backup.staging import build
from crm_bridge.entry import Entry, Logged
from crm_bridge.migrating import head, migrate
from crm_bridge.store import StoreAway
from hotline import backups, store_opening
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.site import Site
from hotline.store_opening import NotBroughtUp, StoreOpening, bring_up
from tests.contracts.test_migrations import read, run, write
from tests.servers.full_store import everything, fill

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
OLDER = "0002"


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    init_site(tmp_path / "site")
    return SiteFolders(tmp_path / "site")


@pytest.fixture
def site(folders: SiteFolders, empty_url: str) -> Site:
    """Its store has no tables yet."""
    return replace(load_site(folders.site), crm_url=empty_url)


@pytest.fixture
async def older(site: Site, empty_url: str) -> Site:
    """Its store was made by an older version, which has written into it."""
    await migrate(empty_url, OLDER)
    await run(empty_url, lambda connection: write(connection, OLDER))
    return site


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_opening, "_FIRST_RETRY_S", 0.01)


@pytest.fixture
async def opening(site: Site, folders: SiteFolders) -> AsyncIterator[StoreOpening]:
    opened = StoreOpening(site, folders, lambda: NOW.timestamp())
    yield opened
    await opened.store.close()


async def test_a_new_store_is_made_and_sown(opening: StoreOpening, empty_url: str, folders: SiteFolders) -> None:
    await opening.run()
    found = everything(empty_url)
    assert {row["id"] for row in found["media_sources"]} >= {"tv_spot"}
    assert found["customers"]
    assert not folders.backups.exists()  # there was nothing in it


async def test_before_a_migration_of_rows_there_is_a_backup(
    older: Site, folders: SiteFolders, empty_url: str, tmp_path: Path
) -> None:
    before = await run(empty_url, read)
    assert await bring_up(older, folders, NOW, {}) == OLDER
    [made] = folders.backups.iterdir()
    assert made.name == "auto-0002-20261128T100000Z.tar"
    assert verified(made).revision == OLDER
    assert (await run(empty_url, read))["customers"][0]["stage"] == "prospect"
    with open_backup(made) as archive:
        build(archive, tmp_path / "built.db")
    assert before["calls"][0]["call_id"] in str((tmp_path / "built.db").read_bytes())
    assert await bring_up(older, folders, NOW, {}) == head()  # again: nothing is due, and no backup is made
    assert len(list(folders.backups.iterdir())) == 1


def test_the_newest_five_are_kept(folders: SiteFolders) -> None:
    folders.backups.mkdir(parents=True)
    names = [f"auto-000{nr % 4}-2026010{nr}T000000Z.tar" for nr in range(1, 8)]
    for name in (*names, "hotline-20250101T000000Z.tar"):
        (folders.backups / name).write_bytes(b"")
    backups._keep_last(folders.backups, "auto")
    assert {path.name for path in folders.backups.iterdir()} == {*names[2:], "hotline-20250101T000000Z.tar"}


async def test_a_migration_that_fails_leaves_the_store_and_says_what_to_do(
    older: Site, folders: SiteFolders, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the midst of it: the first steps are done when one fails."""
    before = await run(empty_url, read)
    moved = migrating._moved

    def fail(connection: object, step: object) -> None:
        moved(connection, step)  # type: ignore[arg-type]
        connection.execute(text("SELECT * FROM nowhere"))  # type: ignore[attr-defined]

    monkeypatch.setattr(migrating, "_moved", fail)
    known: dict[str, Path] = {}
    with pytest.raises(NotBroughtUp) as error:
        await bring_up(older, folders, NOW, known)
    said = str(error.value)
    assert said.startswith(
        f"the CRM store could not be migrated from {OLDER} to {head()} and is as it was; a backup is"
    )
    assert "auto-0002-20261128T100000Z.tar" in said
    assert "nowhere" in said
    assert "hotline db upgrade" in said
    assert await run(empty_url, read) == before
    with pytest.raises(NotBroughtUp):
        await bring_up(older, folders, NOW, known)
    assert len(list(folders.backups.iterdir())) == 1  # one of each revision is enough


async def test_without_room_for_a_backup_nothing_is_migrated(
    older: Site, folders: SiteFolders, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = await run(empty_url, read)
    monkeypatch.setattr(backups, "write_backup", full)
    with pytest.raises(NotBroughtUp, match=r"was not migrated, because no backup.*No space left.*make room"):
        await bring_up(older, folders, NOW, {})
    assert await run(empty_url, read) == before


async def test_the_store_of_a_newer_version_is_never_written_into(
    opening: StoreOpening, empty_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await migrate(empty_url)
    await run(empty_url, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0999'")))
    running = asyncio.create_task(opening.run())
    await opening.tried(10.0)
    with pytest.raises(StoreAway, match="not been brought up to date"):
        await opening.store.apply([Logged(1, Entry("c1", "call_started", 1000.0))])
    running.cancel()
    assert "has revision 0999, which this version does not know" in caplog.text
    assert everything(empty_url)["calls"] == []


async def test_while_it_is_away_it_says_so_and_when_it_is_here_it_is_sown(
    postgresql: PostgresServer, folders: SiteFolders, caplog: pytest.LogCaptureFixture
) -> None:
    """The server is there, the database is not yet."""
    caplog.set_level(logging.INFO)
    url = postgresql.url("not_yet")
    opening = StoreOpening(replace(load_site(folders.site), crm_url=url), folders, lambda: NOW.timestamp())
    running = asyncio.create_task(opening.run())
    await opening.tried(10.0)
    with pytest.raises(StoreAway):
        await opening.store.read(lambda connection: None)
    assert "the CRM store is away" in caplog.text
    assert "Calls are served" in caplog.text
    postgresql.run("CREATE DATABASE not_yet")
    await asyncio.wait_for(running, 20.0)
    await opening.store.apply([Logged(1, Entry("c1", "call_started", 1000.0))])
    found = everything(url)
    await opening.store.close()
    assert found["customers"]
    assert len(found["calls"]) == 1
    assert caplog.text.count("the CRM store is away") == 1  # however often it was tried
    postgresql.drop("not_yet")


async def test_who_waits_for_it_waits_no_longer_than_so(site: Site, folders: SiteFolders) -> None:
    opening = StoreOpening(site, folders, lambda: NOW.timestamp())
    await opening.tried(0.01)  # nobody runs it at all
    await opening.store.close()


def test_a_full_store_is_seen_to_have_rows(new_crm: Callable[[], str]) -> None:
    url = new_crm()
    assert backups.state_of(url) == (head(), False)
    fill(url, 1)
    assert backups.state_of(url) == (head(), True)
