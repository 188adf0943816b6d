"""Who may come in: pure counting, against the rule written down once more in another way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agi_scripts.admission import HOUR_S, HOUSE, WITHHELD, Admission, CallLimits, Refusal
from hotline.site.loading import calls_carried

ANN, BOB = "+8613800138000", "+8613900139000"


def test_nobody_is_refused_where_there_is_no_limit():
    door = Admission()
    assert not any(door.enter(f"{n}", ANN, 0.0) for n in range(1000))


def test_one_caller_has_so_many_calls_at_a_time_and_the_others_are_served():
    door = Admission(CallLimits(per_caller=5))
    assert [door.enter(f"a{n}", ANN, 0.0) for n in range(7)] == [None] * 5 + [Refusal.CALLER] * 2
    assert door.enter("b", BOB, 0.0) is None
    door.leave("a5")  # was never in
    assert door.enter("a7", ANN, 1.0) is Refusal.CALLER
    door.leave("a0")
    assert door.enter("a8", ANN, 2.0) is None


def test_all_callers_together_have_so_many():
    door = Admission(CallLimits(calls=3))
    assert [door.enter(f"{n}", f"+86{n}", 0.0) for n in range(4)] == [None] * 3 + [Refusal.ALL]
    door.leave("1")
    assert door.enter("4", "+864", 0.0) is None


def test_an_hour_is_sixty_minutes_from_each_call_on():
    door = Admission(CallLimits(per_caller_per_hour=2))

    def call(at: float) -> Refusal | None:
        refusal = door.enter(f"{at}", ANN, at)
        door.leave(f"{at}")
        return refusal

    assert [call(at) for at in (0.0, 1800.0, 3599.9)] == [None, None, Refusal.HOUR]
    assert call(HOUR_S) is None
    assert call(HOUR_S + 1) is Refusal.HOUR
    assert call(HOUR_S + 1800.0) is None


def test_a_refused_call_is_not_counted_so_it_costs_nothing_to_try_again():
    door = Admission(CallLimits(per_caller_per_hour=1))
    assert door.enter("1", ANN, 0.0) is None
    for at in range(1, 3600, 10):
        assert door.enter(f"{at}", ANN, at) is Refusal.HOUR
    assert door.enter("last", ANN, HOUR_S) is None


def test_who_shows_no_number_shares_half_of_the_places_and_no_hour():
    door = Admission(CallLimits(calls=20, per_caller=2, per_caller_per_hour=3))
    assert [door.enter(f"{n}", WITHHELD, 0.0) for n in range(11)] == [None] * 10 + [Refusal.WITHHELD]
    assert door.enter("b", BOB, 0.0) is None
    assert CallLimits(calls=4, per_caller=3).withheld == 3


def test_a_phone_of_the_house_is_held_by_the_total_alone():
    door = Admission(CallLimits(calls=4, per_caller=1, per_caller_per_hour=1))
    assert [door.enter(f"{n}", HOUSE, 0.0) for n in range(5)] == [None] * 4 + [Refusal.ALL]


def test_a_call_that_comes_back_is_let_in_over_every_limit_and_counted_once():
    door = Admission(CallLimits(calls=1, per_caller=1))
    assert door.enter("a", ANN, 0.0) is None
    door.come_back("a", ANN)  # by another line, before the old one was seen to be cut
    door.come_back("b", ANN)
    door.leave("a")
    assert door.enter("c", BOB, 0.0) is Refusal.ALL
    door.leave("b")
    assert door.enter("c", BOB, 0.0) is None


def test_a_call_that_comes_back_twice_is_still_one_of_its_caller():
    door = Admission(CallLimits(per_caller=2))
    door.come_back("a", ANN)
    door.come_back("a", ANN)
    assert [door.enter(call, ANN, 0.0) for call in ("b", "c")] == [None, Refusal.CALLER]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([ANN, BOB, WITHHELD, HOUSE]), st.integers(0, 1200), st.booleans()), max_size=60)
)
def test_the_counts_are_those_of_the_calls_that_are_in(steps: list[tuple[str, int, bool]]):
    limits = CallLimits(calls=6, per_caller=2, per_caller_per_hour=4)
    door, now, here, past = Admission(limits), 0.0, dict[str, str](), list[tuple[float, str]]()
    for n, (caller, wait_s, leaves) in enumerate(steps):
        now += wait_s
        if leaves and here:
            gone = next(iter(here))
            del here[gone]
            door.leave(gone)
        mine = [*here.values()].count(caller)
        hour = [who for at, who in past if at > now - HOUR_S].count(caller)
        numbered = caller not in (HOUSE, WITHHELD)
        fits = len(here) < 6 and not (numbered and (mine >= 2 or hour >= 4)) and not (caller == WITHHELD and mine >= 3)
        assert (door.enter(f"{n}", caller, now) is None) is fits
        if fits:
            here[f"{n}"] = caller
            past.append((now, caller))
    for call_id in here:
        door.leave(call_id)
    assert not door._now
    assert len(door._hour) <= len(past)


@pytest.mark.parametrize(
    ("legs", "phones", "calls"), [(500, 7, 493), (200, 7, 193), (20, 30, 10), (2, 7, 1), (500, 0, 500)]
)
def test_as_many_calls_as_there_is_sound_for(legs: int, phones: int, calls: int):
    assert calls_carried(legs, phones) == calls
