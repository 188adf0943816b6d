"""Calls that come back: their engine died, was stopped, or lost the line to Asterisk. And whole calls by chance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acd.model import Engagement
from agi_scripts import variables
from crm_bridge.entry import Entry
from tests.flow.centre import (
    LONG_S,
    Caller,
    SampleCentre,
    caller_leaves,
    fails,
    first_words,
    hangs_up_in_whisper,
    open_centre,
    talks,
    until,
)


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[SampleCentre]:
    async with AsyncExitStack() as ends:
        yield await ends.enter_async_context(open_centre(tmp_path))


async def talking(centre: SampleCentre) -> Caller:
    """A conversation whose engine dies under it; it has lasted 25 s when the agent hangs up."""
    await centre.staff("1001")
    caller = await centre.dial(phones=[talks_on])
    await until(lambda: variables.ANSWERED in caller.variables)
    await centre.restart()
    await caller.over()
    caller.variables |= {"DIALEDPEERNUMBER": "1001", "HANGUPCAUSE": "16"}
    centre.clock.now += 25
    return caller


async def talks_on(caller: Caller, extension: str) -> None:
    await talks(0)(caller, extension)
    await until(lambda: caller.let_go)


# ---- a new engine


async def test_waiting_calls_come_back_in_their_order(centre: SampleCentre):
    """Whoever knocks first: nobody is offered an agent until all have come."""
    callers = []
    for _ in range(3):
        callers.append(await centre.dial_and_wait(hurry=1))
        centre.clock.now += 10
    await centre.restart(expect_s=5)
    await centre.staff("1001")
    back = [await centre.knock(caller) for caller in reversed(callers)]
    for caller in reversed(back):
        await centre.see_out(caller)
        await centre.pass_time(10)
    assert centre.offers() == [(caller.call_id, "1001") for caller in callers]
    assert len(centre.callers) == 6  # each came back once


async def test_who_never_comes_back_holds_nobody_up_for_long(centre: SampleCentre):
    gone, waits = [await centre.dial_and_wait(hurry=1) for _ in range(2)]
    await centre.restart(expect_s=5)
    await centre.staff("1001")
    back = await centre.knock(waits)
    await centre.pass_time(3)
    assert centre.offers() == []
    await centre.pass_time(2)
    await centre.see_out(back)
    assert centre.offers() == [(waits.call_id, "1001")]
    await centre.knock(gone, "ended")


async def test_the_original_join_time_is_kept(centre: SampleCentre):
    caller = await centre.dial_and_wait(hurry=1)
    joined = caller.variables[variables.JOINED]
    await centre.pass_time(100)
    await centre.restart()
    back = await centre.knock(caller)
    await back.said("WAIT", "FOR")
    await centre.pass_time(499)
    assert first_words(back.commands)[-1] == "WAIT FOR"
    assert back.variables[variables.JOINED] == joined
    await centre.pass_time(1)  # the longest wait counts from the first join
    await centre.see_out(back)
    story = await centre.story(caller)
    assert story[-5:] == ["returned", "queued sales", "node sorry", "node gave_up", "outcome timeout system"]
    assert story.count("queued sales") == 2
    assert (await centre.outcome(caller))["waited_s"] == 600
    assert story.count("call_started 4008001001 tv_spot") == 1


async def test_a_waiting_call_is_not_asked_again(centre: SampleCentre):
    caller = await centre.dial_and_wait("22", hurry=1)
    await centre.restart()
    back = await centre.knock(caller)
    await back.said("WAIT", "FOR")
    assert back.played == []
    assert back.variables[variables.ATTRIBUTES] == "language=english"
    await centre.staff("1001", "1005")
    await centre.see_out(back)
    assert back.rung == ["1005"]
    outcome = await centre.outcome(caller)
    assert (outcome["queue"], outcome["language"], outcome["agent"]) == ("service", "english", "1005")


async def in_the_menu_again(centre: SampleCentre) -> Caller:
    """In English; then a new engine, at which 1 is pressed."""
    caller = await centre.dial("2", hurry=1)
    await caller.said("GET", "DATA")
    await centre.restart()
    await centre.staff("1001")
    return await centre.see_out(await centre.knock(caller, keys="1"))


async def test_a_call_in_a_menu_goes_on_there(centre: SampleCentre):
    back = await in_the_menu_again(centre)
    assert [file.rpartition("/")[2] for file in back.played] == ["menu_main"]
    assert centre.live.left_off == {}
    assert (await centre.story(back)).count("node welcome") == 1


async def test_a_call_in_a_menu_goes_on_in_its_language(centre: SampleCentre):
    back = await in_the_menu_again(centre)
    assert back.played == ["/prompts/english/menu_main"]


async def test_a_call_that_had_said_sorry_goes_on_there(centre: SampleCentre):
    """It has a join time, but its queue has given up on it."""
    caller = await centre.dial_and_wait(hurry=1, answers={"STREAM FILE": stays_in_sorry})
    await centre.pass_time(600)
    await centre.restart()
    back = await centre.see_out(await centre.knock(caller, answers={}))
    assert (await centre.outcome(back))["outcome"] == "timeout"
    assert (await centre.outcome(back))["hangup_by"] == "system"


async def stays_in_sorry(caller: Any, words: tuple[str, ...]) -> None:
    if words[2].endswith("queue_timeout"):
        await until(lambda: caller.let_go)


# ---- conversations that outlive their engine


@pytest.mark.parametrize(("source", "by"), [("PJSIP/1001-0000002a", "agent"), ("", "agent"), ("own", "caller")])
@pytest.mark.parametrize("route", ["ended", "call"])
async def test_a_conversation_outlives_its_engine(centre: SampleCentre, route: str, source: str, by: str):
    caller = await talking(centre)
    caller.variables["CHANNEL(hangupsource)"] = caller.channel if source == "own" else source
    back = await centre.knock(caller, route)
    await back.over()
    outcome = await centre.outcome(caller)
    assert back.next == "hangup"
    assert (outcome["outcome"], outcome["hangup_by"], outcome["agent"]) == ("answered", by, "1001")
    assert (outcome["talked_s"], outcome["cause"], outcome["queue"]) == (25, "16", "sales")
    assert outcome["ended_at"] - outcome["answered_at"] == 25
    assert back.rung == []
    assert (await centre.agent("1001"))[1] is Engagement.WRAP_UP  # as after any other talk
    centre.clock.now += centre.queues["sales"].wrap_up_s
    await centre.router.tick()
    assert (await centre.agent("1001"))[1] is Engagement.IDLE


async def test_the_expected_talker_does_not_hold_the_line_up(centre: SampleCentre):
    caller = await talking(centre)
    centre.router.expect([caller.call_id], centre.clock() + 60)
    back = await centre.knock(caller, "ended")
    await back.over()
    await centre.staff("1002")
    other = await centre.see_out(await centre.dial())
    assert other.rung == ["1002"]


# ---- the route /ended


@pytest.mark.parametrize(("keys", "outcome"), [("", "abandoned_ivr"), ("11", "abandoned_queue")])
async def test_ended_while_nobody_held_the_call(centre: SampleCentre, keys: str, outcome: str):
    caller = await centre.dial(keys, hurry=1)
    await caller.said(*(("WAIT", "FOR") if keys else ("GET", "DATA")))
    await centre.settle()
    await centre.restart(expect_s=60)
    caller.hung_up = True
    for _ in range(2):  # told twice, heard once
        back = await centre.knock(caller, "ended")
        await back.over()
        assert back.next == "hangup"
    assert [o["outcome"] for o in await centre.outcomes(caller.call_id)] == [outcome]
    assert (await centre.outcome(caller))["hangup_by"] == "caller"
    await centre.staff("1001")  # and nobody is held up by a call that will not come back
    assert (await centre.see_out(await centre.dial())).rung == ["1001"]


async def test_ended_of_a_conversation_told_twice(centre: SampleCentre):
    caller = await talking(centre)
    for _ in range(2):
        await (await centre.knock(caller, "ended")).over()
        centre.clock.now += 7
    assert (await centre.outcome(caller))["talked_s"] == 25


async def test_ended_of_a_call_that_is_over(centre: SampleCentre):
    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial())
    before = await centre.outcome(caller)
    await (await centre.knock(caller, "ended")).over()
    assert await centre.outcome(caller) == before


async def test_ended_of_a_call_that_lives_is_left_to_it(centre: SampleCentre):
    caller = await centre.dial_and_wait(hurry=1)
    other = await centre.knock(caller, "ended", channel="PJSIP/trunk-other")
    await other.over()
    assert await centre.outcomes(caller.call_id) == []
    caller.variables.pop(variables.NEXT)
    caller.hang_up()
    await centre.see_out(caller)
    assert len(await centre.outcomes(caller.call_id)) == 1


async def test_ended_of_a_call_without_an_id(centre: SampleCentre):
    caller = await centre.dial("", route="ended", args=[""] * 8)
    await caller.over()
    await centre.written()
    assert centre.on_disk() == []


async def test_a_call_that_has_ended_knocks_again(centre: SampleCentre):
    """Its last command was lost: one outcome all the same, and it is let go."""
    await centre.staff("1001")
    caller = await centre.dial(moment=7, strike=Caller.cut)  # after the answer to GET FULL VARIABLE
    await caller.over()
    assert first_words(caller.commands)[-1] == "GET FULL"
    await until(lambda: centre.agi.sessions == 0)
    assert not caller.next
    before = await centre.outcome(caller)
    back = await centre.see_out(caller)
    assert await centre.outcome(back) == before


@pytest.mark.parametrize("route", ["call", "ended"])
async def test_the_engine_died_between_the_tag_and_the_start(centre: SampleCentre, route: str):
    """The id is on the channel and nothing is on disk: what comes back is a call all the same."""
    await centre.staff("1001")
    marks = {variables.CALL_ID: "tagged-only"}
    caller = await centre.dial("11", route=route, args=["tagged-only", *[""] * 7], variables=marks)
    await centre.see_out(caller)
    story = await centre.story(caller)
    assert len(await centre.outcomes("tagged-only")) == 1
    assert "call_started 4008001001 tv_spot" in story


async def test_cut_off_from_an_engine_that_lives(centre: SampleCentre):
    """The line alone broke. In the queue again, and nobody comes: the flow goes on at its `then`."""
    caller = await centre.dial_and_wait(hurry=1)
    caller.cut()
    await caller.over()
    back = await centre.knock(caller)
    await back.said("WAIT", "FOR")
    await centre.pass_time(600)
    await centre.see_out(back)
    assert back.played == ["/prompts/mandarin/queue_timeout"]


async def test_a_queue_that_the_site_no_longer_has(centre: SampleCentre):
    """The call goes on in the flow, at the node it was at; its place in line is the one it had."""
    caller = await centre.dial_and_wait(hurry=1)
    joined = caller.variables[variables.JOINED]
    await centre.restart()
    caller.variables[variables.QUEUE] = "closed_down"
    back = await centre.knock(caller)
    await back.said("WAIT", "FOR")
    assert (back.variables[variables.QUEUE], back.variables[variables.JOINED]) == ("sales", joined)
    back.hang_up()
    await centre.see_out(back)
    assert [o["outcome"] for o in await centre.outcomes(caller.call_id)] == ["abandoned_queue"]


async def test_odd_luggage(centre: SampleCentre):
    """Nothing in the variables can hurt: they are read as far as they make sense."""
    args = ["no-such-call", "x", "sales", "klingon", "", "-1", "9999", "=;a=b;;c"]
    caller = await centre.dial("11", args=args, hurry=1, variables={variables.CALL_ID: "no-such-call"})
    await caller.said("WAIT", "FOR")
    caller.hang_up()
    await centre.see_out(caller)
    assert [o["outcome"] for o in await centre.outcomes("no-such-call")] == ["abandoned_queue"]
    centre.asked.clear()  # klingon prompts; the shelf falls back


# ---- whole calls, by chance

PHONES = {
    "talks": talks(),
    "caller ends": talks(ends=Caller.hang_up),
    "cut in talk": talks(ends=Caller.cut),
    "no answer": fails("NOANSWER"),
    "busy": fails("BUSY", 17),
    "unreachable": fails("CHANUNAVAIL", 3),
    "whisper": hangs_up_in_whisper(seen=False),
    "caller leaves": caller_leaves,
}


@dataclass(frozen=True)
class Plan:
    """One caller and the agents of that day. ``comes_s``: when the late ones log in."""

    number: str
    keys: str
    phones: tuple[str, ...]
    staffed: frozenset[str]
    late: frozenset[str]
    comes_s: float
    moment: int | None
    during: bool
    cut: bool
    restart: bool


AGENTS = st.frozensets(st.sampled_from(["1001", "1002", "1003", "1004", "1005", "1006"]), max_size=3)
PLANS = st.builds(
    Plan,
    number=st.sampled_from(["4008001000", "4008001001", "4008001003", "95588"]),
    keys=st.text("0129*#D", max_size=6),
    phones=st.lists(st.sampled_from(sorted(PHONES)), max_size=4).map(tuple),
    staffed=AGENTS,
    late=AGENTS,
    comes_s=st.sampled_from([0.0, 1.0, 25.0, 300.0, 599.0, 700.0]),
    moment=st.none() | st.integers(0, 16),
    during=st.booleans(),
    cut=st.booleans(),
    restart=st.booleans(),
)


async def live(centre: SampleCentre, plan: Plan) -> Caller:
    """The call until our script has let it go, time flying while it waits."""
    await centre.staff(*sorted(plan.staffed))
    caller = await centre.dial(
        plan.keys,
        extension=plan.number,
        phones=[PHONES[name] for name in plan.phones],
        moment=plan.moment,
        during=plan.during,
        strike=Caller.cut if plan.cut else Caller.hang_up,
    )
    while True:
        await fly(centre, caller, plan)
        if caller.next or (caller.hung_up and not caller.call_id):
            return caller
        if plan.restart and centre.agi.sessions == 0:
            await centre.restart()
            await centre.staff(*sorted(plan.staffed))
        over = caller.hung_up or variables.ANSWERED in caller.variables
        caller = await centre.knock(caller, "ended" if over else "call")


async def fly(centre: SampleCentre, caller: Caller, plan: Plan) -> None:
    """Until our script lets go. While the caller waits, a second at a time, later twenty."""
    begun, late = centre.clock(), plan.late - plan.staffed
    assert caller._task is not None
    async with asyncio.timeout(2 * LONG_S):
        while not caller._task.done():
            if not waiting(caller):
                await asyncio.sleep(0.0005)
                continue
            waited_s = centre.clock() - begun
            if waited_s >= plan.comes_s and late:
                await centre.staff(*sorted(late))
                late = frozenset()
            await centre.pass_time(1 if waited_s < 8 else 20)


def waiting(caller: Caller) -> bool:
    """In the queue: no menu of the sample waits for a single digit."""
    return first_words(caller.commands)[-1:] == ["WAIT FOR"]


def ended_once(entries: list[Entry], call_id: str) -> bool:
    return [entry.kind for entry in entries if entry.call_id == call_id].count("outcome") == 1


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PLANS)
def test_every_call_has_exactly_one_end(plan: Plan):
    """Whatever caller, agents and the line to Asterisk do; `leave_nothing` looks for the rest."""

    async def run() -> None:
        with TemporaryDirectory() as folder:
            async with open_centre(Path(folder)) as centre:
                caller = await live(centre, plan)
                await centre.written()
                entries = centre.on_disk()
                assert not caller.call_id or ended_once(entries, caller.call_id)
                last: dict[str, str] = {entry.call_id: entry.kind for entry in entries if entry.call_id}
                assert not caller.call_id or last[caller.call_id] == "outcome"

    asyncio.run(run())
