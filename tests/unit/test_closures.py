"""A line closed by hand: durable, over by itself, told to a living engine; and the commands that do it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crm_bridge.closures import JournalClosureBook
from crm_bridge.journal import Journal
from hotline.cli import app
from hotline.closings import WORD, Closings
from hotline.control import ControlServer
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site
from ivr.closures import ClosedLines, Closure
from ivr.flow.world import SiteWorld
from tests.fakes.paper_centre import HandClock
from tests.unit.small_site import write_small_site

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
FAR = "2099-01-01 00:00"


def closure(line: str = "main", hours: float = 2, reason: str = "fire drill") -> Closure:
    return Closure(line, NOON, NOON + timedelta(hours=hours), reason)


async def test_a_closing_survives_a_restart_and_ends_by_itself(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j.db")
    await JournalClosureBook(journal).save(closure())
    await journal.close()

    clock = HandClock(NOON.timestamp())
    journal = await Journal.open(tmp_path / "j.db")
    closings = Closings(JournalClosureBook(journal), clock)
    await closings.read()
    world = SiteWorld({}, clock, closings.lines)
    assert not world.is_open("main")
    assert world.is_open("night")
    assert closings.told()["main"]["reason"] == "fire drill"
    clock.now = NOON.timestamp() + 7199.9
    assert not world.is_open("main")
    clock.now = NOON.timestamp() + 7200
    assert world.is_open("main")
    assert closings.told() == {}
    await journal.close()


async def test_the_last_word_counts_and_a_closing_can_be_ended(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j.db")
    book = JournalClosureBook(journal)
    await book.save(closure(hours=5))
    await book.save(closure(hours=1, reason="x\0" * 500))
    await book.save(closure("night"))
    loaded = await book.load()
    assert loaded == [closure(hours=1, reason="x" * 200), closure("night")]
    assert await book.end("main")
    assert not await book.end("main")
    assert await book.load() == [closure("night")]
    await journal.close()


async def test_a_journal_of_the_first_version_gets_the_table(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j.db")
    await journal.write(lambda own: own.execute("DROP TABLE closures"), keep=False)
    await journal.close()
    journal = await Journal.open(tmp_path / "j.db")
    assert await JournalClosureBook(journal).load() == []
    await journal.close()


def test_hours_do_not_open_what_a_hand_has_closed() -> None:
    lines = ClosedLines([closure()])
    assert lines.closure("main", NOON - timedelta(hours=1)) is not None  # another clock's "since" decides nothing
    assert lines.closures(NOON + timedelta(hours=2)) == ()
    lines.replace([])
    assert lines.closure("main", NOON) is None


# -- the commands


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def soon(hours: float = 3) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="minutes")


def written(site: Path) -> list[Closure]:
    async def read() -> list[Closure]:
        journal = await Journal.open(SiteFolders(site).journal)
        try:
            return list(await JournalClosureBook(journal).load())
        finally:
            await journal.close()

    return asyncio.run(read())


@pytest.fixture
def engine(site: Path) -> Iterator[SiteWorld]:
    """The part of an engine that closings concern: its journal, its control socket, its flows' world."""
    started, ready, ended = threading.Event(), [], asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def live() -> None:
        journal = await Journal.open(SiteFolders(site).journal)
        closings = Closings(JournalClosureBook(journal), lambda: datetime.now(UTC).timestamp())
        await closings.read()

        async def closures(_: Any) -> Any:
            await closings.read()
            return closings.told()

        server = ControlServer(site / "run", {WORD: closures})
        await server.start()
        loops.append(asyncio.get_running_loop())
        ready.append(SiteWorld(load_site(site).hours, lambda: datetime.now(UTC).timestamp(), closings.lines))
        started.set()
        await ended.wait()
        await server.stop()
        await journal.close()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    assert started.wait(10)
    yield ready[0]
    loops[0].call_soon_threadsafe(ended.set)
    thread.join()


def test_a_living_engine_closes_the_line_at_once_and_opens_it_at_once(site: Path, engine: SiteWorld) -> None:
    assert engine.is_open("main")
    result = hotline("close", "main", "--until", soon(), "--reason", "[red]fire drill", "--site", site)
    assert result.exit_code == 0, result.output
    assert "The engine knows." in result.output
    assert not engine.is_open("main")
    result = hotline("open", "main", "--site", site)
    assert "main is no longer closed by hand; by its hours it is open now." in result.output
    assert engine.is_open("main")


def test_without_an_engine_it_is_written_for_the_next_one(site: Path) -> None:
    result = hotline("close", "main", "--until", soon(), "--reason", " fire\ndrill ", "--site", site)
    assert result.exit_code == 0, result.output
    assert "it will know when it starts" in result.output
    (found,) = written(site)
    assert (found.line, found.reason) == ("main", "fire·drill")
    assert timedelta(hours=2.9) < found.until - found.since <= timedelta(hours=3)


