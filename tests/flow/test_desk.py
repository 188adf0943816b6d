"""The agent's desk by keypad, with everything real but Asterisk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from acd.model import Engagement, Presence
from agi_scripts.endpoint import calling_extension
from ivr.spoken import Spoken
from tests.flow.centre import Caller, SampleCentre, first_words, open_centre, sample_site

PIN = sample_site().agents["1001"].pin
WRONG = f"{(int(PIN) + 1) % 10**6:06d}"
PHONE = "PJSIP/1001-0000002a"


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[SampleCentre]:
    async with AsyncExitStack() as ends:
        centre = await ends.enter_async_context(open_centre(tmp_path))
        yield centre
        told = " ".join(line.getMessage() for line in centre.lines)
        assert PIN not in told
        assert WRONG not in told


async def at_desk(centre: SampleCentre, code: str, keys: str = "", channel: str = PHONE) -> Caller:
    """One call to ``*code``, to its end. What is typed is typed ahead."""
    caller = await centre.dial(keys, route="desk", args=[code], channel=channel)
    await caller.over()
    assert caller.next == "desk_done"
    assert caller.commands[0] == ("ANSWER",)
    return caller


def said(caller: Caller) -> list[str]:
    return [file.removeprefix("/prompts/mandarin/") for file in caller.played]


async def presence(centre: SampleCentre, extension: str = "1001") -> Presence:
    return (await centre.agent(extension))[0]


async def test_the_right_pin(centre: SampleCentre):
    caller = await at_desk(centre, "31", f"{PIN}#")
    assert said(caller) == ["desk_pin", "desk_logged_in"]
    assert await presence(centre) is Presence.AVAILABLE
    assert await presence(centre, "1002") is Presence.LOGGED_OUT
    assert centre.book.entries == {"1001": (Presence.AVAILABLE, "")}


async def test_a_pin_needs_no_hash(centre: SampleCentre):
    assert said(await at_desk(centre, "31", PIN))[-1] == "desk_logged_in"


async def test_logged_in_already(centre: SampleCentre):
    await at_desk(centre, "31", f"{PIN}#")
    assert said(await at_desk(centre, "31", f"{PIN}#")) == ["desk_pin", "desk_already"]


ENTRIES = {
    "wrong": WRONG,
    "nothing": "",
    "short": PIN[:-1],
    "long": PIN + "0",
    "another's": sample_site().agents["1002"].pin,
}


@pytest.mark.parametrize("entry", ENTRIES)  # by name: PINs are drawn anew in each test process
async def test_three_tries(centre: SampleCentre, entry: str):
    caller = await at_desk(centre, "31", f"{ENTRIES[entry]}#" * 3 + f"{PIN}#")
    assert said(caller) == ["desk_pin", "desk_wrong_pin", "desk_wrong_pin", "desk_refused"]
    assert await presence(centre) is Presence.LOGGED_OUT


async def test_the_second_try(centre: SampleCentre):
    assert said(await at_desk(centre, "31", f"{WRONG}#{PIN}#"))[-1] == "desk_logged_in"


async def test_an_agent_who_says_nothing(centre: SampleCentre):
    assert said(await at_desk(centre, "31")) == ["desk_pin", "desk_wrong_pin", "desk_wrong_pin", "desk_refused"]
    assert said(await at_desk(centre, "31"))[-1] == "desk_refused"  # silence is no guess: nothing is locked
    assert said(await at_desk(centre, "31", f"{PIN}#"))[-1] == "desk_logged_in"


async def test_five_wrong_pins_lock_the_account_whoever_tries(centre: SampleCentre):
    await at_desk(centre, "31", f"{WRONG}#" * 3)
    caller = await at_desk(centre, "31", f"{WRONG}#{WRONG}#{PIN}#", channel="PJSIP/1001-000000ff")
    assert said(caller) == ["desk_pin", "desk_wrong_pin", "desk_wrong_pin", "desk_locked"]
    assert said(await at_desk(centre, "31", f"{PIN}#")) == ["desk_pin", "desk_locked"]
    assert await presence(centre) is Presence.LOGGED_OUT
    other = sample_site().agents["1002"].pin
    assert said(await at_desk(centre, "31", f"{other}#", "PJSIP/1002-00000001"))[-1] == "desk_logged_in"


async def test_the_lock_ends_with_its_time(centre: SampleCentre):
    for _ in range(2):
        await at_desk(centre, "31", f"{WRONG}#" * 3)
    await centre.pass_time(899)
    assert said(await at_desk(centre, "31", f"{PIN}#"))[-1] == "desk_locked"
    await centre.pass_time(1)
    assert said(await at_desk(centre, "31", f"{PIN}#"))[-1] == "desk_logged_in"


async def test_the_right_pin_forgives_the_wrong_ones(centre: SampleCentre):
    for _ in range(3):
        assert said(await at_desk(centre, "31", f"{WRONG}#{WRONG}#{PIN}#"))[-1] in ("desk_logged_in", "desk_already")


@pytest.mark.parametrize(
    ("channel", "extension"),
    [
        ("PJSIP/1001-0000002a", "1001"),
        ("PJSIP/carrier-0000002a", "carrier"),
        ("PJSIP/carrier-1001-0000002a", "carrier-1001"),
        ("PJSIP/1001", ""),
        ("Local/1001@from-phones-0000002a;1", ""),
        ("PJSIP/1001-0000002a;2", ""),
        ("xPJSIP/1001-0000002a", ""),
    ],
)
def test_who_calls_is_the_endpoint(channel: str, extension: str):
    assert calling_extension(channel) == extension


@pytest.mark.parametrize(
    "channel", ["PJSIP/carrier-0000002a", "PJSIP/2001-0000002a", "PJSIP/9999-0000002a", "Local/1001@x-0000002a;1"]
)
@pytest.mark.parametrize("code", ["31", "32", "331", "34"])
async def test_a_stranger_is_refused(centre: SampleCentre, channel: str, code: str):
    """A trunk, a phone that is no agent's, an unknown one; whatever number they say they are."""
    await centre.staff("1001")
    caller = await centre.dial(f"{PIN}#", route="desk", args=[code], channel=channel, number="1001")
    await caller.over()
    assert said(caller) == ["desk_refused"]
    assert {view.presence for view in await centre.router.agents()} == {Presence.AVAILABLE, Presence.LOGGED_OUT}
    assert await presence(centre) is Presence.AVAILABLE


