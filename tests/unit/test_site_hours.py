"""What can be wrong with `hours.yaml`, told with line and key; and what is only odd, a warning."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hotline.settings import REPOSITORY
from hotline.site.loading import Verdict, judge_site, load_site
from hotline.site.problem import Gravity
from tests.unit.small_site import write_small_site

TODAY = date(2026, 3, 1)
DATE = "  dates:\n    2026-12-24: "
KEY = "main.dates.2026-12-24"
WEEK = '  week:\n    fri: ["09:00-12:00"]\n    sat: []\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_small_site(tmp_path / "site")


def judge(folder: Path, text: str) -> Verdict:
    (folder / "hours.yaml").write_text(text)
    return judge_site(folder, TODAY)


@pytest.mark.parametrize(
    ("written", "key", "message"),
    [
        ("  timezone: Mars/Olympus\n", "main.timezone", "no time zone 'Mars/Olympus'"),
        ("  holidays: {country: XX}\n", "main.holidays.country", "no holidays of 'XX'"),
        ("  holidays: {country: China}\n", "main.holidays.country", "cannot stand here"),
        ("  holidays: {country: DE, subdivision: BX}\n", "main.holidays.subdivision", "no 'BX' in DE"),
        ("  holidays: {make_up: tue}\n", "main.holidays.country", "is missing"),
        ("  holidays: {country: CN, make_up: never}\n", "main.holidays.make_up", "'mon'"),
        ("  holidays: {country: CN, weekends: 1}\n", "main.holidays.weekends", "boolean"),
        ("  holidays: CN\n", "main.holidays", "must be a mapping"),
        ("  holiday: {country: CN}\n", "main.holiday", "unknown key"),
        ("  dates:\n    2026-02-30: {closed: true}\n", "main.dates.2026-02-30", "not in the calendar"),
        ("  dates:\n    24.12.: {closed: true}\n", "main.dates.24.12.", "characters that cannot stand here"),
        (DATE + "{}\n", KEY, "exactly one of"),
        (DATE + "{closed: true, as: mon}\n", KEY, "exactly one of"),
        (DATE + "closed\n", KEY, "must be a mapping"),
        (DATE + "{as: monday}\n", f"{KEY}.as", "'mon'"),
        (DATE + '{hours: ["09:00-12:00", "11:00-13:00"]}\n', f"{KEY}.hours", "overlap"),
        (DATE + '{hours: ["12:00-09:00"]}\n', f"{KEY}.hours", "ends before it begins"),
        (DATE + '{closed: true, why: "a\\nb"}\n', f"{KEY}.why", "cannot stand here"),
        ("  site_dates: maybe\n", "main.site_dates", "boolean"),
        ("dates:\n  2026-02-30: {closed: true}\n", "dates.2026-02-30", "not in the calendar"),
        ("dates: []\n", "dates", "must be a mapping"),
        (f"Main Line:\n{WEEK}", "Main Line", "characters that cannot stand here"),
        ("night: {}\n", "night.week", "is missing"),
    ],
)
def test_what_is_wrong_is_told_where_it_is(folder: Path, written: str, key: str, message: str) -> None:
    verdict = judge(folder, f"main:\n{WEEK}{written}")
    told = [problem for problem in verdict.problems if problem.key == key and message in problem.message]
    assert len(told) == 1, verdict.problems
    assert verdict.site is None
    line = (folder / "hours.yaml").read_text().splitlines()[told[0].line - 1]
    assert key.rsplit(".", 1)[-1].split(".")[0] in line or "missing" in message, line


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("  holidays: {country: CN, make_up: tue}\n", "main.holidays"),
        ("  holidays: {country: CN, make_up: sat}\n", "main.holidays"),
        ("  dates:\n    2026-05-09: {as: tue}\n", "main.dates.2026-05-09"),
        ("dates:\n  2026-05-09: {as: tue}\n", "dates.2026-05-09"),
    ],
)
def test_a_working_day_without_hours_is_a_warning_told_once(folder: Path, written: str, key: str) -> None:
    verdict = judge(folder, f"main:\n{WEEK}{written}")
    (problem,) = verdict.problems
    assert (problem.gravity, problem.key) == (Gravity.WARNING, key)
    assert "a working day" in problem.message
    assert key.rsplit(".", 1)[-1] in (folder / "hours.yaml").read_text().splitlines()[problem.line - 1]
    assert verdict.site is not None


def test_a_change_in_a_gap_of_a_lines_own_zone_on_its_own_date(folder: Path) -> None:
    own = '  timezone: Europe/Berlin\n  dates:\n    2026-03-29: {hours: ["02:30-08:00"]}\n'
    (problem,) = judge(folder, f"main:\n{WEEK}{own}").problems
    assert (problem.line, problem.key) == (7, "main.dates.2026-03-29")
    assert problem.message == "2026-03-29 02:30 does not exist"


def test_the_sites_dates_are_every_lines_unless_it_says_otherwise(folder: Path) -> None:
    dates = "dates:\n  2026-05-08: {closed: true, why: stocktaking}\n"
    verdict = judge(folder, f"main:\n{WEEK}night:\n  site_dates: false\n{WEEK}{dates}")
    assert verdict.problems == ()
    hours = load_site(folder).hours
    assert set(hours) == {"main", "night"}
    assert (hours["main"].plan(date(2026, 5, 8)).why, hours["main"].plan(date(2026, 5, 8)).spans) == ("stocktaking", ())
    assert [str(span) for span in hours["night"].plan(date(2026, 5, 8)).spans] == ["09:00-12:00"]


def test_the_dates_are_no_line_that_a_flow_may_ask_for(folder: Path) -> None:
    flow = folder / "flows/main.yaml"
    flow.write_text(flow.read_text().replace("line: main", "line: dates"))
    (problem,) = judge(folder, f"main:\n{WEEK}dates: {{}}\n").problems
    assert problem.message.startswith("there is no line of hours 'dates'")


def test_the_example_of_the_docs(folder: Path) -> None:
    text = (REPOSITORY / "docs/flows.md").read_text().split("# hours.yaml\n")[1].split("```")[0]
    flow = folder / "flows/main.yaml"
    flow.write_text(flow.read_text().replace("line: main", "line: presale"))
    assert judge(folder, text).problems == ()
    hours = load_site(folder).hours

    def shown(line: str, day: str) -> str:
        plan = hours[line].plan(date.fromisoformat(day))
        return f"{plan.why}: {', '.join(map(str, plan.spans))}"

    assert shown("presale", "2026-03-20") == "stocktaking: "
    assert shown("night", "2026-03-20") == ": 00:00-24:00"
    assert shown("presale", "2026-03-21") == "for the stocktaking: 09:00-12:30, 13:30-18:00"
    assert shown("presale", "2026-02-14") == "before the feast: 10:00-16:00"
    assert shown("presale", "2026-02-28") == "make-up working day: 09:00-12:30, 13:30-18:00"
    assert shown("presale", "2026-10-04").startswith("weekend beside")
    assert shown("munich", "2026-01-06") == "Epiphany: "
