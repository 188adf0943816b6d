"""The commands from outside: what they print, and their exit codes. No Asterisk, no engine."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_bridge.entry import Entry, Logged
from crm_bridge.migrating import migrate
from crm_bridge.store import CrmStore, SourceName
from hotline.asterisk_files import AsteriskPlace
from hotline.cli import app
from hotline.commands.showing import defused, printable
from hotline.commands.up import make_plan
from hotline.control import ControlServer
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site

COMMANDS = ["init", "up", "status", "doctor", "check", "calls", "agents", "queues", "report", "demo", "bench"]
COMMANDS += ["try", "graph", "hours", "close", "open", "prompts", "import", "demo-data"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def test_every_command_is_there_and_explains_itself() -> None:
    for command in COMMANDS:
        result = hotline(command, "--help")
        assert result.exit_code == 0, command
        assert "Usage" in result.output


def test_init_then_check(tmp_path: Path) -> None:
    assert hotline("init", tmp_path / "new", "--name", "家电行").exit_code == 0
    result = hotline("check", "--site", tmp_path / "new")
    assert result.exit_code == 0
    assert re.search(
        r"家电行: \d+ numbers, \d+ agents, \d+ queues, \d+ flows, \d+ prompts\. All is well\.", result.output
    )


def test_init_refuses_a_folder_in_use(site: Path) -> None:
    result = hotline("init", site)
    assert result.exit_code == 1
    assert "is not empty" in result.stderr


def test_check_tells_file_line_and_key(site: Path) -> None:
    (site / "media.yaml").write_text("tv_spot:\n  name: TV\n  kind: tv\n  kind: radio\n")
    result = hotline("check", "--site", site)
    assert result.exit_code == 1
    assert "media.yaml:4: tv_spot.kind: is written twice" in result.stderr


@pytest.mark.parametrize("words", [("up",), ("status",), ("calls",), ("agents",), ("report", "media")])
def test_a_broken_site_ends_every_command_with_its_problems(site: Path, words: tuple[str, ...]) -> None:
    (site / "site.yaml").write_text("name: x\n")
    result = hotline(*words, "--site", site)
    assert result.exit_code == 78
    assert "timezone: is missing" in result.stderr


@pytest.mark.parametrize("command", ["status", "agents", "queues"])
def test_without_an_engine_they_say_so(site: Path, command: str) -> None:
    result = hotline(command, "--site", site)
    assert result.exit_code == 1
    assert "the engine is not running" in result.stderr


def test_to_look_at_calls_makes_no_database(site: Path) -> None:
    assert hotline("calls", "--site", site).output == "Calls: none yet\n"
    assert hotline("calls", "--json", "--site", site).output == ""
    assert list((site / "var").iterdir()) == []


def test_a_database_that_is_none_is_told_without_a_traceback(site: Path) -> None:
    (site / "var" / "crm.db").write_text("this is not a database, whatever its name says" * 100)
    result = hotline("calls", "--site", site)
    assert result.exit_code == 1
    assert "the CRM store cannot be read" in result.stderr


async def _store_a_call(site: Path) -> None:
    url = SiteFolders(site).crm_url
    await migrate(url)
    store = CrmStore(url, region="CN")
    await store.name_sources([SourceName("tv_spot", "TV spot", "tv")])
    start = {"dnis": "4008001001", "ani": "13800138000", "name": "[red]李\u202e", "source": "tv_spot", "campaign": "x"}
    end = {"outcome": "answered", "agent": "1003", "queue": "sales", "language": "english", "ended_at": 1_750_000_060.0}
    entries = [
        Logged(1, Entry("c1", "call_started", 1_750_000_000.0, start)),
        Logged(2, Entry("c1", "outcome", 1_750_000_060.0, {**end, "waited_s": 2.0, "talked_s": 40.0})),
    ]
    await store.apply(entries)
    await store.close()


def test_calls_as_json_are_one_object_a_line(site: Path) -> None:
    asyncio.run(_store_a_call(site))
    lines = hotline("calls", "--json", "--site", site).output.splitlines()
    assert len(lines) == 1
    row = json.loads(lines[0])
    wanted = "call_id dnis ani media_source campaign language queue agent outcome started_at answered_at ended_at"
    assert set(f"{wanted} waited_s talked_s hangup_by customer_id".split()) <= set(row)
    assert (row["call_id"], row["media_source"], row["outcome"]) == ("c1", "tv_spot", "answered")


def test_tables_of_calls_and_media(site: Path) -> None:
    asyncio.run(_store_a_call(site))
    calls = hotline("calls", "--site", site).output
    assert "06-15 23:06:40" in calls  # the site's clock, Shanghai
    assert "4008001001" in calls
    assert "TV spot" in hotline("report", "media", "--site", site).output


def test_an_unknown_report_is_a_usage_error(site: Path) -> None:
    assert hotline("report", "nonsense", "--site", site).exit_code == 2


@pytest.fixture
def engine(site: Path) -> Iterator[dict[str, Any]]:
    """A control socket that answers what the test puts in, in a loop of its own."""
    answers: dict[str, Any] = {}

    def handler(word: str) -> Any:
        async def answer(_: Mapping[str, Any]) -> Mapping[str, Any]:
            return answers[word]  # type: ignore[no-any-return]

        return answer

    loop = asyncio.new_event_loop()
    server = ControlServer(site / "run", {word: handler(word) for word in ("status", "agents", "queues")})
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield answers
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(server.stop())
    loop.close()


@pytest.mark.parametrize(("asterisk", "code"), [("up", 0), ("away", 2)])
def test_status_tells_by_its_exit_code(site: Path, engine: dict[str, Any], asterisk: str, code: int) -> None:
    engine["status"] = {"asterisk": asterisk, "calls": 3, "journal": {"parked": 1}}
    result = hotline("status", "--site", site)
    assert result.exit_code == code
    assert "journal.parked" in result.output
    told = json.loads(hotline("status", "--json", "--site", site).output)
    assert told.pop("api") in ("up", "away")  # of whoever may be at the usual port of this machine
    assert told == engine["status"]


def test_agents_show_their_pause_reason(site: Path, engine: dict[str, Any]) -> None:
    agent = {"extension": "1001", "name": "[b]李娜", "presence": "paused", "pause_reason": "rona", "engagement": "idle",
             "phone": "free", "queue": "", "call_id": ""}  # fmt: skip
    engine["agents"] = {"agents": [agent]}
    output = hotline("agents", "--site", site).output
    assert "paused (rona)" in output
    assert "[b]李娜" in output  # shown, not read as markup
    assert json.loads(hotline("agents", "--json", "--site", site).output) == agent


def test_control_characters_never_reach_the_terminal() -> None:
    assert printable("a\x1b[31mb\u202ec\nd") == "a·[31mb·c·d"
    assert printable(None) == ""


def test_the_plan_of_an_embedded_and_of_an_external_site(site: Path) -> None:
    place = AsteriskPlace(command=("/opt/asterisk",), version="22.10.1", modules="/m", data="/d", sounds="/s")
    plan = make_plan(load_site(site), SiteFolders(site), place)
    assert plan.asterisk is not None
    assert plan.asterisk.words == ("/opt/asterisk", "-C", str(site / "run/asterisk/asterisk.conf"), "-f")
    # Asterisk writes asterisk.pid into this very folder: ours must have another name.
    assert plan.asterisk.mark_file.name != "asterisk.pid"
    text = (site / "site.yaml").read_text().replace("mode: embedded", "mode: external")
    (site / "site.yaml").write_text(text)
    assert make_plan(load_site(site), SiteFolders(site), place).asterisk is None


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("-2+3", "'-2+3"),
        ("+8613800138000", "+8613800138000"),
        ("-2.50", "-2.50"),
        ("王芳", "王芳"),
        (None, ""),
        (-5, -5),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_defused(cell: object, safe: object) -> None:
    assert defused(cell) == safe
