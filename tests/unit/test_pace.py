"""How long the relay lets a batch gather: calls come at a rate, in a time of our own."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.pace import Pace

LEAST_S, MOST_S = 0.03, 1.0


def outcomes(per_s: float, seconds: float, begin: float = 0.0) -> list[float]:
    chance, at, found = random.Random(5), begin, []
    while (at := at + chance.expovariate(per_s)) < begin + seconds:
        found.append(at)
    return found


def batches(pace: Pace, coming: list[float]) -> Iterator[tuple[float, list[float]]]:
    """(when, which outcomes) of each batch, as the relay asks for them: at every outcome, and when time is up."""
    waiting: list[float] = []
    for nr, at in enumerate(coming):
        waiting.append(at)
        due = pace.due(waiting[0], at, len(waiting))
        following = coming[nr + 1] if nr + 1 < len(coming) else float("inf")
        if due <= following:
            begins = max(due, at)
            pace.batch(begins, len(waiting))
            yield begins, waiting
            waiting = []


def waits(per_s: float, seconds: float = 60.0) -> list[float]:
    made = batches(Pace(LEAST_S, MOST_S), outcomes(per_s, seconds))
    return sorted(begins - at for begins, carried in made for at in carried)


def test_at_fifty_calls_a_second_nearly_all_are_carried_within_a_tenth() -> None:
    found = waits(50.0)
    assert len(found) > 2900
    assert found[int(len(found) * 0.99)] < 0.08


def test_a_quieter_house_has_fewer_and_fuller_batches() -> None:
    each = {}
    for per_s in (4.0, 12.0, 50.0, 400.0):
        made = list(batches(Pace(LEAST_S, MOST_S), outcomes(per_s, 60.0)))
        each[per_s] = (len(made) / 60, sum(len(carried) for _, carried in made) / len(made))
    assert each[4.0][0] < each[12.0][0] < each[50.0][0] < 25
    assert each[12.0][1] > 1.4 * each[50.0][1]
    assert each[12.0][0] < 3.2  # batches a second, each of which costs as much as one with fifty calls in it
    assert each[400.0][0] < 1 / LEAST_S


def test_a_rush_is_seen_at_once() -> None:
    pace = Pace(LEAST_S, MOST_S)
    pace.batch(99.0, 0)  # notes on the way, and no outcome for long
    first = [begins - at for begins, carried in batches(pace, outcomes(50.0, 1.0, begin=100.0)) for at in carried]
    assert max(first) < 0.15


def test_news_without_an_outcome_waits_for_the_next_batch_of_its_second() -> None:
    pace = Pace(LEAST_S, MOST_S)
    assert pace.due(10.0, 10.0, 0) == pytest.approx(10.0 + LEAST_S)  # after a quiet spell
    pace.batch(10.03, 0)
    assert pace.due(10.1, 10.1, 0) == pytest.approx(10.03 + MOST_S)


@given(
    gathered=st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 600)), max_size=8),
    news_after=st.floats(-5, 5),
    asked_after=st.floats(-5, 5),
    count=st.integers(0, 600),
)
def test_never_later_than_the_most_nor_earlier_than_the_least_whatever_the_clock_does(
    gathered: list[tuple[float, int]], news_after: float, asked_after: float, count: int
) -> None:
    pace, at = Pace(LEAST_S, MOST_S), 1000.0
    for step, carried in gathered:
        at += step
        pace.batch(at, carried)
    news_at = at + news_after
    due = pace.due(news_at, news_at + asked_after, count)
    assert news_at + LEAST_S <= due <= news_at + MOST_S
