"""`hotline list`, `work` and `lead` over a store that a day of calls has filled. No Asterisk, no engine."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.migrating import migrate
from crm_bridge.rules import CrmRules, DispositionRule
from crm_bridge.seed import CustomerSeed, DealerSeed, Seed, sow
from crm_bridge.store import CrmStore
from hotline.cli import app
from hotline.settings import SiteFolders
from hotline.site.init import init_site

WANG, LI = "+8613800138000", "+8613900139000"
FORMULA = "=cmd|' /C calc'!A0"
RULES = CrmRules(
    dispositions={"lead": DispositionRule("lead"), "service": DispositionRule("ticket", category="repair")}
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


def entries(now: float) -> list[Entry]:
    def entry(call_id: str, kind: str, ago_s: float, **fields: Json) -> Entry:
        return Entry(call_id, kind, now - ago_s, fields)

    return [
        entry("c1", "call_started", 3000, dnis="1", ani="13800138000", source="tv_spot"),
        entry("c1", "outcome", 2990, outcome="abandoned_queue", queue="sales", waited_s=7.25),
        entry("c2", "call_started", 2900, dnis="1", ani="13900139000", name=FORMULA, source="radio"),
        entry("c2", "outcome", 2890, outcome="timeout", queue="service"),
        entry("c3", "call_started", 2800, dnis="1", ani=""),
        entry("c3", "outcome", 2790, outcome="timeout", queue="service"),
        entry("c4", "call_started", 2700, dnis="1", ani="13700137000"),
        entry("c4", "outcome", 2600, outcome="answered", agent="1001", queue="sales", talked_s=60.0),
        entry("c4", "disposition", 2590, agent="1001", code="lead"),
        entry("c4", "survey", 2580, service=1),
        entry("c5", "call_started", 2500, dnis="1", ani="13700137000"),
        entry("c5", "callback", 2490, queue="sales", number="+8613700137000"),
        entry("c5", "outcome", 2480, outcome="callback"),
        entry("c5", "disposition", 2470, agent="1001", code="service"),
    ]


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("filled") / "site"
    init_site(site)

    async def fill() -> None:
        url = SiteFolders(site).crm_url
        await migrate(url)
        store = CrmStore(url, rules=RULES)
        wang = CustomerSeed("80001", "王芳", (WANG,), tier="gold")
        await sow(
            store, Seed(customers=[wang], dealers=[DealerSeed("301", "A", "east"), DealerSeed("302", "B", "east")])
        )
        await store.apply([Logged(seq, each) for seq, each in enumerate(entries(time.time()), 1)])
        await store.close()

    asyncio.run(fill())
    return site


@pytest.fixture
def filled(filled_once: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled_once, tmp_path / "filled")
    return tmp_path / "filled"


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def done(*words: object) -> str:
    result = hotline(*words)
    assert result.exit_code == 0, result.stderr
    return str(result.stdout)


def refused(*words: object) -> str:
    """Why, on one line."""
    result = hotline(*words)
    assert result.exit_code in (1, 2), result.output
    return re.sub(r"[\s│]+", " ", result.stderr)


def listed(site: Path, name: str, *words: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done("list", name, "--json", "--site", site, *words).splitlines()]


# ---- lists


def test_missed_callers_with_whose_they_are(filled: Path) -> None:
    li, wang = listed(filled, "missed")
    assert (wang["customer"], wang["name"], wang["tier"], wang["number"]) == ("80001", "王芳", "gold", WANG)
    assert (wang["times"], wang["queue"], wang["source"], wang["longest_wait_s"]) == (1, "sales", "tv_spot", 7.25)
    assert (wang["taken_by"], wang["taken_at"], wang["mark"]) == ("", None, "")
    assert re.fullmatch(r"missed-c\d+", wang["item"])
    assert li["name"] == FORMULA
    assert listed(filled, "missed", "--limit", 1) == [li]


def test_who_cannot_be_called_back_is_told_beside_the_list(filled: Path) -> None:
    note = "Not listed: 1 missed without a number"
    assert note in done("list", "missed", "--site", filled)
    for form in ("--json", "--csv"):
        result = hotline("list", "missed", form, "--site", filled)
        assert note in result.stderr
        assert note not in result.stdout


def test_a_spreadsheet_runs_nothing(filled: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(done("list", "missed", "--csv", "--site", filled))))
    assert [row["name"] for row in rows] == [f"'{FORMULA}", "王芳"]
    assert rows[1]["number"] == WANG
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", rows[1]["since"])


@pytest.mark.parametrize("name", ["missed", "promises", "surveys"])
def test_an_empty_spreadsheet_has_a_heading(site: Path, name: str) -> None:
    [heading] = done("list", name, "--csv", "--site", site).splitlines()
    assert heading.startswith("item,")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missed", ["missed-c", WANG, "王芳", "gold", "tv_spot", "7.2"]),
        ("leads", ["lead-1", "new"]),
        ("tickets", ["ticket-", "repair", "open"]),
        ("surveys", ["survey-c4-", "service 1"]),
        ("callbacks", ["callback-", "+8613700137000"]),
    ],
)
def test_tables(filled: Path, name: str, words: list[str]) -> None:
    shown = done("list", name, "--site", filled)
    assert not [word for word in words if word not in shown], shown


@pytest.mark.parametrize("name", ["promises", "deliveries", "appointments", "voicemails"])
def test_an_empty_list_says_so(filled: Path, name: str) -> None:
    assert done("list", name, "--site", filled) == f"{name.capitalize()}: none\n"


def test_an_option_of_another_list_is_refused(filled: Path) -> None:
    assert "--below is for surveys, not for missed" in refused("list", "missed", "--below", 3, "--site", filled)
    assert "--days is for missed and surveys" in refused("list", "leads", "--days", 3, "--site", filled)
    assert "--all is for promises and surveys" in refused("list", "tickets", "--all", "--site", filled)
    assert "--mine and --free" in refused("list", "missed", "--mine", "--free", "--site", filled)


def test_marks_below_what_is_asked_for(filled: Path) -> None:
    assert len(listed(filled, "surveys")) == 1
    assert listed(filled, "surveys", "--below", 1) == []


# ---- taking on


def test_taken_given_dropped_and_closed(filled: Path) -> None:
    assert "taken on by agent:1001" in done("work", "take", "missed-13800138000", "--as", 1001, "--site", filled)
    [mine] = listed(filled, "missed", "--mine", "--as", 1001)
    item = mine["item"]
    assert (mine["number"], mine["taken_by"]) == (WANG, "agent:1001")
    assert listed(filled, "missed", "--mine") == []
    assert [line["number"] for line in listed(filled, "missed", "--free")] == [LI]
    told = refused("work", "take", item, "--as", "anna", "--site", filled)
    assert re.search(rf"agent:1001 has {item} since \d\d-\d\d \d\d:\d\d:\d\d \(--force\)", told)
    done("work", "give", item, 1002, "--as", 1001, "--site", filled)
    assert "agent:1002 has" in refused("work", "drop", item, "--as", 1001, "--site", filled)
    done("work", "drop", item, "--as", 1002, "--site", filled)
    assert len(listed(filled, "missed", "--free")) == 2
    done("work", "take", item, "--site", filled)
    done("work", "close", item, "--note", "wrote to her", "--site", filled)
    assert [line["number"] for line in listed(filled, "missed")] == [LI]
    with sqlite3.connect(filled / "var" / "crm.db") as database:
        [row] = database.execute("SELECT closed_by, note FROM work_items").fetchall()
        assert row[0].startswith("cli:")
        assert row[1] == "wrote to her"
    assert "somebody has spoken with them or closed it" in refused("work", "close", item, "--site", filled)


def test_a_ticket_is_solved(filled: Path) -> None:
    [ticket] = listed(filled, "tickets")
    done("work", "close", ticket["item"], "--site", filled)
    assert listed(filled, "tickets") == []
    assert f"{ticket['item']} is done already, by cli:" in refused("work", "take", ticket["item"], "--site", filled)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["take", "promise-99"], "there is no promise-99"),
        (["take", "nonsense"], "is no line of a list"),
        (["take", "lead-1", "--as", 9999], "there is no agent 9999; there are 1001"),
        (["give", "lead-1", 9999], "there is no agent 9999"),
        (["give", "lead-1", " "], "TO is empty"),
        (["drop", "lead-1"], "nobody has taken lead-1"),
        (["close", "lead-1"], "hotline lead accept, won or lost 1"),
        (["close", "callback-1", "--note", "x" * 501], "more than 500"),
    ],
)
def test_what_cannot_be_done_says_why(filled: Path, words: list[object], why: str) -> None:
    assert why in refused("work", *words, "--site", filled)


# ---- leads


def test_a_lead_goes_through_dealers_hands(filled: Path) -> None:
    assert "lead-1 is new, and this needs one that is assigned" in refused("lead", "accept", 1, "--site", filled)
    assert "there is no dealer 999" in refused("lead", "assign", 1, 999, "--site", filled)
    done("lead", "assign", "lead-1", 301, "--site", filled)
    [lead] = listed(filled, "leads")
    assert (lead["dealer"], lead["state"]) == ("301", "assigned")
    assert 23 * 3600 < lead["left_s"] <= 24 * 3600
    assert "23h 59min" in done("list", "leads", "--site", filled)
    assert "in the hands of dealer 301" in refused("lead", "accept", 1, 302, "--site", filled)
    done("lead", "return", 1, 301, "--site", filled)
    assert [line["state"] for line in listed(filled, "leads")] == ["new"]
    done("lead", "assign", 1, 302, "--site", filled)
    assert "accepted" in done("lead", "accept", 1, 302, "--site", filled)
    assert listed(filled, "leads") == []
    done("lead", "won", 1, "--site", filled)
    assert "lead-1 is won" in refused("lead", "lost", 1, "--site", filled)
    with sqlite3.connect(filled / "var" / "crm.db") as database:
        who = {row[0] for row in database.execute("SELECT by FROM changes WHERE subject = 'leads' AND field = 'state'")}
    assert len(who) == 1
    assert who.pop().startswith("cli:")


@pytest.mark.parametrize("lead", ["x", "lead-", "ticket-1", "99999999999"])
def test_what_is_no_lead_is_refused(filled: Path, lead: str) -> None:
    assert hotline("lead", "won", lead, "--site", filled).exit_code == 2
    assert "there is no lead-77" in refused("lead", "lost", 77, "--site", filled)
