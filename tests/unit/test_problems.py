"""What failed in the flows, as the admin reads it: from a real journal, by the command."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.problems import FlowProblem, flow_problems, problem_count
from hotline.cli import app
from hotline.clock import SteadyClock
from hotline.commands.status import _told
from hotline.settings import SiteFolders
from hotline.site.init import init_site


def problem(call_id: str, at: float, node: str = "ask", what: str = "the node failed: KeyError") -> Entry:
    return Entry(call_id, "flow_problem", at, {"flow": "main", "node": node, "what": what})


async def test_they_are_counted_by_flow_node_and_kind_the_newest_first(tmp_path: Path):
    journal = await Journal.open(tmp_path / "journal.db")
    for entry in (
        problem("a", 10.0),
        problem("b", 20.0, what="the CRM is too slow"),
        problem("c", 40.0),
        problem("d", 30.0, node="status/ask"),
        Entry("e", "node", 50.0, {"name": "ask"}),
        Entry("f", "flow_problem", 5.0, {"node": "ask"}),  # from before there was a flow in it
    ):
        await journal.append(entry)
    assert await flow_problems(journal, 10.0) == [
        FlowProblem("main", "ask", "the node failed: KeyError", 2, 40.0, "c"),
        FlowProblem("main", "status/ask", "the node failed: KeyError", 1, 30.0, "d"),
        FlowProblem("main", "ask", "the CRM is too slow", 1, 20.0, "b"),
    ]
    assert (await flow_problems(journal, 0.0))[-1] == FlowProblem("", "ask", "", 1, 5.0, "f")
    assert [await problem_count(journal, since) for since in (0.0, 20.0, 41.0)] == [5, 3, 0]
    await journal.close()


async def test_to_look_for_them_does_not_read_the_whole_journal(tmp_path: Path):
    journal = await Journal.open(tmp_path / "journal.db")
    plan = await journal.read(
        "EXPLAIN QUERY PLAN SELECT count(*) FROM entries WHERE kind = 'flow_problem' AND at >= ?", 0.0
    )
    assert "flow_problems" in plan[0][-1]
    await journal.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


def run(site: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["problems", "--site", str(site), *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_without_a_journal_there_are_none_and_none_is_made(site: Path):
    assert run(site) == "Flow problems: none\n"
    assert run(site, "--json") == ""
    assert not SiteFolders(site).journal.exists()


def test_the_command_shows_the_last_days_or_from_a_day_on(site: Path):
    now, day = SteadyClock()(), 86_400.0

    async def write() -> None:
        journal = await Journal.open(SiteFolders(site).journal)
        for n, age in enumerate((20.0, 8.0, 6.0, 0.1)):
            await journal.append(problem(f"call-{n}", now - age * day))
        await journal.close()

    asyncio.run(write())
    [row] = [json.loads(line) for line in run(site, "--json").splitlines()]
    assert (row["flow"], row["node"], row["what"], row["count"], row["last_call"]) == (
        *("main", "ask", "the node failed: KeyError"), 2, "call-3",
    )  # fmt: skip
    assert row["last_at"].endswith("Z")
    assert json.loads(run(site, "--json", "--since", "2000-01-01"))["count"] == 4
    table = run(site)
    assert "call-3" in table
    assert " 2 " in table
    assert sqlite3.connect(SiteFolders(site).journal).execute("SELECT count(*) FROM entries").fetchone() == (4,)


def test_the_status_tells_of_them_only_when_there_are_any():
    assert _told({"calls": 1, "flow_problems": 0}) == {"calls": 1}
    assert _told({"calls": 1, "flow_problems": 3})["flow problems"].startswith("3 in the last day")
