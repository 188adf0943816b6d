"""Gaps and folds over many zones: what is open, what does not exist, and until when a person means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hotline.until import LONGEST, read_until
from ivr.hours import Day, HoursForm, LineHours
from ivr.span import DAY_MINUTES, Span
from ivr.wall_clock import NoSuchTime, Odd, clock_change, instant, oddity, wall_time

# By the hour, by half an hour (Lord Howe), by two (Troll), at midnight (Beirut, Havana, Santiago), never.
ZONES = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Beirut", "America/Havana",
    "America/Santiago", "Asia/Shanghai", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Casablanca", "UTC",
)  # fmt: skip
MINUTE = timedelta(minutes=1)

zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
bounds = st.lists(st.integers(0, DAY_MINUTES // 5), min_size=2, max_size=6, unique=True).map(sorted)


@cache
def changes(zone: str) -> tuple[date, ...]:
    """The dates of 2024-2027 on which the zone changes its clocks, and an ordinary one."""
    days = (date(2024, 1, 1) + timedelta(days=n) for n in range(4 * 365))
    return (date(2026, 6, 10), *(day for day in days if clock_change(day, ZoneInfo(zone))))


@st.composite
def nights(draw: st.DrawFn) -> tuple[str, date]:
    zone = draw(zones)
    return zone, draw(st.sampled_from(changes(zone)))


def line(zone: str, spans: list[Span]) -> LineHours:
    """The same spans on each day of the week."""
    texts = [str(span) for span in spans]
    week = dict.fromkeys(Day, texts)
    return HoursForm.model_validate({"timezone": zone, "week": week}).hours("UTC")


def seconds_shown(day: date, span: Span, zone: ZoneInfo) -> float:
    """How long the wall shows a time of ``span`` on ``day``: its own length, less what the clocks leap over, and what
    comes twice, counted again. From the zone's two offsets alone, not minute by minute."""
    change = clock_change(day, zone)
    begin = wall_time(day, 0, zone)
    # The change is at the first instant with the later offset, a whole minute: found by halving.
    low, high = begin.astimezone(UTC) - MINUTE, wall_time(day, DAY_MINUTES, zone).astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    while high - low > MINUTE:
        middle = low + (high - low) // MINUTE // 2 * MINUTE
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    leap = (high + (before or timedelta())).replace(tzinfo=None)  # what the wall would show without a change
    edges = [begin.replace(tzinfo=None) + timedelta(minutes=edge) for edge in (span.opens, span.closes)]
    if change > timedelta():
        return (edges[1] - edges[0] - _overlap(edges, [leap, leap + change])).total_seconds()
    return (edges[1] - edges[0] + _overlap(edges, [leap + change, leap])).total_seconds()


def _overlap(one: list[datetime], two: list[datetime]) -> timedelta:
    return max(min(one[1], two[1]) - max(one[0], two[0]), timedelta())


