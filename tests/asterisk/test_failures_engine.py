"""The engine dies, hangs, or stays away: no caller is lost, none loses the place, and each has one outcome."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hotline.asterisk_files import AsteriskPlace
from hotline.sip.callers import CallPlan
from tests.asterisk.failing import (
    AGENT,
    INTO_MENU,
    NEWSPAPER,
    TV,
    WEB,
    agent_phone,
    calling,
    engine_away,
    engine_of,
    gone,
    hang_up,
    hears,
    kill_9,
    level_of,
    outcomes,
    park,
    quick_site,
    rang,
    serve_next,
    spooled,
    talk_of,
    until,
    until_node,
    until_waiting,
)

TALKS, FIRST, SECOND, THIRD, IN_MENU, NEW = (f"1380013800{n}" for n in range(6))
OTHER_AGENT = "1001"  # also the whole of the static group
NO_KEYS = CallPlan()


async def test_a_killed_engine_comes_back_and_every_call_goes_on(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    """kill -9 with one talking, three waiting, one in a menu. The order of service is the phone's own log."""
    async with quick_site(short_folder / "site", place, tmp_path, sounds) as live, park(live, tmp_path) as phones:
        agent = await agent_phone(live, phones)
        async with AsyncExitStack() as calls:
            talks = await calls.enter_async_context(calling(live, TALKS))
            talking = await agent.wait("confirmed")
            waiting = []
            for count, ani in enumerate((FIRST, SECOND, THIRD), 1):
                waiting.append(await calls.enter_async_context(calling(live, ani)))
                await until_waiting(live, count)
            in_menu = await calls.enter_async_context(calling(live, IN_MENU, INTO_MENU))
            await until_node(live, IN_MENU, "topic")

            await kill_9(engine_of(live))
            await hears(talks)
            await live.until_up()
            await until_waiting(live, 3)
            for caller in (talks, *waiting, in_menu):
                await hears(caller)
                assert not caller.only.ended
            await in_menu.only.press("1")
            await until_waiting(live, 4)

            await agent.hang_up(talking.call)
            served = [await serve_next(agent, 1.5) for _ in range(4)]
            for caller in (talks, *waiting, in_menu):
                await caller.ended()

        assert rang(agent) == [TALKS, FIRST, SECOND, THIRD, IN_MENU]
        rows = await outcomes(live, 5)
        assert {(row["outcome"], row["agent"], row["hangup_by"]) for row in rows.values()} == {
            ("answered", AGENT, "agent")
        }
        # The phone counts from its pick-up, we from the end of the whisper, which is as long for each of them.
        talks_of = zip((TALKS, FIRST, SECOND), (talking, *served), strict=False)
        whispers = [talk_of(agent, call.call) - rows[ani]["talked_s"] for ani, call in talks_of]
        assert max(whispers) - min(whispers) < 0.5, whispers
        assert rows[IN_MENU]["language"] == "english"