@pytest.mark.parametrize("code", ["", "3", "48", "45", "99"])
async def test_an_unknown_code_is_refused(centre: SampleCentre, code: str):
    assert said(await at_desk(centre, code)) == ["desk_refused"]


async def test_log_out(centre: SampleCentre):
    await centre.staff("1001")
    assert said(await at_desk(centre, "32")) == ["desk_logged_out"]
    assert await presence(centre) is Presence.LOGGED_OUT
    assert said(await at_desk(centre, "32")) == ["desk_already"]


async def test_pause_with_its_reason_and_back(centre: SampleCentre):
    await centre.staff("1001")
    assert said(await at_desk(centre, "337")) == ["desk_paused"]
    assert centre.book.entries["1001"] == (Presence.PAUSED, "7")
    assert said(await at_desk(centre, "332")) == ["desk_paused"]
    assert centre.book.entries["1001"] == (Presence.PAUSED, "2")
    waits = await centre.dial_and_wait(hurry=1)
    assert centre.offers() == []
    assert said(await at_desk(centre, "34")) == ["desk_ready"]
    await centre.see_out(waits)
    assert waits.rung == ["1001"]
    assert centre.book.entries["1001"] == (Presence.AVAILABLE, "")


async def test_pause_without_a_reason(centre: SampleCentre):
    await centre.staff("1001")
    assert said(await at_desk(centre, "33")) == ["desk_paused"]
    assert centre.book.entries["1001"] == (Presence.PAUSED, "0")


async def test_pause_of_who_is_not_here(centre: SampleCentre):
    assert said(await at_desk(centre, "331")) == ["desk_refused"]


async def test_ready_ends_the_wrap_up(centre: SampleCentre):
    await centre.staff("1001")
    await centre.see_out(await centre.dial())
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.WRAP_UP)
    assert said(await at_desk(centre, "34")) == ["desk_ready"]
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.IDLE)
    assert said(await at_desk(centre, "34")) == ["desk_already"]


