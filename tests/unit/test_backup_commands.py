"""`hotline backup`, `restore` and `db` on a site's own folder, with no engine and beside one that writes."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.migrating import go_back, head, migrate
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore
from hotline import restoring
from hotline.cli import app
from hotline.control import ControlServer
from hotline.settings import SiteFolders
from hotline.site.init import init_site

OUTCOME = {"outcome": "answered"}


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    init_site(tmp_path / "site")
    return SiteFolders((tmp_path / "site").absolute())


@pytest.fixture
def called(folders: SiteFolders) -> SiteFolders:
    """One call, in the CRM; the journal still has it, and one that the CRM could never take."""
    asyncio.run(migrate(folders.crm_url))
    asyncio.run(call(folders, "c1"))
    asyncio.run(call(folders, "bad", at=1e18))
    return folders


async def call(folders: SiteFolders, call_id: str, at: float = 1000.0) -> None:
    journal, store = await Journal.open(folders.journal), CrmStore(folders.crm_url)
    await journal.append(Entry(call_id, "call_started", at, {"ani": "13800138000"}))
    await journal.append(Entry(call_id, "outcome", at, OUTCOME))
    relay = Relay(journal, store)
    while await relay.once():
        pass
    await journal.close()
    await store.close()


async def relayed(folders: SiteFolders) -> None:
    journal, store = await Journal.open(folders.journal), CrmStore(folders.crm_url)
    relay = Relay(journal, store)
    while await relay.once():
        pass
    await journal.close()
    await store.close()


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def calls(folders: SiteFolders) -> list[str]:
    with sqlite3.connect(folders.var / "crm.db") as database:
        return [row[0] for row in database.execute("SELECT call_id FROM calls ORDER BY call_id")]


def journal_states(folders: SiteFolders) -> list[tuple[str, int]]:
    with sqlite3.connect(folders.journal) as database:
        return database.execute("SELECT call_id, state FROM entries ORDER BY seq").fetchall()


def test_back_up_prove_and_restore(called: SiteFolders, tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    made = hotline("backup", file, "--site", called.site)
    assert made.exit_code == 0, made.output
    assert f"revision {head()}, 1 calls" in made.output
    assert "is sound" in hotline("backup", "--verify", file).output
    asyncio.run(call(called, "c2"))
    done = hotline("restore", file, "--yes", "--site", called.site)
    assert done.exit_code == 0, done.output
    assert "the journal delivers 4 entries again" in done.output
    assert calls(called) == ["c1"]
    asyncio.run(relayed(called))
    assert calls(called) == ["c1", "c2"]
    [before] = called.backups.iterdir()
    assert before.name.startswith("before-restore-")
    assert hotline("restore", before, "--yes", "--site", called.site).exit_code == 0
    assert calls(called) == ["c1", "c2"]
    assert not called.redeliver.exists()
    assert [path.name for path in called.var.iterdir() if path.name.startswith(".")] == []


def test_a_backup_without_a_name_is_in_the_sites_own_folder(called: SiteFolders) -> None:
    assert hotline("backup", "--site", called.site).exit_code == 0
    [made] = called.backups.iterdir()
    assert made.name.startswith("hotline-")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_written_over(called: SiteFolders, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("mine")
    assert hotline("backup", tmp_path / "b.tar", "--site", called.site).exit_code == 1
    assert (tmp_path / "b.tar").read_text() == "mine"


def test_restore_asks_first(called: SiteFolders, tmp_path: Path) -> None:
    hotline("backup", tmp_path / "b.tar", "--site", called.site)
    asyncio.run(call(called, "c2"))
    asked = CliRunner().invoke(app, ["restore", str(tmp_path / "b.tar"), "--site", str(called.site)], input="n\n")
    assert asked.exit_code == 1
    assert "1 calls" in asked.output
    assert calls(called) == ["c1", "c2"]


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.6])
def test_a_broken_file_changes_nothing(called: SiteFolders, tmp_path: Path, keep: float) -> None:
    file = tmp_path / "b.tar"
    hotline("backup", file, "--site", called.site)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * keep)])
    before = (calls(called), journal_states(called))
    for words in (("restore", file, "--yes", "--site", called.site), ("backup", "--verify", file)):
        refused = hotline(*words)
        assert refused.exit_code == 1
        assert "cannot be restored: " in refused.output
    assert (calls(called), journal_states(called)) == before
    assert not called.backups.exists()


def test_on_a_new_machine_the_journal_comes_along(called: SiteFolders, tmp_path: Path) -> None:
    file = tmp_path / "b.tar"

    async def pending() -> None:
        journal = await Journal.open(called.journal)
        await journal.append(Entry("c3", "call_started", 1000.0, {}))
        await journal.append(Entry("c3", "outcome", 1000.0, OUTCOME))
        await journal.close()

    asyncio.run(pending())
    hotline("backup", file, "--site", called.site)
    init_site(tmp_path / "new")
    other = SiteFolders((tmp_path / "new").absolute())
    done = hotline("restore", file, "--yes", "--site", other.site)
    assert done.exit_code == 0, done.output
    assert calls(other) == ["c1", "c3"]  # what was on its way is there already
    assert journal_states(other) == journal_states(called)
    assert stat.S_IMODE(other.journal.stat().st_mode) == 0o600
    assert stat.S_IMODE((other.var / "crm.db").stat().st_mode) == 0o600
    asyncio.run(relayed(other))
    assert calls(other) == ["c1", "c3"]


def test_a_machine_that_has_a_journal_keeps_it_and_takes_the_parked_ones(called: SiteFolders, tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    hotline("backup", file, "--site", called.site)
    init_site(tmp_path / "new")
    other = SiteFolders((tmp_path / "new").absolute())
    asyncio.run(migrate(other.crm_url))
    asyncio.run(call(other, "mine"))
    for _ in range(2):
        assert hotline("restore", file, "--yes", "--site", other.site).exit_code == 0
        assert [name for name, state in journal_states(other)] == ["mine", "mine", "bad", "bad"]
    asyncio.run(relayed(other))
    assert calls(other) == ["c1", "mine"]


def test_who_dies_after_the_swap_leaves_a_note_for_the_next_engine(
    called: SiteFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hotline("backup", tmp_path / "b.tar", "--site", called.site)
    asyncio.run(call(called, "c2"))

    async def die(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(restoring, "deliver_again", die)
    hotline("restore", tmp_path / "b.tar", "--yes", "--site", called.site)
    monkeypatch.undo()
    assert calls(called) == ["c1"]
    assert called.redeliver.exists()

    async def next_engine() -> bool:
        journal = await Journal.open(called.journal)
        try:
            return await restoring.finish(called, journal)
        finally:
            await journal.close()

    assert asyncio.run(next_engine())
    asyncio.run(relayed(called))
    assert calls(called) == ["c1", "c2"]


def test_a_site_that_was_never_up_has_nothing_to_back_up(folders: SiteFolders) -> None:
    refused = hotline("backup", "--site", folders.site)
    assert refused.exit_code == 1
    assert "nothing to back up" in refused.output


# --- db


def test_status_of_the_tables(folders: SiteFolders) -> None:
    none = hotline("db", "status", "--site", folders.site)
    assert (none.exit_code, "none yet" in none.output) == (1, True)
    assert not (folders.var / "crm.db").exists()
    assert hotline("db", "upgrade", "--site", folders.site).exit_code == 0
    told = hotline("db", "status", "--json", "--site", folders.site)
    assert told.exit_code == 0
    found = json.loads(told.output)
    assert (found["revision"], found["program"], found["has_rows"]) == (head(), head(), False)


def test_down_and_up(called: SiteFolders) -> None:
    assert hotline("db", "downgrade", "0003", "--site", called.site).exit_code == 2  # not sure
    down = hotline("db", "downgrade", "0003", "--yes", "--site", called.site)
    assert down.exit_code == 0, down.output
    assert f"auto-{head()}-" in down.output
    assert hotline("db", "status", "--site", called.site).exit_code == 1
    up = hotline("db", "upgrade", "--site", called.site)
    assert "they were 0003" in up.output
    assert len(list(called.backups.iterdir())) == 2
    assert calls(called) == ["c1"]


@pytest.mark.parametrize(("to", "says"), [("0999", "no revision '0999'"), (head(), "nothing to take back")])
def test_a_wrong_way_down(called: SiteFolders, to: str, says: str) -> None:
    refused = hotline("db", "downgrade", to, "--yes", "--site", called.site)
    assert refused.exit_code == 2
    assert says in refused.output


def test_no_way_down_while_an_engine_is_there(called: SiteFolders) -> None:
    async def with_engine() -> Any:
        called.run.mkdir(exist_ok=True)

        async def pong(_: object) -> dict[str, object]:
            return {}

        server = ControlServer(called.run, {"ping": pong})
        await server.start()
        words = ("db", "downgrade", "0003", "--yes", "--site", called.site)
        refused = await asyncio.to_thread(hotline, *words)
        await server.stop()
        return refused

    refused = asyncio.run(with_engine())
    assert refused.exit_code == 1
    assert "stop the site first" in refused.output


def test_an_engine_of_before_can_read_what_was_taken_back(called: SiteFolders) -> None:
    asyncio.run(go_back(called.crm_url, "0001"))
    with sqlite3.connect(called.var / "crm.db") as database:
        assert database.execute("SELECT count(*) FROM calls").fetchone() == (1,)
