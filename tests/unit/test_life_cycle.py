"""The stages of a customer, worked out from the days of their orders."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.life_cycle import Stage, stage_of
from crm_bridge.rules import StageRules

TODAY = date(2026, 11, 24)
RULES = StageRules(loyal_orders=4, loyal_days=365, lapsed_days=365)


@pytest.mark.parametrize(
    ("ago", "stage"),
    [
        ([], Stage.PROSPECT),
        ([0], Stage.FIRST_ORDER),
        ([365], Stage.FIRST_ORDER),
        ([366], Stage.LAPSED),
        ([300, 10], Stage.REPEAT),
        ([300, 10, 5], Stage.REPEAT),
        ([300, 10, 5, 1], Stage.LOYAL),
        ([600, 300, 10, 5], Stage.REPEAT),  # of the last year they are three
        ([1000, 900, 10], Stage.WON_BACK),
        ([1000, 900, 20, 10], Stage.REPEAT),
        ([1000, 40, 30, 20, 10], Stage.LOYAL),
        ([1000, 900, 400], Stage.LAPSED),
        ([0, 0, 0, 0], Stage.LOYAL),
    ],
)
def test_a_stage(ago: list[int], stage: Stage) -> None:
    assert stage_of([TODAY - timedelta(days=days) for days in ago], TODAY, RULES) is stage


@given(st.lists(st.integers(0, 2000), max_size=12), st.integers(0, 800))
def test_the_order_of_the_orders_is_nothing_to_it_and_time_alone_makes_lapsed(ago: list[int], later: int) -> None:
    days = [TODAY - timedelta(days=one) for one in ago]
    assert stage_of(days, TODAY, RULES) is stage_of(sorted(days, reverse=True), TODAY, RULES)
    after = stage_of(days, TODAY + timedelta(days=later), RULES)
    if days and TODAY + timedelta(days=later) - max(days) > timedelta(days=RULES.lapsed_days):
        assert after is Stage.LAPSED
    else:
        assert after is not Stage.LAPSED