async def test_in_and_out_by_one_code(centre: SampleCentre):
    assert said(await at_desk(centre, "30", f"{PIN}#")) == ["desk_pin", "desk_logged_in"]
    assert said(await at_desk(centre, "30")) == ["desk_logged_out"]
    assert await presence(centre) is Presence.LOGGED_OUT
    assert said(await at_desk(centre, "30", f"{WRONG}#{WRONG}#{WRONG}#"))[-1] == "desk_refused"
    assert await presence(centre) is Presence.LOGGED_OUT


def speaking(centre: SampleCentre) -> None:
    async def utter(value: Spoken, language: str) -> str:
        return f"/prompts/{language}/{value.text}"

    centre.centre = replace(centre.centre, utter=utter)


async def test_how_do_i_stand(centre: SampleCentre):
    speaking(centre)
    assert said(await at_desk(centre, "35"))[0] == "desk_are_out"
    await centre.staff("1001")
    queue = ["whisper_queue_sales"] if "whisper_queue_sales" in centre.site.prompts else []
    nobody = [*queue, "desk_callers_waiting", "0", "desk_that_is_all"]
    assert said(await at_desk(centre, "35")) == ["desk_are_ready", *nobody]
    await centre.see_out(await centre.dial())
    centre.clock.now += 4
    assert said(await at_desk(centre, "35")) == ["desk_are_ready", "desk_wrap_up_for", "6", *nobody]
    centre.clock.now += 6
    await centre.router.tick()
    await at_desk(centre, "331")
    first = await centre.dial_and_wait(hurry=1)
    centre.clock.now += 75
    told = said(await at_desk(centre, "35"))
    waits = [*queue, "desk_callers_waiting", "1", "desk_longest_wait", "75", "desk_that_is_all"]
    assert told == ["desk_are_paused", *waits]
    first.hang_up()
    await centre.see_out(first)


async def test_a_longer_wrap_up(centre: SampleCentre):
    speaking(centre)
    await centre.staff("1001")
    assert said(await at_desk(centre, "39")) == ["desk_already"]
    await centre.see_out(await centre.dial())
    assert said(await at_desk(centre, "39")) == ["desk_wrap_up_for", "70", "desk_that_is_all"]
    centre.clock.now += 69
    await centre.router.tick()
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.WRAP_UP)
    centre.clock.now += 1
    await centre.router.tick()
    assert await centre.agent("1001") == (Presence.AVAILABLE, Engagement.IDLE)


async def test_a_key_ends_the_report(centre: SampleCentre):
    speaking(centre)
    await centre.staff("1001")
    assert said(await at_desk(centre, "35", "5")) == ["desk_are_ready"]


async def test_the_desk_speaks_the_agents_language(centre: SampleCentre):
    own = {**centre.centre.credentials, "1001": replace(centre.centre.credentials["1001"], language="english")}
    centre.centre = replace(centre.centre, credentials=own)
    assert (await at_desk(centre, "31", f"{PIN}#")).played == [
        "/prompts/english/desk_pin",
        "/prompts/english/desk_logged_in",
    ]
    assert (await at_desk(centre, "32", channel="PJSIP/1002-0000002b")).played == ["/prompts/mandarin/desk_already"]


@pytest.mark.parametrize("during", [True, False])
@pytest.mark.parametrize("cut", [True, False])
async def test_gone_while_asked_for_the_pin(centre: SampleCentre, cut: bool, during: bool):
    """With the right digits typed and no hash: nothing happens."""
    strike = Caller.cut if cut else Caller.hang_up
    more = {"moment": 2, "during": True} if during else {"moment": 1}
    caller = await centre.dial(PIN[:4], hurry=1, route="desk", args=["31"], channel=PHONE, strike=strike, **more)
    await caller.over()
    assert "desk_logged_in" not in said(caller)
    assert len(said(caller)) <= 1
    assert await presence(centre) is Presence.LOGGED_OUT
    assert caller.next == ("" if cut else "desk_done")
    assert centre.centre.pin_lock._wrong == {}


async def test_the_words_come_in_order(centre: SampleCentre):
    caller = await at_desk(centre, "31", f"{PIN}#")
    assert first_words(caller.commands)[0] == "ANSWER"
    assert first_words(caller.commands)[-1] == "EXEC MSet"
