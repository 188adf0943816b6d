"""`hotline list`: what it prints, and what the engine's start puts into the store. No Asterisk, no engine's tasks."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_bridge.entry import Entry, Logged
from crm_bridge.migrating import migrate
from crm_bridge.store import CrmStore
from hotline.cli import app
from hotline.engine import Engine
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site

WANG = "+8613800138000"
ENTRIES = [
    Entry("c1", "call_started", 1_750_000_000.0, {"dnis": "4008001001", "ani": "13800138000", "source": "tv_spot"}),
    Entry("c1", "voicemail", 1_750_000_010.0, {"box": "night", "recording": "c1_1", "seconds": 12.5, "number": WANG}),
    Entry("c1", "voicemail", 1_750_000_020.0, {"box": "[red]x", "recording": "", "number": ""}),
    Entry("c1", "callback", 1_750_000_030.0, {"queue": "sales", "number": WANG, "language": "english"}),
    Entry("c1", "outcome", 1_750_000_040.0, {"outcome": "voicemail", "agent": "1003", "queue": "sales"}),
    Entry("c1", "survey", 1_750_000_050.0, {"service": 5, "again": 10, "comment": "c1_2", "comment_s": 3.0}),
]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def filled(site: Path) -> Path:
    async def fill() -> None:
        await migrate(SiteFolders(site).crm_url)
        store = CrmStore(SiteFolders(site).crm_url)
        await store.apply([Logged(seq, entry) for seq, entry in enumerate(ENTRIES, 1)])
        await store.close()

    asyncio.run(fill())
    return site


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def listed(site: Path, name: str, *words: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in hotline("list", name, "--json", "--site", site, *words).output.splitlines()]


def test_voicemails_newest_first_with_the_path_of_the_recording(filled: Path) -> None:
    first, second = listed(filled, "voicemails")
    assert (first["opened_at"], first["box"], first["recording"]) == ("2025-06-15T15:07:00.000Z", "[red]x", "")
    assert first["number"] == WANG  # the call's
    assert (second["call_id"], second["number"], second["seconds"]) == ("c1", WANG, 12.5)
    assert second["recording"] == str(filled / "var" / "voicemail" / "c1_1.wav")
    assert listed(filled, "voicemails", "--limit", 1) == [first]


def test_callbacks(filled: Path) -> None:
    [task] = listed(filled, "callbacks")
    assert (task["number"], task["queue"], task["language"]) == (WANG, "sales", "english")


def test_surveys(filled: Path) -> None:
    assert listed(filled, "surveys") == []  # neither low nor new
    [answers] = listed(filled, "surveys", "--all")
    assert answers["scores"] == {"again": 10, "service": 5}
    assert (answers["agent"], answers["at"]) == ("1003", "2025-06-15T15:07:30.000Z")
    assert answers["recording"].endswith("c1_2.wav")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (["voicemails"], ["06-15 23:07:00", "[red]x", WANG, "12.5", "c1_1.wav"]),
        (["callbacks"], ["sales", "english"]),
        (["surveys", "--all"], ["again 10, service 5", "1003"]),
    ],
)
def test_tables_are_in_the_sites_time_and_plain(filled: Path, name: list[str], words: list[str]) -> None:
    result = hotline("list", *name, "--site", filled)
    assert result.exit_code == 0
    assert not [word for word in words if word not in result.output], result.output


def test_to_look_makes_no_database(site: Path) -> None:
    assert hotline("list", "voicemails", "--site", site).output == "Voicemails: none\n"
    assert listed(site, "surveys") == []
    assert list((site / "var").iterdir()) == []


def test_an_unknown_list_is_refused(site: Path) -> None:
    assert hotline("list", "wishes", "--site", site).exit_code == 2


# ---- the engine's start

BOOK = """
customers:
  "80001": {name: 王芳, phones: ["13800138000"]}
dealers:
  "301": {name: A, region: east, pin: "1357"}
"""


def start(site: Path) -> list[tuple[Any, ...]]:
    """The store as an engine has it when it begins to serve: customers and dealers."""

    async def opened() -> None:
        engine = Engine(load_site(site), SiteFolders(site), agi_secret="a", ami_secret="b")
        await (await engine._open_store()).close()

    asyncio.run(opened())
    with sqlite3.connect(site / "var" / "crm.db") as database:
        query = "SELECT c.number, c.name, n.e164, d.code, d.pin_hash FROM customers c, customer_numbers n, dealers d"
        return database.execute(query).fetchall()


def test_an_engine_that_starts_brings_the_store_up_to_the_book(site: Path) -> None:
    (site / "crm.yaml").write_text(BOOK)
    [row] = start(site)
    assert row[:4] == ("80001", "王芳", WANG, "301")
    assert row[4].startswith("$argon2id$")
    assert start(site) == [row]
