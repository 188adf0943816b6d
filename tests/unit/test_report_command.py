"""`hotline report` from outside: for people, spreadsheets and programs; what it refuses, and its exit codes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from acd.event_log import EventLog
from acd.events import LeftFor
from crm_bridge.entry import Entry, Logged
from crm_bridge.migrating import migrate
from crm_bridge.models import media_costs, orders
from crm_bridge.outcome import Outcome
from crm_bridge.reporting import outcomes
from crm_bridge.store import CrmStore, SourceName
from hotline.cli import app
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from tests.fakes.paper_centre import PaperCentre, agent, at_once, queue

DAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 4, tzinfo=UTC).timestamp()  # 12:00 in Shanghai
REPORTS = ("media", "queue-day", "agent-day", "service-level", "promises", "dealers", "surveys", "lost-money", "stages")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def busy(site: Path) -> Path:
    """A site with three calls, an order and costs."""
    asyncio.run(_fill(SiteFolders(site).crm_url))
    return site


async def _fill(url: str) -> None:
    await migrate(url)
    store = CrmStore(url, region="CN")
    await store.name_sources([SourceName("=web", "=cmd|' /C calc'!A0", "web")])
    ends = [("tv_spot", "answered"), ("tv_spot", "abandoned_queue"), ("=web", "overflow")]
    log: list[Logged] = []
    for nr, (source, end) in enumerate(ends):
        start = {"dnis": "4008001001", "ani": f"1380013800{nr}", "source": source}
        told = [
            Entry(f"c{nr}", "call_started", NOON + nr, start),
            Entry(f"c{nr}", "outcome", NOON + 60, {"outcome": end}),
        ]
        log += [Logged(len(log) + place, entry) for place, entry in enumerate(told, 1)]
    await store.apply(log)
    row = {"number": "8001", "customer_id": 1, "status": "placed", "placed_on": DAY, "call_id": "c0"}
    bought = [{**row, "amount": Decimal("299.7"), "currency": "CNY"}]
    bought.append({**row, "number": "8002", "call_id": None, "amount": Decimal(3), "currency": "USD"})
    paid = {"ref": "a", "media_source": "tv_spot", "begins_on": DAY, "ends_on": DAY + timedelta(days=1)}
    await store.write(lambda connection: connection.execute(insert(orders), bought))
    spent = {**paid, "amount": Decimal(100), "currency": "CNY"}
    await store.write(lambda connection: connection.execute(insert(media_costs), [spent]))
    await store.close()


def report(site: Path, *words: object) -> Any:
    return CliRunner().invoke(app, ["report", *map(str, words), "--site", str(site)], env={"COLUMNS": "80"})


def rows(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("name", REPORTS)
def test_a_site_that_was_never_up_has_nothing_to_report_and_gets_no_database(site: Path, name: str) -> None:
    result = report(site, name)
    assert result.exit_code == 0
    assert result.output.rstrip().endswith((": none", ": nothing on that day"))
    assert list((site / "var").iterdir()) == []


def test_as_json_money_is_text_and_the_books_come_last(busy: Path) -> None:
    *lines, last = rows(report(busy, "media", "--day", DAY, "--json"))
    tv = next(line for line in lines if line["source"] == "tv_spot")
    assert (tv["calls"], tv["cost"], tv["revenue"], tv["cost_per_call"]) == (2, "50", "299.70", "25")
    assert tv["roi"] == 4.994
    books = last["books"]
    assert books["add_up"] is True
    assert (books["whole"]["calls"], books["whole"]["cost"], books["wrong"]) == (3, "50", [])
    assert books["other_currencies"] == [{"what": "orders", "count": 1, "amount": "3", "currency": "USD"}]


def test_for_a_spreadsheet_cells_are_defused_and_what_was_not_added_up_is_told_beside(busy: Path) -> None:
    result = report(busy, "media", "--day", DAY, "--csv")
    lines = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {line["source"]: line["name"] for line in lines} == {
        "tv_spot": "tv_spot",
        "'=web": "'=cmd|' /C calc'!A0",
        "unknown": "unknown",
    }
    assert lines[0]["revenue"] == "299.70"
    assert result.stderr == "not added up: orders in another currency: 1, 3 USD\n"


def test_a_table_has_a_total_and_its_notes(busy: Path) -> None:
    output = report(busy, "media", "--month", "2026-11").output
    assert "total" in output
    assert "299.70" in output
    assert "…" not in output  # however narrow the terminal
    assert "not added up: orders in another currency: 1, 3 USD" in output


@pytest.mark.parametrize("how", [(), ("--csv",), ("--json",)])
def test_books_that_do_not_add_up_are_told_with_a_code_of_their_own(
    busy: Path, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    monkeypatch.setattr(outcomes, "PLACES", {**outcomes.PLACES, "other": (Outcome.TIMEOUT,)})
    result = report(busy, "media", "--day", DAY, *how)
    assert result.exit_code == 3
    assert "the books do not add up: outcomes: the lines have 2, the whole is 3\n" in result.stderr
    if how == ("--json",):
        assert json.loads(result.stdout.splitlines()[-1])["books"]["add_up"] is False


def test_the_calls_behind_a_figure(busy: Path) -> None:
    days = ("--since", DAY, "--until", DAY)
    assert [row["call_id"] for row in rows(report(busy, "media", *days, "--calls", "lost", "--json"))] == ["c1", "c2"]
    lost = rows(report(busy, "media", *days, "--calls", "lost", "--of", "tv_spot", "--json"))
    assert [(row["call_id"], row["started_at"]) for row in lost] == [("c1", "2026-11-24T04:00:01.000Z")]
    assert "2026-11-24 12:00:01" in report(busy, "media", *days, "--calls", "lost").output  # the site's clock
    [order] = rows(report(busy, "media", *days, "--calls", "revenue", "--json"))
    assert (order["number"], order["amount"], order["touch"]) == ("8001", "299.70", "c0")
    hour = report(busy, "lost-money", *days, "--by", "hour", "--calls", "lost", "--of", 12, "--csv")
    assert len(hour.stdout.splitlines()) == 3
    assert report(busy, "media", *days, "--calls", "leads").output == "Leads: none\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("media", "--by", "queue"), "--by queue: media is by source, campaign, day"),
        (("stages", "--by", "source"), "stages is sorted in one way only"),
        (("dealers", "--touch", "first"), "--touch is for media by source or campaign"),
        (("media", "--by", "day", "--touch", "first"), "--touch is for media by source or campaign"),
        (("media", "--day", "2026-11-24", "--month", "2026-11"), "which days?"),
        (("media", "--since", "2026-11-24", "--until", "2026-11-23"), "--since 2026-11-24 is after --until 2026-11-23"),
        (("media", "--until", "9999-12-31"), "reports know the years from 1970 to 2199"),
        (("media", "--until", "0001-01-01"), "reports know the years from 1970 to 2199"),
        (("media", "--day", "2026-02-30"), "2026-02-30"),
        (("media", "--json", "--csv"), "either --json or --csv"),
        (("media", "--of", "tv_spot"), "--of names a line of the figure that --calls names"),
        (("media", "--calls", "roi"), "there are no rows behind 'roi', but behind calls, first_time"),
        (("media", "--calls", "lost", "--of", "tv_sopt"), "there is no line 'tv_sopt' in this report, but tv_spot"),
        (("lost-money", "--by", "hour", "--calls", "lost", "--of", "noon"), "'noon' is no hour"),
        (("queue-day", "--month", "2026-11"), "queue-day is of one day"),
        (("queue-day", "--calls", "roi"), "there are no calls behind 'roi', but behind offered, answered"),
        (("queue-day", "--calls", "offered", "--of", "sale"), "one of the queues of that day: none"),
        (("agent-day", "--calls", "answered"), "only queue-day has --calls"),
    ],
)
def test_what_cannot_be_asked(busy: Path, words: tuple[str, ...], complaint: str) -> None:
    result = report(busy, *words)
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())


def test_the_last_thirty_days_when_none_are_named(busy: Path) -> None:
    today = datetime.now(UTC).date()
    days = rows(report(busy, "media", "--by", "day", "--json"))
    assert len(days) == 31  # and the books
    assert today - timedelta(days=31) < date.fromisoformat(days[0]["day"]) < today - timedelta(days=27)
    assert len(rows(report(busy, "media", "--by", "day", "--month", "2028-02", "--json"))) == 30


@pytest.fixture
def paper(site: Path) -> Path:
    """A day of a queue: one answered, one who left, one who waits, one in a conversation; in the event log."""
    made = PaperCentre([agent("1001")], [queue(wrap_up_s=10)])
    made.clock.now = NOON
    at_once(made.router.start())
    made.staff()
    ticket = made.join("talked")
    made.talk(ticket)
    made.pass_time(60)
    made.hang_up(ticket)
    leaver = made.join("left")
    made.pass_time(20)
    at_once(made.router.leave(leaver, LeftFor.ABANDONED))
    talks = made.join("talks")
    at_once(made.router.ready("1001"))
    made.talk(talks)
    made.join("waits")
    log = EventLog(SiteFolders(site).events, 400)
    for event in made.events:
        log.append(event)
    log.close()
    return site


def test_the_calls_of_a_queues_day_are_as_many_as_its_figures(paper: Path) -> None:
    [day] = rows(report(paper, "queue-day", "--day", DAY, "--json"))
    assert (day["offered"], day["answered"], day["abandoned"], day["goes_on"]) == (4, 2, 1, 1)
    calls = partial(report, paper, "queue-day", "--day", DAY, "--of", "sales", "--json", "--calls")
    for figure in ("offered", "answered", "abandoned", "short_abandon", "timed_out", "lost", "goes_on", "callback"):
        assert len(rows(calls(figure))) == day[figure], figure
    assert {row["call_id"] for row in rows(calls("answered"))} == {"talked", "talks"}
    assert [row["end"] for row in rows(calls("offered"))] == ["answered", "abandoned", "answered", "goes_on"]


@pytest.mark.parametrize("name", ["queue-day", "agent-day", "service-level"])
def test_a_day_for_a_spreadsheet(paper: Path, name: str) -> None:
    lines = list(csv.DictReader(io.StringIO(report(paper, name, "--day", DAY, "--csv").stdout)))
    assert len(lines) == 1
    assert lines[0]["answered"] in ("1", "2")  # the agent's second conversation is not over
