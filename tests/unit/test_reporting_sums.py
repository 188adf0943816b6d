"""Money that is shared out and spread over days adds up to the whole, to the last ten-thousandth."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.reporting.costs import Cost, spread
from crm_bridge.reporting.period import ONE_DAY, Period
from crm_bridge.reporting.sums import amount_of, apportioned, parts_of, ratio, rounded

AMOUNTS = st.decimals(-(10**14) + 1, 10**14 - 1, places=4)
DAY = date(2026, 1, 1)


def cost(amount: Decimal, days: int) -> Cost:
    return Cost("r", "tv", "autumn", DAY, DAY + timedelta(days=days - 1), amount, "CNY")


@given(AMOUNTS, st.integers(1, 400), st.lists(st.integers(-30, 430), max_size=8))
def test_the_parts_of_a_cost_over_consecutive_periods_are_the_whole(
    amount: Decimal, days: int, cuts: list[int]
) -> None:
    paid = cost(amount, days)
    bounds = [DAY - timedelta(days=40), *(DAY + timedelta(days=cut) for cut in sorted(set(cuts))), date(2028, 1, 1)]
    parts = [paid.part(first, next_ - ONE_DAY) for first, next_ in pairwise(bounds)]
    assert sum(parts) == amount


@given(AMOUNTS, st.integers(1, 400))
def test_each_day_has_its_even_share(amount: Decimal, days: int) -> None:
    paid, even = cost(amount, days), Fraction(amount) / days
    for nr in range(days):
        day = DAY + timedelta(days=nr)
        assert abs(Fraction(paid.part(day, day)) - even) < Fraction(1, 5_000)


def test_days_of_a_cost_outside_the_period_do_not_count() -> None:
    june = Period(date(2026, 6, 1), date(2026, 6, 30))
    paid = Cost("r", "tv", "", date(2026, 5, 22), date(2026, 6, 10), Decimal(200), "CNY")
    assert spread([paid], june, "media_source") == {"tv": Decimal(100)}
    by_day = spread([paid], june, "day")
    assert by_day == {date(2026, 6, day): Decimal(10) for day in range(1, 11)}


def test_days_the_wrong_way_round_are_a_cost_of_the_first() -> None:
    paid = Cost("r", "tv", "", date(2026, 5, 22), date(2026, 5, 1), Decimal(7), "CNY")
    assert spread([paid], Period(date(2026, 5, 1), date(2026, 5, 31)), "day") == {date(2026, 5, 22): Decimal(7)}


@given(st.lists(st.fractions(-1000, 1000), max_size=20))
def test_rounded_shares_are_the_rounded_sum(shares: list[Fraction]) -> None:
    given_out = list(apportioned(shares))
    assert sum(given_out) == rounded(sum(shares, Fraction(0)))
    assert all(abs(Fraction(one) - share) <= Fraction(1, 10_000) for one, share in zip(given_out, shares, strict=True))


@given(AMOUNTS)
def test_an_amount_in_its_parts(amount: Decimal) -> None:
    assert amount_of(parts_of(amount)) == amount


def test_of_nothing_there_is_no_ratio() -> None:
    assert (ratio(1, 0), ratio(1, 3), rounded(None)) == (None, 0.3333, None)
