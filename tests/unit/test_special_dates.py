"""Holidays, make-up days and a site's own dates: which layer decides a date, and what China's calendar says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.hours import HoursForm, LineHours
from ivr.public_holidays import UnknownPlace, public_holidays
from ivr.special_dates import DateForm, DatesForm, Day, special_dates

OFFICE = {day: ["09:00-12:30", "13:30-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
WEEK = {**OFFICE, "sat": ["09:00-12:00"]}

# As the State Council's notices have them and the library repeats them.
HOLIDAYS_2025 = (
    "01-01 01-28 01-29 01-30 01-31 02-03 02-04 04-04 05-01 05-02 05-05 05-31 06-02 10-01 10-02 10-03 10-06 10-07 10-08"
)
HOLIDAYS_2026 = (
    "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-05 04-06 05-01 05-02 05-04 05-05 06-19 09-25 "
    "10-01 10-02 10-03 10-05 10-06 10-07"
)
MAKE_UP_2025 = "01-26 02-08 04-27 09-28 10-11"
MAKE_UP_2026 = "01-04 02-14 02-28 05-09 09-20 10-10"
# Weekends that the notices count among the holidays, and the library does not, being weekends anyway.
BESIDE_2025 = "02-01 02-02 04-05 04-06 05-03 05-04 06-01 10-04 10-05"
BESIDE_2026 = "01-03 02-15 02-21 02-22 04-04 05-03 06-20 06-21 09-26 09-27 10-04"

YEARS = [(2025, HOLIDAYS_2025, MAKE_UP_2025, BESIDE_2025), (2026, HOLIDAYS_2026, MAKE_UP_2026, BESIDE_2026)]


def dates(year: int, text: str) -> set[date]:
    return {date.fromisoformat(f"{year}-{day}") for day in text.split()}


def days_of(year: int) -> list[date]:
    return [date.fromordinal(n) for n in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal())]


def line(site: dict[str, Any] | None = None, **form: Any) -> LineHours:
    form = {"timezone": "Asia/Shanghai", "week": WEEK, **form}
    of_site: DatesForm = {day: DateForm.model_validate(one) for day, one in (site or {}).items()}
    return HoursForm.model_validate(form).hours("Europe/Berlin", special_dates(of_site))


def shown(hours: LineHours, day: str) -> tuple[str, list[str]]:
    plan = hours.plan(date.fromisoformat(day))
    return plan.why, [str(span) for span in plan.spans]


@pytest.mark.parametrize(("year", "off", "make_up", "beside"), YEARS)
def test_a_chinese_year_day_by_day(year: int, off: str, make_up: str, beside: str) -> None:
    hours = line(holidays={"country": "CN"})
    for day in days_of(year):
        plan = hours.plan(day)
        if day in dates(year, off):
            assert plan.spans == (), day
            assert plan.why
        elif day in dates(year, make_up):
            assert plan.spans == hours.week[Day.MON], day
            assert (plan.why, plan.like) == ("make-up working day", Day.MON)
        else:
            assert plan.spans == hours.week.get(tuple(Day)[day.weekday()], ()), day
            assert plan.why == ""


@pytest.mark.parametrize(("year", "off", "make_up", "beside"), YEARS)
def test_weekends_beside_holidays_are_as_the_notices_have_them(year: int, off: str, make_up: str, beside: str) -> None:
    hours = line(holidays={"country": "CN", "weekends": True})
    found = {day for day in days_of(year) if hours.plan(day).why.startswith("weekend beside")}
    assert found == dates(year, beside)
    assert not [day for day in found if hours.plan(day).spans]
    assert {day for day in days_of(year) if hours.plan(day).like} == dates(year, make_up)


def test_a_make_up_day_is_open_to_the_second_and_in_the_lines_own_zone() -> None:
    hours = line(holidays={"country": "CN"})
    assert hours.is_open(
        datetime(2026, 2, 28, 9, 59, 59, tzinfo=UTC)
    )  # Saturday 17:59:59: not the half day it would be
    assert not hours.is_open(datetime(2026, 2, 28, 10, 0, tzinfo=UTC))
    assert not hours.is_open(datetime(2026, 2, 23, 2, 0, tzinfo=UTC))  # a Monday off
    # 17:00 UTC on Friday the 20th is Saturday the 21st in Shanghai, where the holiday is over at midnight.
    nights = line(week={"sat": ["00:00-02:00"], "fri": ["00:00-24:00"]}, holidays={"country": "CN"})
    assert not nights.is_open(datetime(2026, 2, 20, 15, 59, tzinfo=UTC))
    assert nights.is_open(datetime(2026, 2, 20, 16, 0, tzinfo=UTC))


def test_a_line_may_work_on_make_up_days_as_on_any_day() -> None:
    hours = line(holidays={"country": "CN", "make_up": None})
    assert shown(hours, "2026-02-28") == ("", ["09:00-12:00"])
    assert shown(hours, "2026-01-04") == ("", [])
    assert shown(line(holidays={"country": "CN", "make_up": "sat"}), "2026-01-04")[1] == ["09:00-12:00"]


def test_of_all_layers_the_nearest_decides() -> None:
    new_year = "2026-01-01"  # a Thursday and a holiday
    holidays = {"country": "CN"}
    assert shown(line(), new_year) == ("", OFFICE["thu"])
    assert shown(line(holidays=holidays), new_year)[1] == []
    site = {new_year: {"hours": ["10:00-11:00"], "why": "skeleton staff"}}
    assert shown(line(site, holidays=holidays), new_year) == ("skeleton staff", ["10:00-11:00"])
    assert shown(line(site, holidays=holidays, site_dates=False), new_year)[1] == []
    own = {new_year: {"as": "sat", "why": "we work"}}
    assert shown(line(site, holidays=holidays, dates=own), new_year) == ("we work", ["09:00-12:00"])
    shut = {"2026-01-04": {"closed": True}}  # a make-up day that this line does not keep
    assert shown(line(holidays=holidays, dates=shut), "2026-01-04") == ("own date", [])


def test_special_hours_are_sorted() -> None:
    hours = line(dates={"2026-03-02": {"hours": ["13:00-14:00", "09:00-10:00"]}})
    assert shown(hours, "2026-03-02")[1] == ["09:00-10:00", "13:00-14:00"]


def test_a_subdivision_has_holidays_of_its_own() -> None:
    everywhere, bavaria = (
        line(timezone="Europe/Berlin", holidays={"country": "DE", **more}) for more in ({}, {"subdivision": "BY"})
    )
    assert shown(everywhere, "2026-01-06") == ("", OFFICE["tue"])
    assert shown(bavaria, "2026-01-06") == ("Epiphany", [])  # in English, whatever the machine speaks
    assert shown(bavaria, "2026-12-25") == shown(everywhere, "2026-12-25") == ("Christmas Day", [])


def test_a_year_without_a_notice_has_its_holidays_and_no_make_up_days() -> None:
    place = public_holidays("CN")
    assert place.name(date(2035, 10, 1)) == "National Day"
    assert not [day for day in days_of(2035) if place.is_make_up(day)]
    assert not place.is_make_up(date(2026, 2, 15))


def test_a_weekend_is_the_countrys_own() -> None:
    place = public_holidays("CN")
    assert place.beside(date(2026, 2, 13)) is None  # a Friday, though the days after it touch a holiday
    assert place.beside(date(2026, 2, 14)) is None  # a Saturday of work
    assert place.beside(date(2026, 2, 15)) == "Chinese New Year's Eve"


def test_what_the_library_does_not_know() -> None:
    with pytest.raises(UnknownPlace):
        public_holidays("XX")
    with pytest.raises(UnknownPlace):
        public_holidays("CN", "BY")


@pytest.mark.parametrize(
    "form",
    [
        {"closed": False},
        {"closed": "yes"},
        {"hours": []},
        {"hours": ["09:00-25:00"]},
        {"as": "someday"},
        {"as_": "mon"},
        {"why": "no more than a reason"},
        {"closed": True, "why": ""},
        {"closed": True, "why": "x" * 61},
        {"closed": True, "until": "12:00"},
    ],
)
def test_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DateForm.model_validate(form)
