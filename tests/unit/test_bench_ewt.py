"""The virtual centres of `hotline bench ewt`: its waits held against those that can be worked out without a router."""

from __future__ import annotations

import random

import pytest

from bench.ewt import _TALK_S, Centre, Holdtime, Hour, _error
from bench.wait import floor_waits


async def test_the_routers_waits_are_those_of_first_come_first_served() -> None:
    arrivals = [at * 50.0 for at in range(200)]
    found = await Centre(random.Random(2), [Hour(0.0, 3)]).run(arrivals)
    drawn = random.Random(2)
    waits = floor_waits(arrivals, [drawn.expovariate(1 / _TALK_S) for _ in arrivals], 3)
    joined = {told.at: told.real for told in found if told.at in set(arrivals)}
    assert [joined.get(at, 0.0) for at in arrivals] == pytest.approx(waits)
    assert max(waits) > 60 < len(found) - len(joined)  # some were told again


async def test_who_goes_home_ends_the_conversation_first() -> None:
    centre = Centre(random.Random(3), [Hour(0.0, 2), Hour(100.0, 1)])
    found = await centre.run([0.0, 0.0, 90.0, 110.0])
    assert {told.at for told in found} == {110.0, 170.0}
    assert next(told for told in found if told.at == 110.0).floor == _TALK_S


def test_app_queues_figure() -> None:
    holdtime = Holdtime()
    for waited in (100, 100.9, 0):
        holdtime.hear(waited)
    assert holdtime.seconds == 32  # 25, 43, 32
    assert holdtime.announced_s(0) == 60
    assert holdtime.announced_s(200) == 120  # and grows from there on


async def test_the_error_of_the_one_who_knows_is_the_smallest() -> None:
    chance = random.Random(4)
    found = await Centre(chance, [Hour(0.0, 5)]).run([at * 40.0 for at in range(600)])
    assert _error(found, "floor") < _error(found, "hotline") * 1.05
    assert _error(found, "hotline") < _error(found, "app_queue")
