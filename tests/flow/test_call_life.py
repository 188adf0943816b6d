"""The life of a call, from the knock to the one outcome, with everything real but Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from acd.model import Engagement, Presence
from agi_scripts import variables
from ivr.flow.nodes.queue import QueueNode
from tests.flow.centre import (
    LAPTOP_MANDARIN,
    Caller,
    SampleCentre,
    caller_leaves,
    fails,
    first_words,
    hangs_up_in_whisper,
    held,
    open_centre,
    sample_site,
    talks,
    until,
)

MENU = ["node welcome", "node language", "node office_hours", "node topic"]
STARTED = "call_started 4008001001 tv_spot"
IN_SALES = [STARTED, *MENU, "node sales", "language mandarin", "queued sales"]

# The commands of a call that has to wait a moment for 1001.
HAPPY = [
    "EXEC MSet", "ANSWER", "STREAM FILE", "GET DATA",
    "EXEC MSet", "SET MUSIC", "WAIT FOR", "EXEC Dial", "GET FULL", "EXEC MSet",
]  # fmt: skip


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[SampleCentre]:
    async with AsyncExitStack() as ends:
        yield await ends.enter_async_context(open_centre(tmp_path))


async def comes_free(caller: Any, words: tuple[str, ...]) -> None:
    """1001 logs in as soon as somebody listens."""
    if caller.here.router.offer_at("1001") is None and not caller.rung:
        await caller.here.staff("1001")


async def happy_call(centre: SampleCentre, **more: Any) -> Caller:
    return await centre.dial(hurry=1, answers={"WAIT FOR DIGIT": comes_free}, **more)


# ---- answered


async def test_a_call_from_the_number_to_the_outcome(centre: SampleCentre):
    caller = await centre.see_out(await happy_call(centre))
    assert first_words(caller.commands) == HAPPY
    assert await centre.story(caller) == [*IN_SALES, "offered 1001", "answered 1001", "leg", "outcome answered agent"]
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.WRAP_UP)
    outcome = await centre.outcome(caller)
    assert outcome["talked_s"] == 30
    assert outcome["waited_s"] == 1
    assert outcome["ended_at"] - outcome["answered_at"] == 30
    assert (outcome["queue"], outcome["agent"], outcome["language"]) == ("sales", "1001", "mandarin")
    assert outcome["cause"] == "16"


async def test_somebody_is_free_at_once(centre: SampleCentre):
    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial())
    assert "WAIT FOR" not in first_words(caller.commands)
    assert await centre.story(caller) == [*IN_SALES, "offered 1001", "answered 1001", "leg", "outcome answered agent"]


async def test_the_caller_hangs_up_first(centre: SampleCentre):
    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial(phones=[talks(ends=Caller.hang_up)]))
    assert (await centre.story(caller))[-1] == "outcome answered caller"
    assert (await centre.outcome(caller))["talked_s"] == 30


async def test_an_english_caller_is_rung_through_to_service(centre: SampleCentre):
    await centre.staff("1001", "1005")
    caller = await centre.see_out(await centre.dial("22", extension="4008001003"))
    story = await centre.story(caller)
    assert story[0] == "call_started 4008001003 web_search"
    assert story.index("language english") < story.index("node topic")
    assert story[6:] == [
        "node service",
        "queued service",
        "offered 1005",
        "answered 1005",
        "leg",
        "outcome answered agent",
    ]
    assert caller.rung == ["1005"]
    whisper = caller.variables[variables.WHISPER].split("&")
    assert [file.rpartition("/")[2] for file in whisper] == [
        "whisper_queue_service", "whisper_lang_english", "whisper_source_web_search",
    ]  # fmt: skip


async def test_what_dial_is_told(centre: SampleCentre):
    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial())
    words = await caller.said("EXEC", "Dial")
    assert words[2] == "PJSIP/1001,15,mgiU(hotline-whisper)"
    inherited = next(words for words in caller.commands if variables.QUEUE in words[-1])
    assert f"_{variables.WHISPER}=" in inherited[2]


async def test_what_a_new_engine_needs_is_on_the_channel_before_the_place_is_taken(centre: SampleCentre):
    caller = await centre.dial_and_wait(hurry=1)
    known = {name: caller.variables[name] for name in (variables.JOINED, variables.QUEUE, variables.ATTRIBUTES)}
    assert known == {
        variables.JOINED: str(int(centre.clock.now * 1000)),
        variables.QUEUE: "sales",
        variables.ATTRIBUTES: "language=mandarin",
    }
    caller.hang_up()
    await centre.see_out(caller)


# ---- durable before volatile


async def test_tagged_and_durable_before_the_first_prompt(centre: SampleCentre):
    async with centre.stalled_disk():
        caller = await centre.dial(hurry=1)
        await caller.said("EXEC", "MSet")
        await asyncio.sleep(0.05)
        assert first_words(caller.commands) == ["EXEC MSet"]  # not even answered
        assert caller.variables == {
            variables.CALL_ID: caller.call_id,
            variables.SOURCE: "tv_spot",
            variables.CAMPAIGN: "autumn_laptops",
            "CDR(userfield)": "tv_spot",
        }
    await caller.said("STREAM", "FILE")
    assert centre.on_disk(caller.call_id)[0].kind == "call_started"
    caller.hang_up()
    await centre.see_out(caller)


async def test_the_agent_is_free_and_the_dialplan_told_only_when_the_outcome_is_durable(centre: SampleCentre):
    gate = asyncio.Event()
    await centre.staff("1001")
    caller = await centre.dial(phones=[held(gate)])
    await caller.said("EXEC", "Dial")
    await centre.settle()
    async with centre.stalled_disk():
        gate.set()
        await caller.said("GET", "FULL")
        await asyncio.sleep(0.05)
        assert not caller.next
        assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.TALKING)
    await caller.over()
    assert caller.next == "hangup"
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.WRAP_UP)


@pytest.mark.parametrize("keys", ["", "11"])
async def test_the_outcome_is_durable_before_the_dialplan_is_told(centre: SampleCentre, keys: str):
    """Of a caller who leaves, in the menu or in the queue."""
    caller = await centre.dial(keys, hurry=1)
    await caller.said(*(("WAIT", "FOR") if keys else ("GET", "DATA")))
    await centre.settle()
    async with centre.stalled_disk():
        caller.hang_up()
        await asyncio.sleep(0.05)
        assert not caller.next
    await caller.over()
    assert caller.next == "hangup"


# ---- every other way to end


async def test_gone_in_the_menu(centre: SampleCentre):
    caller = await centre.dial("", hurry=1)
    await caller.said("GET", "DATA")
    caller.hang_up()
    await centre.see_out(caller)
    assert await centre.story(caller) == [
        STARTED, "node welcome", "node language", "language mandarin", "outcome abandoned_ivr caller",
    ]  # fmt: skip


async def test_gone_in_the_queue(centre: SampleCentre):
    caller = await centre.dial_and_wait(hurry=1)
    await centre.pass_time(42)
    caller.hang_up()
    await centre.see_out(caller)
    assert await centre.story(caller) == [*IN_SALES, "outcome abandoned_queue caller"]
    assert (await centre.outcome(caller))["waited_s"] == 42


async def test_gone_while_it_rings(centre: SampleCentre):
    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial(phones=[caller_leaves]))
    assert await centre.story(caller) == [
        *IN_SALES, "offered 1001", "offer_missed 1001 withdrawn", "outcome abandoned_queue caller",
    ]  # fmt: skip
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.IDLE)
    assert not any(view.misses for view in await centre.router.agents())


@pytest.mark.parametrize("status", ["NOANSWER", "BUSY", "ANSWER", ""])
async def test_gone_while_it_rings_whatever_dial_says(centre: SampleCentre, status: str):
    """The caller left first: no agent is blamed for it."""

    async def both(caller: Caller, extension: str) -> None:
        caller.hang_up()
        caller.dialled(status, 0)

    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial(phones=[both]))
    assert (await centre.story(caller))[-2:] == ["offer_missed 1001 withdrawn", "outcome abandoned_queue caller"]
    assert not any(view.misses for view in await centre.router.agents())
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.IDLE)


async def test_gone_while_being_offered(centre: SampleCentre):
    """The channel has left, and at that moment an agent is found for it."""
    caller = await centre.dial_and_wait(hurry=1, answers={"WAIT FOR DIGIT": gone_then_free})
    await centre.see_out(caller)
    assert caller.rung == []
    assert centre.offers() == [(caller.call_id, "1001")]
    assert await centre.story(caller) == [*IN_SALES, "outcome abandoned_queue caller"]
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.IDLE)


async def gone_then_free(caller: Any, words: tuple[str, ...]) -> str:
    caller.hang_up()
    await caller.here.staff("1001")
    return "200 result=68"


async def test_nobody_comes(centre: SampleCentre):
    """The queue gives up, the flow goes on at its `then` and says so."""
    caller = await centre.dial_and_wait(hurry=1)
    await centre.pass_time(599)
    assert "queue_timeout" not in caller.played[-1]
    await centre.pass_time(1)
    await centre.see_out(caller)
    assert caller.played[-1] == "/prompts/mandarin/queue_timeout"
    assert await centre.story(caller) == [*IN_SALES, "node sorry", "node gave_up", "outcome timeout system"]
    assert (await centre.outcome(caller))["waited_s"] == 600


async def test_gone_while_we_are_sorry(centre: SampleCentre):
    """The queue had given up by then: that stays the outcome."""
    caller = await centre.dial_and_wait(hurry=1, prompt_s=5, answers={"STREAM FILE": gone_at_the_end})
    await centre.pass_time(600)
    await centre.see_out(caller)
    assert (await centre.story(caller))[-2:] == ["node sorry", "outcome timeout caller"]


async def gone_at_the_end(caller: Any, words: tuple[str, ...]) -> None:
    if words[2].endswith("queue_timeout"):
        caller.hang_up()


async def test_a_queue_that_leads_nowhere(centre: SampleCentre, monkeypatch: pytest.MonkeyPatch):
    flow = sample_site().flows["main"]
    nodes = {n: k.model_copy(update={"then": None}) if isinstance(k, QueueNode) else k for n, k in flow.nodes.items()}
    monkeypatch.setitem(sample_site().flows, "main", flow.model_copy(update={"nodes": nodes}))  # type: ignore[misc]
    caller = await centre.dial_and_wait(hurry=1)
    await centre.pass_time(600)
    await centre.see_out(caller)
    assert await centre.story(caller) == [*IN_SALES, "outcome timeout system"]


async def test_closed(centre: SampleCentre, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(centre.centre.world), "is_open", lambda self, line: False)
    caller = await centre.see_out(await centre.dial("2"))
    assert caller.played[-1] == "/prompts/english/closed"
    assert (await centre.story(caller))[-3:] == ["node closed_notice", "node refused", "outcome rejected system"]


async def test_more_than_the_menus_time(centre: SampleCentre):
    """A caller who types for ever is sent the default way."""
    caller = await centre.dial("", hurry=1, answers={"GET DATA": types_for_ever})
    await caller.said("WAIT", "FOR")
    assert centre.clock() - centre.on_disk(caller.call_id)[0].at <= 300
    assert caller.variables[variables.ATTRIBUTES] == ""
    caller.hang_up()
    await centre.see_out(caller)


async def types_for_ever(caller: Any, words: tuple[str, ...]) -> str:
    caller.here.clock.now += timedelta(minutes=5).total_seconds()
    return "200 result=9"


async def test_a_number_that_nobody_knows(centre: SampleCentre):
    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial(extension="4009999999"))
    assert (await centre.story(caller))[0] == "call_started 4009999999 unknown"
    assert (await centre.story(caller))[-1] == "outcome answered agent"
    assert caller.variables["CDR(userfield)"] == "unknown"
    assert caller.variables[variables.WHISPER].endswith("whisper_source_unknown")


async def test_an_odd_caller_is_served(centre: SampleCentre):
    await centre.staff("1001")
    caller = await centre.see_out(await centre.dial(number='+86${X}=cmd|,"1', name='a"b,c${SHELL(x)}\u202e=1\\'))
    start = centre.on_disk(caller.call_id)[0].fields
    assert (start["ani"], start["name"]) == ("+861", 'a"b,c${SHELL(x)}=1\\')
    assert (await centre.story(caller))[-1] == "outcome answered agent"


async def test_the_site_drains(centre: SampleCentre):
    """Who waits is told sorry, as if the queue had given up; who talks may finish."""
    gate = asyncio.Event()
    await centre.staff("1001")
    talker = await centre.dial(phones=[held(gate)])
    await talker.said("EXEC", "Dial")
    waits = await centre.dial_and_wait(hurry=1)
    centre.live.draining = True
    waits.press("D")  # as the engine's `drain` does
    await centre.see_out(waits)
    assert (await centre.story(waits))[-2:] == ["node gave_up", "outcome timeout system"]
    late = await centre.see_out(await centre.dial(hurry=0.001))
    assert (await centre.story(late))[-1] == "outcome timeout system"
    gate.set()
    await centre.see_out(talker)
    assert (await centre.story(talker))[-1] == "outcome answered agent"


# ---- offers that come to nothing


@pytest.mark.parametrize(
    ("phone", "why"),
    [
        (fails("NOANSWER"), "no_answer"),
        (fails("BUSY", 17), "rejected"),
        (fails("CONGESTION", 34), "rejected"),
        (fails("CHANUNAVAIL", 3), "unreachable"),
        (fails("", 0), "rejected"),
        (hangs_up_in_whisper(seen=False), "rejected"),
    ],
)
async def test_an_offer_is_missed(centre: SampleCentre, phone: Any, why: str):
    """The call waits again, in its old place, while that agent rests; the next one has it."""
    await centre.staff("1001")
    caller = await centre.dial(hurry=1, phones=[phone])
    await caller.said("WAIT", "FOR")
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.IDLE)
    await centre.pass_time(4)
    assert caller.rung == ["1001"]
    await centre.staff("1002")
    await centre.see_out(caller)
    assert await centre.story(caller) == [
        *IN_SALES, "offered 1001", f"offer_missed 1001 {why}", "offered 1002", "answered 1002",
        "leg", "outcome answered agent",
    ]  # fmt: skip
    assert (await centre.outcome(caller))["waited_s"] == 5  # from the beginning: its place was kept


async def test_two_refuse_and_the_third_takes_it(centre: SampleCentre):
    await centre.staff(*LAPTOP_MANDARIN)
    caller = await centre.see_out(await centre.dial(phones=[fails("NOANSWER"), fails("BUSY", 17)]))
    assert caller.rung == ["1001", "1002", "1006"]
    assert (await centre.story(caller))[8:] == [
        "offered 1001", "offer_missed 1001 no_answer", "offered 1002", "offer_missed 1002 rejected",
        "offered 1006", "answered 1006", "leg", "outcome answered agent",
    ]  # fmt: skip
    assert (await centre.outcome(caller))["agent"] == "1006"


async def test_hung_up_in_the_whisper_after_asterisk_told_of_the_answer(centre: SampleCentre):
    await centre.staff("1001")
    caller = await centre.dial(hurry=1, phones=[hangs_up_in_whisper(seen=True)])
    await caller.said("WAIT", "FOR")
    try:
        assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.IDLE)
        await centre.staff("1002")
        await until(lambda: caller.rung == ["1001", "1002"])
    finally:
        caller.hang_up()
        await caller.over()


async def test_an_offer_lapses_when_the_knock_goes_astray(centre: SampleCentre):
    caller = await centre.dial_and_wait(hurry=1)
    centre.deaf = True
    await centre.staff("1001")
    await centre.pass_time(1.5)  # two seconds and a half since the offer
    assert centre.offers() == [(caller.call_id, "1001")]
    assert caller.rung == []
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.IDLE)
    centre.deaf = False
    await centre.pass_time(1)
    await centre.see_out(caller)
    assert centre.offers() == [(caller.call_id, "1001")] * 2
    assert await centre.story(caller) == [*IN_SALES, "offered 1001", "answered 1001", "leg", "outcome answered agent"]


async def test_a_knock_that_comes_after_its_offer_has_lapsed(centre: SampleCentre):
    caller = await centre.dial_and_wait(hurry=1)
    centre.deaf = True
    await centre.staff("1001")
    await centre.pass_time(1.5)  # two seconds and a half since the offer
    caller.press("D")
    await centre.settle()
    assert caller.rung == []
    caller.hang_up()
    await centre.see_out(caller)


async def test_a_d_and_other_keys_of_the_callers_own(centre: SampleCentre):
    """In the menus and in the queue they change nothing."""
    caller = await centre.dial_and_wait("D11", hurry=1)
    for key in "D1#DD9":
        caller.press(key)
        await centre.settle()
    assert first_words(caller.commands)[-1] == "WAIT FOR"
    assert await centre.story(caller) == IN_SALES
    await centre.staff("1001")
    await centre.see_out(caller)
    assert caller.rung == ["1001"]


async def test_three_callers_are_served_in_the_order_they_came(centre: SampleCentre):
    callers = []
    for _ in range(3):
        callers.append(await centre.dial_and_wait(hurry=1))
        centre.clock.now += 1
    await centre.staff("1001")
    for caller in callers:
        await caller.over()
        await centre.pass_time(10)
    assert centre.offers() == [(caller.call_id, "1001") for caller in callers]


# ---- hang-up and cut between any two commands

MOMENTS = [(n, during) for n in range(len(HAPPY) + 1) for during in (False, True) if n or not during]


@pytest.mark.parametrize(("n", "during"), MOMENTS)
async def test_gone_at_any_moment(centre: SampleCentre, n: int, during: bool):
    caller = await happy_call(centre, moment=n, during=during)
    await caller.over()
    outcome = await centre.outcome(caller)
    assert caller.next == "hangup"
    assert outcome["outcome"] == expected(n, during)
    assert centre.agi.sessions == 0


def expected(n: int, during: bool) -> str:
    chosen, dialled = HAPPY.index("GET DATA") + 1 + during, HAPPY.index("EXEC Dial")
    return "abandoned_ivr" if n < chosen else "abandoned_queue" if n <= dialled else "answered"


def cut(caller: Caller) -> None:
    caller.cut()


@pytest.mark.parametrize(("n", "during"), MOMENTS)
@pytest.mark.parametrize("leaves", [False, True])
async def test_cut_off_at_any_moment(centre: SampleCentre, n: int, during: bool, leaves: bool):
    """No outcome and no NEXT, unless it was written already; and whatever the caller does then, one outcome."""
    caller = await happy_call(centre, moment=n, during=during, strike=Caller.cut)
    await caller.over()
    await centre.settle()
    written = n - during > HAPPY.index("GET FULL")
    assert bool(caller.next) == (n == len(HAPPY))
    if caller.call_id:
        assert len(await centre.outcomes(caller.call_id)) == written
    caller.hung_up = leaves
    if leaves and not caller.call_id:
        return  # it has never been accepted: the standalone script tells of it
    await centre.staff("1001")
    caller.press("11")
    back = await centre.see_out(caller)
    assert len(await centre.outcomes(back.call_id)) == 1


async def test_cut_off_before_it_is_tagged(centre: SampleCentre):
    """The channel does not know its id, so it comes as a new call; of the first try nothing must be left open."""
    caller = await happy_call(centre, moment=0, strike=Caller.cut)
    await caller.over()
    await centre.settle()
    await centre.staff("1001")
    caller.press("11")
    back = await centre.see_out(caller)
    assert len(await centre.outcomes(back.call_id)) == 1
    assert await centre.journal.open_calls() == []


# ---- the engine stops


@pytest.mark.parametrize("where", ["menu", "queue", "ringing"])
@pytest.mark.parametrize("closing", [True, False])
async def test_the_engine_stops(centre: SampleCentre, where: str, closing: bool):
    """With the whole site, each call has its outcome now; alone, the calls are left to the dialplan."""
    if where == "ringing":
        await centre.staff("1001")
    caller = await centre.dial("" if where == "menu" else "11", hurry=1, phones=[held(asyncio.Event())])
    await caller.said(*{"menu": ("GET", "DATA"), "queue": ("WAIT", "FOR"), "ringing": ("EXEC", "Dial")}[where])
    await centre.settle()
    centre.live.closing = closing
    await centre.agi.stop(0)
    outcomes = await centre.outcomes(caller.call_id)
    assert [(o["outcome"], o["hangup_by"]) for o in outcomes] == [("system_failure", "system")] * closing
    assert not caller.next


async def test_a_call_that_ends_in_the_grace_keeps_its_own_outcome(centre: SampleCentre):
    gate = asyncio.Event()
    await centre.staff("1001")
    caller = await centre.dial(phones=[held(gate)])
    await caller.said("EXEC", "Dial")
    centre.live.closing = True
    stop = asyncio.create_task(centre.agi.stop(5))
    gate.set()
    await stop
    await caller.over()
    assert (await centre.outcome(caller))["outcome"] == "answered"
    assert caller.next == "hangup"
