"""Asterisk dies with calls in every state; and strangers knock at the engine's door while a call goes on."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path

from hotline.asterisk_files import AsteriskPlace
from hotline.boot import BootSecrets
from hotline.supervisor import SECRETS
from tests.asterisk.failing import (
    AGENT,
    INTO_MENU,
    agent_phone,
    asterisk_of,
    calling,
    engine_of,
    hears,
    kill_9,
    outcomes,
    park,
    quick_site,
    rang,
    serve_next,
    until_agent,
    until_another,
    until_node,
    until_waiting,
)

TALKS, RINGS, WAITS, IN_MENU, NEW = (f"1380013810{n}" for n in range(5))
OTHER_AGENT = "1001"


async def test_a_killed_asterisk_comes_back_and_no_call_is_forgotten(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    """One talks, one rings, one waits, one is in a menu. All are lost, each is told of once, and work goes on."""
    async with (
        quick_site(short_folder / "site", place, tmp_path, sounds, agents=(AGENT, OTHER_AGENT)) as live,
        park(live, tmp_path) as phones,
    ):
        agent = await agent_phone(live, phones)
        async with AsyncExitStack() as calls:
            await calls.enter_async_context(calling(live, TALKS))
            talking = await agent.wait("confirmed")
            other = await agent_phone(live, phones, OTHER_AGENT, answer="manual")
            await calls.enter_async_context(calling(live, RINGS))
            await other.wait("incoming")
            await calls.enter_async_context(calling(live, WAITS))
            await until_waiting(live, 1)
            await calls.enter_async_context(calling(live, IN_MENU, INTO_MENU))
            await until_node(live, IN_MENU, "topic")
            await asyncio.sleep(1.5)  # the whisper is over: they talk
            engine, dead = engine_of(live), asterisk_of(live)
            await kill_9(dead)
            await until_another(live, "asterisk", dead)
            lost = await outcomes(live, 4)
            assert {row["outcome"] for row in lost.values()} == {"pbx_lost"}, lost
            assert lost[TALKS]["agent"] == AGENT
            assert engine_of(live) == engine

        # The phones do not know it yet. An agent hangs up the dead line and is offered calls again.
        await agent.hang_up(talking.call)
        for extension in (AGENT, OTHER_AGENT):
            await until_agent(live, extension, presence="available", engagement="idle", phone="free")
        async with calling(live, NEW) as new:
            await phones.until(lambda: next((e for e in phones.events if NEW in e.caller), None), 10, "the new call")
            if rang(agent)[-1] != NEW:
                await other.answer(other.events[-1].call)
            taken = agent if rang(agent)[-1] == NEW else other
            await taken.wait("confirmed")
            await asyncio.sleep(1.5)
            await taken.hang_up(taken.events[-1].call)
            await new.ended()
        rows = await outcomes(live, 5)
        assert rows[NEW]["outcome"] == "answered"
        assert rows[NEW]["agent"] == taken.extension


async def test_garbage_at_the_agi_port_changes_nothing_for_a_call(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    """Another protocol, 2 MB without a line end, environments with a wrong secret or a flaw, and 60 silent sockets."""
    async with quick_site(short_folder / "site", place, tmp_path, sounds) as live, park(live, tmp_path) as phones:
        agent = await agent_phone(live, phones)
        async with calling(live, TALKS) as talks, calling(live, WAITS) as waits:
            await agent.wait("confirmed")
            await until_waiting(live, 1)
            door = (live.site.bind, live.site.ports.agi)
            secret = BootSecrets.read(live.folders.run / SECRETS).agi
            strangers = [
                b"GET / HTTP/1.1\r\nHost: hotline\r\n\r\n",
                b"\x00\xff" * 1_000_000,
                _environment("wrong-secret", "call"),
                _environment(secret, "nowhere"),
                b"agi_network: yes\nagi_network: no\n\n",
                _environment(secret, "call").replace(b"agi_channel", b"agi_kennel"),
            ]
            for said in await asyncio.gather(*(_stranger(door, words) for words in strangers)):
                assert said == b""
            silent = [socket.create_connection(door) for _ in range(60)]
            await hears(talks)
            await hears(waits)
            refused = (await live.ask("status"))["agi_refused"]
            assert sum(refused.values()) >= len(strangers), refused
            async with calling(live, NEW, INTO_MENU):
                await until_node(live, NEW, "topic")  # a caller gets in past those who only sit there
            for knocking in silent:
                knocking.close()
            await asyncio.sleep(0.5)
            await agent.hang_up(agent.events[-1].call)
            await serve_next(agent, 1.5)
        rows = await outcomes(live, 3)
        assert {ani: row["outcome"] for ani, row in rows.items()} == {
            TALKS: "answered",
            WAITS: "answered",
            NEW: "abandoned_ivr",
        }
        log = (live.folders.var / "log" / "engine.log").read_text("utf-8")
        assert secret not in log
        assert "wrong-secret" not in log


def _environment(secret: str, route: str) -> bytes:
    lines = (
        "agi_network: yes",
        f"agi_request: agi://127.0.0.1/{secret}/{route}",
        "agi_channel: PJSIP/carrier-0000ffff",
        "agi_uniqueid: 1.1",
    )
    return ("\n".join(lines) + "\n\n").encode()


async def _stranger(door: tuple[str, int], words: bytes) -> bytes:
    """What the engine says to somebody who says ``words``, until it closes the door: within 6 s, or TimeoutError."""
    reader, writer = await asyncio.open_connection(*door)
    try:
        async with asyncio.timeout(6):
            try:
                writer.write(words)
                await writer.drain()
                return await reader.read()
            except ConnectionError:
                return b""
    finally:
        writer.close()
