"""`hotline outbox`: what it prints and writes, beside a journal as the engine leaves it."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.migrating import migrate
from hotline.cli import app
from hotline.settings import SiteFolders
from hotline.site.init import init_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def stuck(site: Path) -> Path:
    """Seq 2 is parked, and so is 3, an outcome."""

    async def fill() -> None:
        folders = SiteFolders(site)
        folders.var.mkdir(exist_ok=True)
        await migrate(folders.crm_url)
        journal = await Journal.open(folders.journal)
        await journal.append(Entry("c1", "call_started", 1000.0))
        for kind in ("node", "outcome"):
            await journal.park(await journal.append(Entry("c1", kind, 1001.0, {"name": "王"})), f"{kind}: bad")
        await journal.close()

    asyncio.run(fill())
    return site


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def listed(site: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(hotline("outbox", "list", "--json", "--site", site).output)
    return found


def test_the_list(stuck: Path) -> None:
    found = listed(stuck)
    assert found["pending"] == 1
    assert found["oldest_s"] > 0
    assert found["parked"][0] == {
        "seq": 2,
        "call_id": "c1",
        "kind": "node",
        "at": "1970-01-01T00:16:41.000Z",
        "reason": "node: bad",
    }
    table = hotline("outbox", "list", "--site", stuck).output
    assert "Pending: 1, the oldest for" in table
    assert "outcome: bad" in table


def test_where_nobody_has_called_yet_there_is_nothing_and_no_journal_is_made(site: Path) -> None:
    assert listed(site) == {"pending": 0, "oldest_s": None, "parked": []}
    assert not SiteFolders(site).journal.exists()


def test_retry_one_and_all(stuck: Path) -> None:
    assert "1 retried" in hotline("outbox", "retry", 2, "--site", stuck).output
    assert [row["seq"] for row in listed(stuck)["parked"]] == [3]
    assert "1 retried" in hotline("outbox", "retry", "--all", "--site", stuck).output
    assert listed(stuck)["pending"] == 3
    again = hotline("outbox", "retry", 2, 77, "--site", stuck)
    assert again.exit_code == 1
    assert "0 retried" in again.output


@pytest.mark.parametrize("words", [(), (2, "--all")])
def test_retry_wants_to_know_which(stuck: Path, words: tuple[object, ...]) -> None:
    assert hotline("outbox", "retry", *words, "--site", stuck).exit_code == 2


def test_drop_writes_down_who_and_when_first(stuck: Path) -> None:
    assert hotline("outbox", "drop", 2, "--site", stuck).exit_code == 2
    assert len(listed(stuck)["parked"]) == 2
    done = hotline("outbox", "drop", 2, "--yes", "--site", stuck)
    assert done.exit_code == 0, done.output
    assert [row["seq"] for row in listed(stuck)["parked"]] == [3]
    file = SiteFolders(stuck.absolute()).dropped
    [line] = file.read_text().splitlines()
    row = json.loads(line)
    assert (row["seq"], row["fields"], row["reason"]) == (2, {"name": "王"}, "node: bad")
    assert row["dropped_by"].startswith("cli:")
    assert row["dropped_at"].endswith("Z")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_outcome_is_not_dropped(stuck: Path) -> None:
    refused = hotline("outbox", "drop", 2, 3, "--yes", "--site", stuck)
    assert refused.exit_code == 1
    assert "3 is the outcome of call c1" in refused.output
    assert len(listed(stuck)["parked"]) == 2
    assert not SiteFolders(stuck).dropped.exists()