@settings(max_examples=60, deadline=None)
@given(nights(), bounds)
@example(("Europe/Berlin", date(2026, 3, 29)), [24, 36])  # 02:00-03:00 is left out
@example(("Europe/Berlin", date(2026, 10, 25)), [24, 36])  # and comes twice
@example(("Australia/Lord_Howe", date(2026, 4, 5)), [0, 288])
def test_a_line_is_open_as_long_as_the_wall_shows_its_hours(night: tuple[str, date], edges: list[int]) -> None:
    zone, day = night
    spans = [Span(a * 5, b * 5) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    begin, end = (wall_time(day, m, ZoneInfo(zone)).astimezone(UTC) for m in (0, DAY_MINUTES))
    hours = line(zone, spans)
    minutes = sum(hours.is_open(begin + n * MINUTE) for n in range((end - begin) // MINUTE))
    assert minutes * 60 == sum(seconds_shown(day, span, ZoneInfo(zone)) for span in spans)


@settings(max_examples=60, deadline=None)
@given(nights())
def test_round_the_clock_has_no_hole_and_nothing_odd(night: tuple[str, date]) -> None:
    zone, day = night
    hours = line(zone, [Span(0, DAY_MINUTES)])
    noon = wall_time(day, 0, ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=12)
    assert all(hours.is_open(noon + n * 15 * MINUTE) for n in range(4 * 48))
    assert not list(hours.odd_edges(day - timedelta(days=2), 5))


@pytest.mark.parametrize(
    ("zone", "day", "spans", "found"),
    [
        ("America/Santiago", date(2026, 9, 6), [Span(0, 600)], [Odd.GAP]),  # 00:00 is 01:00
        ("America/Santiago", date(2026, 9, 6), [Span(600, 1440)], [Odd.GAP]),  # where the day before closes
        ("America/Santiago", date(2026, 9, 6), [Span(60, 600)], []),
        ("America/Havana", date(2026, 11, 1), [Span(0, 600)], [Odd.FOLD]),  # 01:00 is 00:00 once more
        ("Asia/Shanghai", date(2026, 9, 6), [Span(0, 600)], []),
        ("Australia/Lord_Howe", date(2026, 10, 4), [Span(135, 600)], [Odd.GAP]),  # 02:15, and the leap is 30 min
        ("Australia/Lord_Howe", date(2026, 10, 4), [Span(150, 600)], []),
    ],
)
def test_odd_openings_and_closings(zone: str, day: date, spans: list[Span], found: list[Odd]) -> None:
    assert [odd for _, odd in line(zone, spans).odd_edges(day, 1)] == found


@settings(max_examples=200, deadline=None)
@given(zones, moments)
def test_what_the_wall_shows_leads_back_to_the_moment_or_to_its_second_coming(zone: str, moment: datetime) -> None:
    wall = moment.astimezone(ZoneInfo(zone))
    found = instant(wall.replace(fold=0))
    assert found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall.replace(tzinfo=None)
    assert found == moment or (oddity(wall) is Odd.FOLD and found > moment)
    assert oddity(wall) is not Odd.GAP


def test_a_gap_is_no_moment_and_a_fold_the_later_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    with pytest.raises(NoSuchTime, match="02:30"):
        instant(wall_time(date(2026, 3, 29), 150, berlin))
    assert instant(wall_time(date(2026, 10, 25), 150, berlin)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@settings(max_examples=200, deadline=None)
@given(zones, moments, st.integers(0, DAY_MINUTES))
def test_a_time_of_day_is_the_next_one(zone: str, now: datetime, minutes: int) -> None:
    now = now.replace(second=0, microsecond=0)
    try:
        until = read_until(f"{minutes // 60:02d}:{minutes % 60:02d}", now, ZoneInfo(zone))
    except NoSuchTime:
        assert len(changes(zone)) > 1
        return
    shown = until.astimezone(ZoneInfo(zone))
    assert shown.hour * 60 + shown.minute == minutes % DAY_MINUTES
    assert now < until <= now + timedelta(hours=26)


NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # Monday, 12:00 in Shanghai


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("18:00", "2026-03-02T10:00"),
        ("8:00", "2026-03-03T00:00"),
        ("12:00", "2026-03-03T04:00"),
        ("24:00", "2026-03-02T16:00"),
        ("00:00", "2026-03-02T16:00"),
        ("2026-03-09", "2026-03-08T16:00"),
        ("2026-03-09 08:30", "2026-03-09T00:30"),
        ("2026-03-09T08:30", "2026-03-09T00:30"),
        ("2026-03-09T08:30+01:00", "2026-03-09T07:30"),
    ],
)
def test_until_as_people_write_it(text: str, utc: str) -> None:
    assert read_until(text, NOW, ZoneInfo("Asia/Shanghai")) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tomorrow", "is no time"),
        ("", "is no time"),
        ("24:01", "no such time of day"),
        ("12:60", "no such time of day"),
        ("99:00", "no such time of day"),
        ("2026-03-02 12:00", "over already"),
        ("2025-03-09", "over already"),
        ("2027-03-09", "more than a year"),
        ("2026-02-30", "is no time"),
    ],
)
def test_until_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_until(text, NOW, ZoneInfo("Asia/Shanghai"))


def test_until_over_a_night_of_changing_clocks() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    with pytest.raises(NoSuchTime):
        read_until("02:30", datetime(2026, 3, 28, 20, 0, tzinfo=UTC), berlin)
    first = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # 02:45, for the first time
    assert read_until("02:30", first, berlin) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert read_until("02:30", first + timedelta(hours=1), berlin) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert read_until("2027-03-01", NOW, berlin) - NOW < LONGEST
