"""The floor of `hotline bench wait`, held against Erlang's formula and against a day that can be worked out by hand."""

from __future__ import annotations

from math import exp
from statistics import fmean

import pytest

from bench.wait import _caller, draw, floor_waits


def _erlang_c(agents: int, load: float) -> float:
    """The chance to wait at all, for a load in Erlang (by the stable recursion of Erlang B)."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / agents * (1 - blocked))


def test_by_hand() -> None:
    assert floor_waits([0, 0, 1, 2], [5, 3, 1, 1], 2) == [0, 0, 2, 2]


def test_in_the_long_run_the_floor_is_erlangs() -> None:
    drawn = draw(200_000, 20)
    waits = floor_waits(drawn.arrivals, drawn.talks, 20)
    waited = _erlang_c(20, 18.0)
    assert fmean(waits) == pytest.approx(waited * 10 / (20 - 18), rel=0.1)
    over = [wait for wait in waits if wait > 5]
    assert len(over) / len(waits) == pytest.approx(waited * exp(-(20 - 18) * 5 / 10), rel=0.1)


def test_the_same_calls_every_time_and_a_number_that_tells_the_talk() -> None:
    assert draw(50, 20) == draw(50, 20)
    assert _caller(7, 12.3456) == "1000070012346"
    assert len({_caller(place, 1.0) for place in range(1000)}) == 1000
