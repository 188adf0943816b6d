"""Whole calls to one agent, to a number outside, and what is asked after the conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agi_scripts import variables
from agi_scripts.outside_numbers import OutsideNumber, OutsideNumbers
from ivr.flow.model import Flow
from tests.flow.centre import Caller, Phone, SampleCentre, caller_leaves, fails, open_centre, talks, until

END = {"kind": "hangup"}
FLOWS: Mapping[str, Mapping[str, Any]] = {
    "main": {
        "start": "choose",
        "default_way": "anyone",
        "nodes": {
            "choose": {
                "kind": "menu",
                "prompts": ["menu_main"],
                "options": {1: "mine", 2: "anyone", 3: "courier", 4: "round"},
                "otherwise": "end",
            },
            "mine": {
                "kind": "agent",
                "agent": "1002",
                "queue": "sales",
                "wait_s": 20,
                "then": "sorry",
                "after": "question",
            },
            "anyone": {"kind": "queue", "queue": "sales", "then": "courier", "after": "question"},
            "courier": {"kind": "transfer", "to": "courier", "ring_s": 25, "then": "sorry", "after": "question"},
            "round": {"kind": "queue", "queue": "service", "then": "end", "after": "mine"},
            "question": {"kind": "menu", "prompts": ["menu_main"], "options": {1: "sorry"}, "otherwise": "end"},
            "sorry": {"kind": "play", "prompts": ["goodbye"], "then": "end"},
            "end": END,
        },
    },
}
FOUND = {name: Flow.model_validate({"name": name, **flow}) for name, flow in FLOWS.items()}
MINE, ANYONE, COURIER, ROUND = "1", "2", "3", "4"
OUTSIDE = "+8621555@carrier"
OPTIONS = "mgiS(600)f(4008001001)U(hotline-joined)"


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[SampleCentre]:
    async with AsyncExitStack() as ends:
        centre = await ends.enter_async_context(open_centre(tmp_path, wrap_up_s=0))
        equip(centre)
        yield centre


def equip(centre: SampleCentre) -> None:
    numbers = {number: replace(spec, flow="main") for number, spec in centre.centre.numbers.items()}
    outside = OutsideNumbers({"courier": OutsideNumber("+8621555", "carrier", "快递")}, max_talk_s=600)
    centre.centre = replace(centre.centre, flows=FOUND, numbers=numbers, outside_numbers=outside)


def dialled(caller: Caller) -> list[str]:
    return [words[2] for words in caller.commands if words[1:2] == ("Dial",)]


# ---- one agent


async def test_a_direct_call_rings_that_agent_although_another_has_been_idle_for_longer(centre: SampleCentre) -> None:
    await centre.staff("1001", "1002")
    caller = await centre.see_out(await centre.dial(MINE))
    assert caller.rung == ["1002"]
    outcome = await centre.outcome(caller)
    assert (outcome["outcome"], outcome["agent"], outcome["queue"]) == ("answered", "1002", "sales")


async def test_of_a_logged_out_agent_the_way_on_comes_at_once(centre: SampleCentre) -> None:
    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial(MINE))
    assert caller.rung == []
    assert (await centre.story(caller))[-4:] == ["queued sales", "node sorry", "node end", "outcome self_served system"]
    assert (await centre.outcome(caller))["waited_s"] == 0


async def test_after_a_miss_the_flow_goes_on(centre: SampleCentre) -> None:
    await centre.staff("1001", "1002")
    caller = await centre.see_out(await centre.dial(MINE, phones=[fails("NOANSWER")]))
    assert caller.rung == ["1002"]
    assert (await centre.story(caller))[-3:] == ["node sorry", "node end", "outcome self_served system"]


@pytest.mark.parametrize("lost", [False, True])
async def test_the_wish_survives_the_engine(centre: SampleCentre, lost: bool) -> None:
    """Who it is for, and how long it waits, are on the channel; ``lost``: the journal's last words were not on disk."""
    await centre.staff("1001", "1002")
    busy = await centre.dial(MINE, phones=[stays])
    await until(lambda: variables.ANSWERED in busy.variables)
    caller = await centre.dial_and_wait(MINE, hurry=1)
    await centre.pass_time(8)
    await centre.restart()
    equip(centre)
    if lost:
        centre.live.left_off.clear()
    await centre.staff("1001", "1002")
    await centre.router.pause("1002", "lunch")
    back = await centre.knock(caller)
    await back.said("WAIT", "FOR")
    await centre.pass_time(7)
    assert back.rung == []
    await centre.pass_time(20 - 8 - 7)
    await back.over()
    nodes = [entry for entry in await centre.story(back) if entry.startswith(("node", "outcome"))]
    assert nodes[-1].startswith("outcome timeout" if lost else "outcome self_served")
    assert (await centre.outcome(back))["waited_s"] == pytest.approx(20, abs=2.1)  # two agents were staffed meanwhile
    await centre.see_out(busy)