async def test_calls_that_end_while_the_engine_is_away_are_recorded(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    """Each in another state; the standalone script tells, and the next engine takes it in."""
    async with (
        quick_site(short_folder / "site", place, tmp_path, sounds, agents=(AGENT, OTHER_AGENT)) as live,
        park(live, tmp_path) as phones,
    ):
        agent = await agent_phone(live, phones)
        async with AsyncExitStack() as calls:
            talks = await calls.enter_async_context(calling(live, TALKS))
            talking = await agent.wait("confirmed")
            other = await agent_phone(live, phones, OTHER_AGENT, answer="manual")
            rings = await calls.enter_async_context(calling(live, FIRST))
            ringing = await other.wait("incoming")
            waits = await calls.enter_async_context(calling(live, SECOND))
            await until_waiting(live, 1)
            in_menu = await calls.enter_async_context(calling(live, IN_MENU, INTO_MENU))
            await until_node(live, IN_MENU, "topic")

            async with engine_away(live):
                await other.answer(ringing.call)  # Asterisk's Dial goes on without us
                await other.wait("confirmed")
                for caller in (talks, waits, in_menu):
                    await hang_up(caller)
                await agent.wait("disconnected")
                stranger = await calls.enter_async_context(calling(live, NEW, NO_KEYS, NEWSPAPER))
                await hears(stranger)
                await hang_up(stranger)
                await asyncio.sleep(1)
                await other.hang_up(ringing.call)
                await rings.ended()
                await until(lambda: len(spooled(live)) == 5, 3, "five records in the spool")

        rows = await outcomes(live, 5)
        assert {ani: (row["outcome"], row["agent"], row["hangup_by"]) for ani, row in rows.items()} == {
            TALKS: ("answered", AGENT, "caller"),
            FIRST: ("answered", OTHER_AGENT, "agent"),
            SECOND: ("abandoned_queue", "", "caller"),
            IN_MENU: ("abandoned_ivr", "", "caller"),
            NEW: ("abandoned_ivr", "", "caller"),
        }
        assert {ani: row["media_source"] for ani, row in rows.items()} == dict.fromkeys(rows, "tv_spot") | {
            NEW: "newspaper"
        }
        whispers = [
            talk_of(agent, talking.call) - rows[TALKS]["talked_s"],
            talk_of(other, ringing.call) - rows[FIRST]["talked_s"],
        ]
        assert max(whispers) - min(whispers) < 0.5, whispers
        await until(lambda: not spooled(live), 3, "an empty spool")


async def test_while_the_engine_stays_away_callers_reach_the_group_or_voicemail(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    def few_knocks(site: Any) -> None:
        site["fail_open"]["knocks"] = 2

    async with (
        quick_site(short_folder / "site", place, tmp_path, sounds, change=few_knocks) as live,
        park(live, tmp_path) as phones,
    ):
        group = await phones.add_phone(OTHER_AGENT, live.site.agents[OTHER_AGENT].sip_secret, tone_hz=440, ring_s=1.0)
        softphone = await phones.add_phone("2001", live.site.phones["2001"].sip_secret, tone_hz=440)
        async with AsyncExitStack() as calls:
            waits = await calls.enter_async_context(calling(live, FIRST))
            await until_waiting(live, 1)
            async with engine_away(live):
                await hears(waits)  # the music between two knocks
                await group.wait("incoming")
                await hears(waits, 1)  # and while the group rings
                await group.wait("confirmed")
                new = await calls.enter_async_context(calling(live, NEW, NO_KEYS, NEWSPAPER))
                await hears(new)
                await asyncio.sleep(1.5)
                await group.hang_up(group.events[-1].call)
                await waits.ended()
                await serve_next(group, 1.5)
                await new.ended()
                await group.unregister()

                message = await softphone.dial(WEB)
                await softphone.wait("confirmed")
                await until(lambda: bool(list(live.folders.voicemail.glob("*.wav"))), 10, "a voicemail file")
                await asyncio.sleep(2.5)
                await softphone.hang_up(message)
                await until(lambda: len(spooled(live)) == 6, 3, "a start and an end of each in the spool")

        assert rang(group) == [FIRST, NEW]
        rows = await outcomes(live, 3)
        told = ("media_source", "outcome", "agent")
        assert {ani: tuple(row[key] for key in told) for ani, row in rows.items()} == {
            FIRST: ("tv_spot", "answered", OTHER_AGENT),
            NEW: ("newspaper", "answered", OTHER_AGENT),
            "2001": ("web_search", "voicemail", ""),
        }
        assert rows[FIRST]["queue"] == "sales"
        (file,) = live.folders.voicemail.glob("*.wav")
        seconds, level = level_of(file)
        assert seconds > 2
        assert level > -30


async def test_an_engine_that_hangs_is_killed_and_its_calls_go_on(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    """SIGSTOP: its ports are open and it answers nothing, which no knock can tell from a slow engine."""
    async with quick_site(short_folder / "site", place, tmp_path, sounds) as live, park(live, tmp_path) as phones:
        agent = await agent_phone(live, phones)
        async with AsyncExitStack() as calls:
            talks = await calls.enter_async_context(calling(live, TALKS))
            await agent.wait("confirmed")
            waits = await calls.enter_async_context(calling(live, FIRST))
            await until_waiting(live, 1)
            hung = engine_of(live)
            os.kill(hung.pid, signal.SIGSTOP)
            new = await calls.enter_async_context(live.caller(TV, ani=NEW))
            await gone(hung, timeout_s=20)
            await hears(talks)
            await hears(waits)
            await live.until_up()
            await until_node(live, NEW, "welcome")
            await new.only.press("2")
            await until_node(live, NEW, "topic")
            await new.only.press("1")
            await until_waiting(live, 2)
            await agent.hang_up(agent.events[-1].call)
            for _ in range(2):
                await serve_next(agent, 1.2)
        assert rang(agent) == [TALKS, FIRST, NEW]
        rows = await outcomes(live, 3)
        assert {(row["outcome"], row["agent"]) for row in rows.values()} == {("answered", AGENT)}
