"""Opening hours by the wall clock of their zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.flow.world import SiteWorld
from ivr.hours import HoursForm, LineHours
from ivr.wall_clock import Odd


def hours(week: dict[str, list[str]], zone: str = "Asia/Shanghai") -> LineHours:
    return HoursForm.model_validate({"timezone": zone, "week": week}).hours("Europe/Berlin")


@pytest.mark.parametrize(
    ("utc", "is_open"),
    [
        ("2026-03-02T00:59:59", False),  # Monday 08:59:59
        ("2026-03-02T01:00:00", True),
        ("2026-03-02T04:00:00", False),  # lunch begins at 12:00
        ("2026-03-02T05:30:00", True),
        ("2026-03-02T10:00:00", False),
        ("2026-03-07T02:00:00", True),  # Saturday, a half day
        ("2026-03-07T06:00:00", False),
        ("2026-03-08T02:00:00", False),  # Sunday is not written
    ],
)
def test_a_week_with_lunch_and_a_half_day(utc: str, is_open: bool) -> None:
    week = hours({"mon": ["13:30-18:00", "09:00-12:00"], "sat": ["09:00-12:00"]})
    assert week.is_open(datetime.fromisoformat(utc).replace(tzinfo=UTC)) is is_open


def test_round_the_clock_has_no_hole_at_midnight() -> None:
    week = hours({"mon": ["00:00-24:00"], "tue": ["00:00-24:00"]})
    assert week.is_open(datetime(2026, 3, 2, 15, 59, 59, 999999, tzinfo=UTC))
    assert week.is_open(datetime(2026, 3, 2, 16, 0, tzinfo=UTC))


def test_summer_time_moves_the_opening() -> None:
    week = hours({"mon": ["09:00-17:00"]}, "Europe/Berlin")
    assert not week.is_open(datetime(2026, 3, 23, 7, 30, tzinfo=UTC))
    assert week.is_open(datetime(2026, 3, 30, 7, 30, tzinfo=UTC))


def test_an_opening_in_a_gap_or_a_fold_is_found() -> None:
    week = hours({"sun": ["02:30-12:00"], "mon": ["02:30-12:00"]}, "Europe/Berlin")
    odd = [(wall.replace(tzinfo=None), odd) for wall, odd in week.odd_edges(date(2026, 1, 1))]
    assert odd == [(datetime(2026, 3, 29, 2, 30), Odd.GAP), (datetime(2026, 10, 25, 2, 30), Odd.FOLD)]  # noqa: DTZ001
    assert not list(hours({"sun": ["09:00-12:00"]}, "Europe/Berlin").odd_edges(date(2026, 1, 1)))


def test_an_instant_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        hours({}).is_open(datetime(2026, 3, 2, 12, 0))  # noqa: DTZ001


@pytest.mark.parametrize(
    "form",
    [
        {"week": {"mon": ["09:00-12:00", "11:59-13:00"]}},
        {"week": {"mon": ["12:00-09:00"]}},
        {"week": {"mon": ["09:00-09:00"]}},
        {"week": {"mon": ["09:00-24:01"]}},
        {"week": {"mon": ["09:60-12:00"]}},
        {"week": {"mon": ["9-12"]}},
        {"week": {"monday": ["09:00-12:00"]}},
        {"week": {"mon": "09:00-12:00"}},
        {"week": {}, "timezone": "Mars/Olympus"},
        {"week": {}, "timezone": "../etc/passwd"},
        {"week": {}, "holidays": []},
        {},
    ],
)
def test_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HoursForm.model_validate(form)


def test_spans_may_touch() -> None:
    assert hours({"mon": ["09:00-12:00", "12:00-13:00"]}).is_open(datetime(2026, 3, 2, 4, 0, tzinfo=UTC))


def test_the_sites_zone_is_the_default() -> None:
    assert HoursForm.model_validate({"week": {}}).hours("Europe/Berlin").zone.key == "Europe/Berlin"


def test_a_line_without_hours_is_always_open() -> None:
    world = SiteWorld({"main": hours({})}, clock=lambda: 1772420000.0)
    assert world.is_open("other")
    assert not world.is_open("main")
    assert world.now().tzinfo is UTC
