"""`hotline reconcile` on a site's own folder."""

from __future__ import annotations

import asyncio
import json
import wave
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_bridge.journal import Journal
from crm_bridge.migrating import migrate
from hotline.cli import app
from hotline.clock import SteadyClock
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from tests.unit.test_cdr import ours


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    init_site(tmp_path / "site")
    folders = SiteFolders(tmp_path / "site")

    async def make() -> None:
        await migrate(folders.crm_url)
        await (await Journal.open(folders.journal)).close()

    asyncio.run(make())
    return folders


@pytest.fixture
def calls_csv(folders: SiteFolders) -> Path:
    """Three calls of an hour ago: nobody has told of any."""
    born = int(SteadyClock()()) - 3600
    at = datetime.fromtimestamp(born, UTC)
    file = folders.asterisk_logs / "cdr-custom" / "calls.csv"
    file.parent.mkdir(parents=True)
    file.write_text("".join(ours(at, 20, f"{born}.{n}") + "\n" for n in range(2)), "utf-8")
    file.with_name("calls.csv.2026-01-01").write_text(ours(at, 20, f"{born}.2", peer="1003") + "\n", "utf-8")
    folders.voicemail.mkdir(parents=True)
    with wave.open(str(folders.voicemail / f"some-call_{born}.1.wav"), "wb") as message:
        message.setparams((1, 2, 8000, 0, "NONE", ""))
        message.writeframes(bytes(2 * 8000 * 3))
    return file


def hotline(folders: SiteFolders, *words: object) -> Any:
    words = ("reconcile", *words, "--site", folders.site)
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def entries(folders: SiteFolders) -> list[tuple[str, dict[str, Any]]]:
    async def read() -> list[tuple[str, dict[str, Any]]]:
        journal = await Journal.open(folders.journal)
        rows = await journal.read("SELECT kind, fields FROM entries ORDER BY seq")
        await journal.close()
        return [(kind, json.loads(fields)) for kind, fields in rows]

    return asyncio.run(read())


def test_dry_then_wet_then_again(folders: SiteFolders, calls_csv: Path) -> None:
    dry = hotline(folders, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "3 calls in 3 records: 0 known, 3 would be added" in dry.output
    assert entries(folders) == []
    told = [json.loads(line) for line in hotline(folders, "--json").output.splitlines()]
    assert (told[0]["added"], told[0]["corrected"], told[0]["dry_run"]) == (3, 0, False)
    found = entries(folders)
    assert [fields["outcome"] for kind, fields in found if kind == "outcome"] == [
        "answered",
        "abandoned_ivr",
        "voicemail",
    ]
    # One number alone has this source, so it was that number.
    assert {fields["dnis"] for kind, fields in found if kind == "call_started"} == {"4008001001"}
    assert "3 known, 0 added" in hotline(folders).output
    assert entries(folders) == found


def test_a_call_in_the_spool_is_the_fail_open_scripts_to_tell(folders: SiteFolders, calls_csv: Path) -> None:
    uniqueid = calls_csv.read_text().splitlines()[0].split(",")[12].strip('"')
    folders.spool.mkdir(parents=True)
    record = {"call_id": "known-by-script", "phase": "start", "at": SteadyClock()(), "uniqueid": uniqueid}
    (folders.spool / "x.start.json").write_text(json.dumps(record), "utf-8")
    assert "2 would be added" in hotline(folders, "--dry-run").output
    assert (folders.spool / "x.start.json").exists()
    hotline(folders)
    assert len(entries(folders)) == 5  # its start, and two calls


def test_a_file_of_another_kind(folders: SiteFolders, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n")
    refused = hotline(folders, "--cdr", tmp_path / "x.csv")
    assert refused.exit_code == 1
    assert "line 1 has 2 columns" in refused.output


def test_no_file_at_all(folders: SiteFolders) -> None:
    assert "name a file by --cdr" in hotline(folders).output
