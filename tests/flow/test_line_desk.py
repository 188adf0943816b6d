"""*52 and *53: a supervisor closes lines and opens them, with everything real but Asterisk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agi_scripts.centre import Credentials
from crm_bridge.closures import JournalClosureBook
from crm_bridge.journal import JournalUnwritable
from hotline.closings import Closings
from ivr.closures import Closure
from ivr.flow.interpreter import SiteWorld
from ivr.hours import LineHours
from ivr.span import parse_spans
from ivr.spoken import Spoken
from tests.flow.centre import Caller, SampleCentre, open_centre, sample_site

PIN, WRONG = "60418273", "91736405"
PHONE = "PJSIP/1006-0000002a"
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=SHANGHAI)  # a Monday


def weekdays(zone: ZoneInfo, *spans: str) -> LineHours:
    return LineHours(zone, dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), parse_spans(spans)), {}, None)


HOURS = {
    "main": weekdays(SHANGHAI, "09:00-12:30", "13:30-18:00"),
    "service": weekdays(SHANGHAI, "00:00-24:00"),
    "europe": weekdays(BERLIN, "09:00-17:00"),
}


@dataclass
class Desk:
    centre: SampleCentre
    closings: Closings
    said: list[str]

    async def dial(self, code: str, keys: str = "", channel: str = PHONE) -> list[str]:
        """What was said, values in their canonical form."""
        self.said.clear()
        caller: Caller = await self.centre.dial(keys, route="desk", args=[code], channel=channel)
        await caller.over()
        return [file.removeprefix("/prompts/mandarin/") for file in caller.played]

    def closed(self) -> dict[str, str]:
        """Line → until when, on its own clock."""
        now = datetime.fromtimestamp(self.centre.clock(), UTC)
        lines = self.closings.lines.closures(now)
        return {c.line: f"{c.until.astimezone(HOURS[c.line].zone):%m-%d %H:%M}" for c in lines}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    said: list[str] = []

    async def utter(spoken: Spoken, language: str) -> str:
        said.append(spoken.text)
        return f"/prompts/{language}/{spoken.text}"

    async with AsyncExitStack() as ends:
        centre = await ends.enter_async_context(open_centre(tmp_path))
        centre.clock.now = NOON.timestamp()
        closings = Closings(JournalClosureBook(centre.journal), centre.clock)
        given = {**centre.centre.credentials, "1006": Credentials("1006", PIN, supervisor=True)}
        world = SiteWorld(HOURS, centre.clock, closings.lines)
        centre.centre = replace(
            centre.centre, credentials=given, closings=closings, hours=HOURS, utter=utter, world=world
        )
        yield Desk(centre, closings, said)
        told = " ".join(line.getMessage() for line in centre.lines)
        assert PIN not in told
        assert WRONG not in told


async def test_a_line_is_closed_until_the_end_of_its_day(desk: Desk):
    assert await desk.dial("52", f"{PIN}#1##") == [
        *("desk_pin", "desk_which_line", "desk_line", "1", "desk_close_for", "desk_closed_today")
    ]
    assert desk.closed() == {"main": "03-02 18:00"}
    [closure] = await JournalClosureBook(desk.centre.journal).load()
    assert closure.reason == "by phone 1006"
    assert not desk.centre.centre.world.is_open("main")
    desk.centre.clock.now += 6 * 3600
    assert desk.closed() == {}


async def test_for_so_many_hours_the_end_is_said(desk: Desk):
    assert (await desk.dial("52", f"{PIN}#2#3#"))[-2:] == ["desk_closed_until", "15:00"]
    assert desk.closed() == {"service": "03-02 15:00"}
    assert (await desk.dial("52", f"{PIN}#2#14#"))[-3:] == ["desk_closed_until", "2026-03-03", "02:00"]
    assert desk.closed() == {"service": "03-03 02:00"}


async def test_all_lines_each_to_the_end_of_its_own_day(desk: Desk):
    said = await desk.dial("52", f"{PIN}#0##")
    assert said[2:4] == ["desk_all_lines", "desk_close_for"]
    assert desk.closed() == {"main": "03-02 18:00", "service": "03-03 00:00", "europe": "03-02 17:00"}
    assert (await desk.dial("53", f"{PIN}#0#"))[-1] == "desk_line_opened"
    assert desk.closed() == {}


async def test_a_line_is_opened_again(desk: Desk):
    await desk.dial("52", f"{PIN}#1##")
    assert await desk.dial("53", f"{PIN}#1#") == ["desk_pin", "desk_which_line", "desk_line", "1", "desk_line_opened"]
    assert desk.closed() == {}
    assert desk.centre.centre.world.is_open("main")
    assert (await desk.dial("53", f"{PIN}#1#"))[-1] == "desk_already"


async def test_a_name_that_the_site_has_is_said_as_well(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.centre.centre = replace(desk.centre.centre, has_prompt=lambda key: key == "line_service")
    monkeypatch.setattr(desk.centre, "_prompt", lambda key, language: f"/prompts/{language}/{key}")
    desk.centre.centre = replace(desk.centre.centre, prompt_path=desk.centre._prompt)
    assert (await desk.dial("52", f"{PIN}#2##"))[2:5] == ["desk_line", "2", "line_service"]
    assert (await desk.dial("52", f"{PIN}#1##"))[2:5] == ["desk_line", "1", "desk_close_for"]


@pytest.mark.parametrize("code", ["52", "53"])
async def test_a_wrong_pin_is_refused_and_counts_for_the_lock(desk: Desk, code: str):
    assert (await desk.dial(code, f"{WRONG}#" * 3))[-1] == "desk_refused"
    assert (await desk.dial(code, f"{WRONG}#{WRONG}#{PIN}#1##"))[-1] == "desk_locked"
    assert (await desk.dial("31", f"{PIN}#"))[-1] == "desk_locked"
    assert desk.closed() == {}


@pytest.mark.parametrize("code", ["52", "53"])
async def test_an_agent_who_is_no_supervisor_is_not_even_asked(desk: Desk, code: str):
    pin = sample_site().agents["1001"].pin
    assert await desk.dial(code, f"{pin}#1##", channel="PJSIP/1001-0000002a") == ["desk_refused"]
    assert await desk.dial(code, f"{PIN}#1##", channel="PJSIP/2001-0000002a") == ["desk_refused"]
    assert desk.closed() == {}


@pytest.mark.parametrize("keys", ["4#" * 3, "#" * 3, "*#" * 3, "", "1#0#0#00#", "1#**#*1#**#", "1#100#123#999#"])
async def test_nonsense_closes_nothing(desk: Desk, keys: str):
    assert (await desk.dial("52", f"{PIN}#{keys}"))[-1] == "desk_refused"
    assert desk.closed() == {}


@pytest.mark.parametrize("moment", range(1, 9))
async def test_a_supervisor_who_hangs_up_in_the_middle(desk: Desk, moment: int):
    """Closed or not; never half, and never a fault."""
    caller = await desk.centre.dial(f"{PIN}#1##", route="desk", args=["52"], channel=PHONE, moment=moment)
    await caller.over()
    assert desk.closed() in ({}, {"main": "03-02 18:00"})


async def test_a_disk_that_refuses_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    async def full(self: JournalClosureBook, closure: Closure) -> None:
        raise JournalUnwritable("disk full")

    monkeypatch.setattr(JournalClosureBook, "save", full)
    assert (await desk.dial("52", f"{PIN}#1##"))[-1] == "desk_refused"
    assert desk.closed() == {}
    desk.centre.lines[:] = [line for line in desk.centre.lines if "a line was not closed" not in line.getMessage()]


@pytest.mark.parametrize(
    ("zone", "spans", "at", "ends"),
    [
        (SHANGHAI, ("09:00-12:30", "13:30-18:00"), "2026-03-02T10:00+08:00", "2026-03-02T10:00Z"),
        (SHANGHAI, ("09:00-12:30", "13:30-18:00"), "2026-03-02T13:00+08:00", "2026-03-02T10:00Z"),
        (SHANGHAI, ("09:00-12:30", "13:30-18:00"), "2026-03-02T18:00+08:00", "2026-03-02T16:00Z"),  # over: midnight
        (SHANGHAI, ("09:00-18:00",), "2026-03-01T12:00+08:00", "2026-03-01T16:00Z"),  # a Sunday: closed all day
        (SHANGHAI, ("00:00-24:00",), "2026-03-02T12:00+08:00", "2026-03-02T16:00Z"),
        (BERLIN, ("09:00-17:00",), "2026-03-02T12:00+01:00", "2026-03-02T16:00Z"),
    ],
)
def test_when_a_day_ends(zone: ZoneInfo, spans: tuple[str, ...], at: str, ends: str):
    assert weekdays(zone, *spans).day_ends(datetime.fromisoformat(at)) == datetime.fromisoformat(ends)


@pytest.mark.parametrize(
    ("zone", "span", "at", "ends"),
    [
        ("Europe/Berlin", "00:00-02:30", "2026-03-29T01:00+01:00", "2026-03-29T01:30Z"),  # 02:30 is left out
        ("Europe/Berlin", "00:00-02:30", "2026-10-25T01:00+02:00", "2026-10-25T01:30Z"),  # 02:30 comes twice: the later
        ("Africa/Cairo", "00:00-24:00", "2026-04-23T12:00+02:00", "2026-04-23T22:00Z"),  # this midnight is left out
    ],
)
def test_when_a_day_ends_on_a_night_of_changed_clocks(zone: str, span: str, at: str, ends: str):
    every_day = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), parse_spans([span]))
    line = LineHours(ZoneInfo(zone), every_day, {}, None)
    assert line.day_ends(datetime.fromisoformat(at)) == datetime.fromisoformat(ends)