async def stays(caller: Caller, extension: str) -> None:
    await talks(0)(caller, extension)
    await until(lambda: caller.let_go)


async def test_a_wish_is_not_left_on_the_channel(centre: SampleCentre) -> None:
    """The queue after a direct call is anybody's, in the next engine too."""
    caller = await centre.dial_and_wait(ANYONE)
    assert caller.variables[variables.AGENT] == caller.variables[variables.WAIT_UNTIL] == ""
    caller.hang_up()
    await centre.see_out(caller)


async def test_what_comes_after_survives_the_engine_too(centre: SampleCentre) -> None:
    caller = await centre.dial_and_wait(ANYONE, hurry=1)
    await centre.restart()
    equip(centre)
    await centre.staff("1002")
    back = await centre.see_out(await centre.knock(caller, keys="1", hurry=0.001, phones=[talks(5)]))
    assert (await centre.story(back))[-4:] == ["outcome answered agent", "node question", "node sorry", "node end"]


# ---- after the conversation


@pytest.mark.parametrize(("keys", "phone"), [(ANYONE, talks(30)), (MINE, talks(30)), (COURIER, talks(30))])
async def test_who_is_still_there_is_asked(centre: SampleCentre, keys: str, phone: Phone) -> None:
    await centre.staff("1002")
    caller = await centre.dial(keys + "1", phones=[phone])
    await centre.see_out(caller)
    assert (await centre.story(caller))[-4:] == ["outcome answered agent", "node question", "node sorry", "node end"]
    assert caller.played[-1].endswith("goodbye")
    assert (await centre.outcome(caller))["talked_s"] == 30
    assert caller.next == "hangup"


async def test_the_agent_is_free_while_the_caller_answers(centre: SampleCentre) -> None:
    await centre.staff("1002")
    caller = await centre.dial(MINE, hurry=1, phones=[talks(30)])
    await until(lambda: len(caller.played) == 2)
    other = await centre.see_out(await centre.dial(MINE))
    assert other.rung == ["1002"]
    caller.hang_up()
    await centre.see_out(caller)
    assert (await centre.outcome(caller))["hangup_by"] == "agent"


async def test_a_caller_who_hung_up_is_asked_nothing(centre: SampleCentre) -> None:
    await centre.staff("1002")
    caller = await centre.dial(ANYONE, phones=[talks(30, ends=Caller.hang_up)])
    await centre.see_out(caller)
    assert (await centre.story(caller))[-1] == "outcome answered caller"


async def test_nobody_is_rung_a_second_time(centre: SampleCentre) -> None:
    """What the check refuses, a live call ends in."""
    await centre.staff("1002")
    caller = await centre.see_out(await centre.dial(ROUND))
    assert caller.rung == ["1002"]
    assert (await centre.story(caller))[-2:] == ["outcome answered agent", "node mine"]


async def test_an_engine_that_dies_in_the_question_has_told_all(centre: SampleCentre) -> None:
    """The dialplan takes the call for done, and ends it: no knock, no second outcome."""
    await centre.staff("1002")
    caller = await centre.dial(ANYONE, hurry=1, phones=[talks(30)])
    await until(lambda: len(caller.played) == 2)
    assert caller.next == "hangup"
    await centre.restart()
    equip(centre)
    assert await centre.outcomes(caller.call_id) == [await centre.outcome(caller)]
    assert caller.call_id not in centre.live.left_off


