"""The words of the reports that each database has its own of: sums of money, the site's days and hours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, true

from crm_bridge.models import calls, media_costs
from crm_bridge.reporting.period import Period, midnight
from crm_bridge.reporting.site_time import day_over, earlier, offsets, seconds_between, site_day, site_hour
from crm_bridge.reporting.sums import total
from crm_bridge.store import CrmStore

FEW = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LARGEST = Decimal("99999999999999.9999")
AMOUNTS = st.decimals(-LARGEST, LARGEST, places=4) | st.sampled_from([LARGEST, -LARGEST])
# Clocks: forward at midnight, by half an hour, back at midnight, a quarter of an hour off, none.
CHANGES = {
    "America/Sao_Paulo": date(2018, 11, 4),
    "Australia/Lord_Howe": date(2026, 4, 5),
    "America/Havana": date(2026, 11, 1),
    "Europe/Berlin": date(2026, 10, 25),
    "America/New_York": date(2026, 3, 8),
    "Asia/Kathmandu": date(2026, 1, 1),
    "Asia/Shanghai": date(2026, 11, 28),
}


@contextmanager
def asking(crm_url: str) -> Iterator[Callable[[Callable[[Connection], Any]], Any]]:
    """Jobs in one transaction each."""
    with asyncio.Runner() as runner:
        store = CrmStore(crm_url)
        yield lambda job: runner.run(store.write(job))
        runner.run(store.close())


def cost_row(nr: int, amount: Decimal) -> dict[str, Any]:
    day = date(2026, 1, 1)
    row = {"ref": str(nr), "media_source": "tv", "campaign": "", "begins_on": day, "ends_on": day}
    return {**row, "amount": amount, "currency": "CNY"}


@FEW
@given(amounts=st.lists(AMOUNTS, max_size=40))
def test_a_sum_of_money_is_exact(crm_url: str, amounts: list[Decimal]) -> None:
    """Also where SQLite's own sum would overflow, and where a float would have lost the last digits."""

    def job(connection: Connection) -> Any:
        connection.execute(delete(media_costs))
        if amounts:
            connection.execute(insert(media_costs), [cost_row(nr, amount) for nr, amount in enumerate(amounts)])
        return connection.execute(select(total(media_costs.c.amount))).scalar_one()

    with asking(crm_url) as ask:
        found = ask(job)
    assert isinstance(found, Decimal)
    assert found == sum(amounts, Decimal(0))


def around(zone: ZoneInfo, day: date) -> list[datetime]:
    """Every half hour of four days, and the instants beside each whole hour and midnight."""
    begin = midnight(day - timedelta(days=1), zone)
    steps = [begin + timedelta(minutes=30) * nr for nr in range(4 * 48)]
    near = [timedelta(0), timedelta(microseconds=-1), timedelta(milliseconds=-0.4), timedelta(microseconds=1)]
    return [at + off for at in steps for off in near]


def write_calls(connection: Connection, instants: list[datetime]) -> None:
    connection.execute(delete(calls))
    names = ("dnis", "ani", "caller_name", "media_source", "campaign", "language", "queue", "agent", "last_node")
    blank = dict.fromkeys((*names, "hangup_by", "cause"), "")
    rows = [{**blank, "call_id": str(nr), "started_at": at} for nr, at in enumerate(instants)]
    connection.execute(insert(calls), rows)


@pytest.mark.parametrize("name", CHANGES)
def test_days_and_hours_are_the_sites(crm_url: str, name: str) -> None:
    zone, day = ZoneInfo(name), CHANGES[name]
    period = Period(day - timedelta(days=1), day + timedelta(days=2), zone)
    instants = [at for at in around(zone, day) if period.begin <= at < period.end]
    columns = (calls.c.started_at, site_day(calls.c.started_at, period), site_hour(calls.c.started_at, period))

    def job(connection: Connection) -> Any:
        write_calls(connection, instants)
        return [tuple(row) for row in connection.execute(select(*columns).where(period.within(calls.c.started_at)))]

    with asking(crm_url) as ask:
        found = ask(job)
    assert len(found) == len(instants)
    for at, site_s, hour in found:
        local = at.astimezone(zone)
        assert (site_s, hour) == (local.date(), local.hour), local


@pytest.mark.parametrize("name", CHANGES)
def test_a_day_is_over_when_the_next_one_begins(crm_url: str, name: str) -> None:
    zone, day = ZoneInfo(name), CHANGES[name]
    period = Period(day - timedelta(days=1), day + timedelta(days=2), zone)
    days = period.days()
    over = day_over(media_costs.c.begins_on, period)

    def job(connection: Connection) -> Any:
        write_calls(connection, around(zone, day))
        connection.execute(delete(media_costs))
        rows = [{**cost_row(nr, Decimal(1)), "begins_on": one} for nr, one in enumerate(days)]
        connection.execute(insert(media_costs), rows)
        pairs = calls.join(media_costs, true())
        before = select(media_costs.c.begins_on, calls.c.started_at, calls.c.started_at < over).select_from(pairs)
        ends = {row[0]: row[1] for row in connection.execute(select(media_costs.c.begins_on, over))}
        return ends, [tuple(row) for row in connection.execute(before)]

    with asking(crm_url) as ask:
        ends, compared = ask(job)
    assert ends == {one: midnight(one + timedelta(days=1), zone) for one in days}
    assert all(bool(is_before) == (at < ends[one]) for one, at, is_before in compared)


def test_instants_are_moved_and_measured_to_the_fraction(crm_url: str) -> None:
    at = datetime(2026, 3, 1, 0, 0, 0, 999_999, tzinfo=UTC)
    moved = earlier(calls.c.started_at, 86_401.0)

    def job(connection: Connection) -> Any:
        write_calls(connection, [at])
        same = moved == at - timedelta(seconds=86_401)
        return connection.execute(select(moved, same, seconds_between(moved, calls.c.started_at))).one()

    with asking(crm_url) as ask:
        found, same, seconds = ask(job)
    assert found == at - timedelta(seconds=86_401)
    assert same
    assert seconds == pytest.approx(86_401, abs=0.01)


def test_a_zone_in_pieces() -> None:
    year = Period(date(2026, 1, 1), date(2026, 12, 31), ZoneInfo("Europe/Berlin"))
    assert offsets(year.begin, year.end, year) == [
        (datetime(2025, 12, 31, 23, tzinfo=UTC), 3600),
        (datetime(2026, 3, 29, 1, tzinfo=UTC), 7200),
        (datetime(2026, 10, 25, 1, tzinfo=UTC), 3600),
    ]
