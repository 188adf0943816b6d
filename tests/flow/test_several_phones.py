"""`parallel` and `confirm`: several phones ring for one call, and who has picked up takes it by a key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from acd.model import Engagement, Presence
from agi_scripts import variables
from tests.flow.centre import (
    LAPTOP_MANDARIN,
    Phone,
    SampleCentre,
    caller_leaves,
    fails,
    first_of_all,
    hangs_up_in_whisper,
    open_centre,
    talks,
)

FREE = (Presence.AVAILABLE, Engagement.IDLE)


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[SampleCentre]:
    async with AsyncExitStack() as ends:
        yield await ends.enter_async_context(open_centre(tmp_path, parallel=2, confirm=True))


async def ringing_story(centre: SampleCentre, *phones: Phone) -> list[str]:
    """What follows the tag, the menus and the queue."""
    caller = await centre.see_out(await centre.dial(phones=list(phones)))
    return (await centre.story(caller))[8:]


@pytest.mark.parametrize("agent", ["1001", "1002"])
async def test_whoever_is_first_has_it(centre: SampleCentre, agent: str) -> None:
    await centre.staff(*LAPTOP_MANDARIN)
    caller = await centre.see_out(await centre.dial(phones=[first_of_all(agent, talks(ends=None))]))
    assert caller.rung == ["1001&1002"]
    assert (await centre.story(caller))[8:] == [
        "offered 1001", "offered 1002", f"answered {agent}", "leg", "outcome answered agent",
    ]  # fmt: skip
    assert (await centre.outcome(caller))["agent"] == agent
    other = "1002" if agent == "1001" else "1001"
    assert await centre.agent(other) == FREE
    assert not any(view.misses for view in await centre.router.agents())
    assert await centre.agent(agent) == (Presence.AVAILABLE, Engagement.WRAP_UP)


async def test_so_many_as_there_are(centre: SampleCentre) -> None:
    await centre.staff("1001")
    assert await ringing_story(centre) == ["offered 1001", "answered 1001", "leg", "outcome answered agent"]


async def test_nobody_picks_up(centre: SampleCentre) -> None:
    """Both have missed it; the third is next."""
    await centre.staff(*LAPTOP_MANDARIN)
    assert await ringing_story(centre, fails("NOANSWER")) == [
        "offered 1001", "offered 1002", "offer_missed 1001 no_answer", "offer_missed 1002 no_answer",
        "offered 1006", "answered 1006", "leg", "outcome answered agent",
    ]  # fmt: skip
    assert {view.extension for view in await centre.router.agents() if view.misses} == {"1001", "1002"}


@pytest.mark.parametrize("agent", ["1001", "1002"])
@pytest.mark.parametrize("seen", [True, False])
async def test_who_does_not_take_it_has_missed_it_alone(centre: SampleCentre, agent: str, seen: bool) -> None:
    """Picked up, and the key not pressed: the caller waits on."""
    await centre.staff("1001", "1002")
    other = "1002" if agent == "1001" else "1001"
    unconfirmed = first_of_all(agent, hangs_up_in_whisper(seen=seen))
    story = await ringing_story(centre, unconfirmed, first_of_all(other, talks()))
    assert [entry for entry in story if "missed" in entry] == [f"offer_missed {agent} rejected"]
    assert story[-2:] == ["leg", "outcome answered agent"]
    assert f"answered {other}" in story


async def test_the_caller_leaves(centre: SampleCentre) -> None:
    await centre.staff("1001", "1002")
    story = await ringing_story(centre, caller_leaves)
    assert story[-1] == "outcome abandoned_queue caller"
    assert await centre.agent("1001") == await centre.agent("1002") == FREE
    assert not any(view.misses for view in await centre.router.agents())


async def test_the_agents_leg_is_asked_for_the_key(centre: SampleCentre) -> None:
    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial())
    assert caller.variables[variables.CONFIRM].endswith("/whisper_confirm")