def test_an_engine_that_does_not_answer_is_told_of_and_the_closing_is_written(site: Path) -> None:
    started, ended = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def live() -> None:
        server = ControlServer(site / "run", {})  # an engine of a version that knows no closings
        await server.start()
        loops.append(asyncio.get_running_loop())
        started.set()
        await ended.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    assert started.wait(10)
    result = hotline("close", "main", "--until", soon(), "--site", site)
    loops[0].call_soon_threadsafe(ended.set)
    thread.join()
    assert result.exit_code == 1
    assert "written, but the engine has not taken it over yet" in result.stderr
    assert len(written(site)) == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("close", "mian", "--until", "18:00"), 1, "did you mean 'main'?"),
        (("open", "mian"), 1, "there is no line 'mian'"),
        (("hours", "mian"), 1, "there is no line 'mian'"),
        (("close", "main", "--until", "soon"), 2, "--until: 'soon' is no time"),
        (("close", "main", "--until", "2020-01-01"), 2, "over already"),
        (("close", "main", "--until", FAR), 2, "more than a year"),
        (("close", "main"), 2, "--until"),
        (("hours", "main", "1.1.2026"), 2, "1.1.2026"),
    ],
)
def test_refused_and_nothing_written(site: Path, words: tuple[str, ...], code: int, message: str) -> None:
    result = hotline(*words, "--site", site)
    assert result.exit_code == code
    assert message in result.output
    assert not list((site / "var").glob("*"))


def test_to_open_what_is_not_closed_makes_no_journal(site: Path) -> None:
    result = hotline("open", "main", "--site", site)
    assert result.exit_code == 0
    assert "main was not closed by hand" in result.output
    assert not list((site / "var").glob("*"))


def test_a_journal_that_is_none_is_told_without_a_traceback(site: Path) -> None:
    (site / "var" / "journal.db").write_text("no journal, whatever its name says" * 100)
    for words in (("close", "main", "--until", "18:00"), ("open", "main"), ("hours", "main")):
        result = hotline(*words, "--site", site)
        assert result.exit_code == 1
        assert "the journal cannot be" in result.stderr


HOURS = """
dates:
  2026-02-24: { closed: true, why: stocktaking }
main:
  week:
    mon: ["09:00-12:30", "13:30-18:00"]
    sat: ["09:00-12:00"]
  holidays: { country: CN }
  dates:
    2026-02-25: { hours: ["10:00-12:00"], why: "[b]training" }
berlin:
  timezone: Europe/Berlin
  week:
    sun: ["00:00-08:00"]
"""


def test_a_week_with_its_reasons(tmp_path: Path) -> None:
    site = write_small_site(tmp_path / "site")
    (site / "hours.yaml").write_text(HOURS)
    result = hotline("hours", "main", "2026-02-23", "--site", site)
    assert result.exit_code == 0, result.output
    shown = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "2026-02-23 Mon Day off (substituted from 02/28/2026) closed" in shown
    assert "2026-02-24 Tue stocktaking closed" in shown
    assert "2026-02-25 Wed [b]training 10:00-12:00" in shown
    assert "2026-02-28 Sat make-up working day, as mon 09:00-12:30, 13:30-18:00" in shown
    assert "2026-03-01 Sun closed" in shown
    assert shown[0] == "main (Asia/Shanghai)"
    assert shown[-1].startswith("main is ")
    assert not list((site / "var").glob("*"))


def test_a_week_as_json_is_one_day_a_line(tmp_path: Path) -> None:
    site = write_small_site(tmp_path / "site")
    (site / "hours.yaml").write_text(HOURS)
    rows = [
        json.loads(line)
        for line in hotline("hours", "main", "2026-02-28", "--json", "--site", site).output.splitlines()
    ]
    assert [row["date"] for row in rows] == ["2026-02-28", *(f"2026-03-0{day}" for day in range(1, 7))]
    assert rows[0] == {
        "line": "main",
        "timezone": "Asia/Shanghai",
        "date": "2026-02-28",
        "weekday": "Sat",
        "why": "make-up working day, as mon",
        "hours": ["09:00-12:30", "13:30-18:00"],
        "clock_change_min": 0,
        "closed_by_hand": None,
    }


def test_the_nights_of_changing_clocks_are_told(tmp_path: Path) -> None:
    site = write_small_site(tmp_path / "site")
    (site / "hours.yaml").write_text(HOURS.replace("main", "other").replace("berlin", "main"))
    assert "clocks go forward by 60 min" in hotline("hours", "main", "2026-03-29", "--site", site).output
    assert "clocks go back by 60 min" in hotline("hours", "main", "2026-10-25", "--site", site).output


def test_a_closing_by_hand_shows_in_the_week_that_it_touches(site: Path) -> None:
    hotline("close", "main", "--until", soon(30), "--reason", "[red]flood", "--site", site)
    output = hotline("hours", "main", "--site", site).output
    assert 2 <= output.count("by hand until") - 1 <= 3  # one of them is the last line
    assert "main is closed by hand until" in output
    assert "([red]flood)." in output
    rows = [json.loads(line) for line in hotline("hours", "main", "--json", "--site", site).output.splitlines()]
    assert rows[0]["closed_by_hand"]["reason"] == "[red]flood"
    assert rows[-1]["closed_by_hand"] is None
    hotline("open", "main", "--site", site)
    assert "by hand" not in hotline("hours", "main", "--site", site).output