# ---- outside


async def test_a_transfer_dials_the_listed_number_and_nothing_of_the_callers(centre: SampleCentre) -> None:
    caller = await centre.see_out(await centre.dial(COURIER, number="+8613900000000", phones=[talks(60)]))
    assert dialled(caller) == [f"PJSIP/{OUTSIDE},25,{OPTIONS}"]
    assert "transferred" in await centre.story(caller)
    [told] = [entry.fields for entry in centre.on_disk(caller.call_id) if entry.kind == "transferred"]
    assert told == {"outside": "courier", "talked_s": 60}
    outcome = await centre.outcome(caller)
    assert (outcome["outcome"], outcome["agent"], outcome["queue"], outcome["hangup_by"]) == (
        "answered",
        "",
        "",
        "agent",
    )
    assert (outcome["talked_s"], outcome["cause"]) == (60, "16")
    assert outcome["answered_at"] == pytest.approx(outcome["ended_at"] - 60)


@pytest.mark.parametrize("status", ["BUSY", "NOANSWER", "CHANUNAVAIL", "CONGESTION"])
async def test_nobody_outside_took_it(centre: SampleCentre, status: str) -> None:
    caller = await centre.see_out(await centre.dial(COURIER, phones=[fails(status)]))
    [missed] = [entry.fields for entry in centre.on_disk(caller.call_id) if entry.kind == "transfer_missed"]
    assert missed == {"outside": "courier", "why": status}
    assert (await centre.story(caller))[-3:] == ["node sorry", "node end", "outcome self_served system"]


async def test_the_caller_leaves_while_it_rings_outside(centre: SampleCentre) -> None:
    caller = await centre.see_out(await centre.dial(COURIER, phones=[caller_leaves]))
    assert (await centre.story(caller))[-1] == "outcome abandoned_ivr caller"


async def test_a_number_that_is_no_longer_listed_is_not_dialled(centre: SampleCentre) -> None:
    centre.centre = replace(centre.centre, outside_numbers=OutsideNumbers())
    caller = await centre.see_out(await centre.dial(COURIER))
    assert dialled(caller) == []
    assert (await centre.story(caller))[-1] == "outcome self_served system"


@pytest.mark.parametrize("leaves", [False, True])
async def test_a_transferred_talk_outlives_its_engine(centre: SampleCentre, leaves: bool) -> None:
    caller = await centre.dial(COURIER, phones=[stays])
    await until(lambda: variables.ANSWERED in caller.variables)
    await centre.restart()
    equip(centre)
    await caller.over()
    caller.variables["DIALEDPEERNUMBER"] = OUTSIDE
    centre.clock.now += 25
    if leaves:
        caller.hang_up()
    await centre.see_out(caller)
    [told] = [entry.fields for entry in centre.on_disk(caller.call_id) if entry.kind == "transferred"]
    assert told == {"outside": "courier", "talked_s": 25}
    outcome = await centre.outcome(caller)
    assert (outcome["outcome"], outcome["agent"], outcome["talked_s"]) == ("answered", "", 25)


@pytest.mark.parametrize("queued", [False, True])
async def test_a_call_whose_engine_dies_while_it_rings_outside_is_dialled_there_again(
    centre: SampleCentre, queued: bool
) -> None:
    """And not put back into the queue that had given up on it."""
    if queued:
        caller = await centre.dial_and_wait(ANYONE, phones=[rings_on])
        await centre.pass_time(600)
    else:
        caller = await centre.dial(COURIER, phones=[rings_on])
    await until(lambda: dialled(caller) != [])
    await centre.restart()
    equip(centre)
    await caller.over()
    back = await centre.see_out(await centre.knock(caller, phones=[talks(5)]))
    assert dialled(back) == [f"PJSIP/{OUTSIDE},25,{OPTIONS}"]
    outcome = await centre.outcome(back)
    assert outcome["outcome"] == "answered"


async def rings_on(caller: Caller, extension: str) -> None:
    await until(lambda: caller.let_go)
