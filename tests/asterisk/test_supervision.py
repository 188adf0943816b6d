"""`hotline up` from outside: stopped gently, stopped at once, killed, run twice, run on bad files; and the doctor."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from hotline.asterisk_files import AsteriskPlace
from hotline.site.init import init_site
from tests.asterisk.failing import (
    AGENT,
    agent_phone,
    asterisk_of,
    calling,
    cli,
    end_marked,
    engine_of,
    gone,
    hang_up,
    hears,
    make_quick,
    outcomes,
    park,
    quick_site,
    rang,
    serve_next,
    until_another,
    until_waiting,
)
from tests.sip.live_site import LiveSite

TALKS, WAITS, LATE = (f"1380013820{n}" for n in range(3))


async def test_a_stop_lets_the_talk_end_and_a_second_one_does_not(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    async with quick_site(short_folder / "site", place, tmp_path, sounds) as live:
        async with park(live, tmp_path) as phones, AsyncExitStack() as calls:
            agent = await agent_phone(live, phones)
            talks = await calls.enter_async_context(calling(live, TALKS))
            await agent.wait("confirmed")
            processes = [engine_of(live), asterisk_of(live), psutil.Process(live.up_pid)]
            os.kill(live.up_pid, signal.SIGTERM)
            await asyncio.sleep(1.5)
            late = await calls.enter_async_context(live.caller("4008001001", ani=LATE))
            await late.ended()
            assert late.only.ended == "refused"
            await hears(talks)
            assert not talks.only.ended
            await agent.hang_up(agent.events[-1].call)
            await talks.ended()
            await live.stop()  # it has been told already: this waits, and wants exit code 0
            await gone(*processes)
        rows = await outcomes(live, 1)
        assert rows[TALKS]["outcome"] == "answered"

        await live.start()
        async with park(live, tmp_path) as phones, AsyncExitStack() as calls:
            agent = await agent_phone(live, phones)
            talks = await calls.enter_async_context(calling(live, WAITS))
            await agent.wait("confirmed")
            await asyncio.sleep(1.5)
            processes = [engine_of(live), asterisk_of(live), psutil.Process(live.up_pid)]
            os.kill(live.up_pid, signal.SIGTERM)
            await asyncio.sleep(0.5)
            assert not talks.only.ended
            os.kill(live.up_pid, signal.SIGTERM)
            await gone(*processes, timeout_s=4)
            await live.stop()
            await agent.wait("disconnected")
        rows = await outcomes(live, 2)
        assert rows[WAITS]["outcome"] == "answered"
        assert rows[WAITS]["agent"] == AGENT


async def test_the_next_up_adopts_what_a_killed_one_left(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    """The Asterisk with its talk stays; the engine is replaced, and who was waiting comes back."""
    async with quick_site(short_folder / "site", place, tmp_path, sounds) as live, park(live, tmp_path) as phones:
        agent = await agent_phone(live, phones)
        async with calling(live, TALKS) as talks, calling(live, WAITS) as waits:
            await agent.wait("confirmed")
            await until_waiting(live, 1)
            engine, asterisk = engine_of(live), asterisk_of(live)
            os.kill(live.up_pid, signal.SIGKILL)
            await asyncio.sleep(0.3)
            await hears(talks)
            await live.start()
            await until_another(live, "engine", engine)
            await gone(engine)
            assert asterisk.is_running()
            await until_waiting(live, 1)
            for caller in (talks, waits):
                await hears(caller)
                assert not caller.only.ended
            await agent.hang_up(agent.events[-1].call)
            await serve_next(agent, 1.5)
        assert rang(agent) == [TALKS, WAITS]
        rows = await outcomes(live, 2)
        assert {(row["outcome"], row["agent"]) for row in rows.values()} == {("answered", AGENT)}
        assert "adopted" in live.up_log.read_text("utf-8")
    await gone(asterisk)


async def test_two_sites_run_side_by_side(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    async with AsyncExitStack() as both:
        sites: list[LiveSite] = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            site = quick_site(short_folder / name, place, tmp_path / name, sounds)
            sites.append(await both.enter_async_context(site))
        for ani, live in zip((TALKS, WAITS), sites, strict=True):
            phones = await both.enter_async_context(park(live, tmp_path / live.folders.site.name))
            agent = await agent_phone(live, phones)
            caller = await both.enter_async_context(calling(live, ani))
            await agent.wait("confirmed")
            await hears(caller)
        await asyncio.sleep(1.5)
        for ani, live in zip((TALKS, WAITS), sites, strict=True):
            assert cli("up", "--site", str(live.folders.site)).returncode == 1  # a site runs once
            await live.asterisk("channel request hangup all")
            rows = await outcomes(live, 1)
            assert rows[ani]["outcome"] == "answered"


@pytest.mark.parametrize(("name", "kind"), [("sip", socket.SOCK_DGRAM), ("agi", socket.SOCK_STREAM)])
async def test_a_taken_port_is_told_and_nothing_is_started(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path, name: str, kind: socket.SocketKind
) -> None:
    live = LiveSite(short_folder / "site", place, tmp_path, sounds)
    try:
        await make_quick(live, (), lambda site: None)
        with socket.socket(socket.AF_INET, kind) as other:
            other.bind((live.site.bind, 0))
            if kind is socket.SOCK_STREAM:
                other.listen()
            port = other.getsockname()[1]
            live.edit("site.yaml", lambda site: site["ports"].update({name: port}))
            ended = await asyncio.to_thread(cli, "up", "--site", str(live.folders.site))
        said = ended.stdout + ended.stderr
        assert ended.returncode == 1, said
        assert f"port {port} on 127.0.0.1 is taken" in said
        assert f"ports.{name} in site.yaml" in said
        assert "Traceback" not in said
        assert not list(live.folders.run.glob("*.mark"))
    finally:
        end_marked(live)


@pytest.mark.parametrize(
    ("file", "line", "key"),
    [
        ("site.yaml", "nonsense: true", "nonsense"),
        ("queues.yaml", "sales: {}", "sales"),
        ("agents.yaml", "'1001': {name: [unclosed", "not YAML"),
    ],
)
def test_a_broken_site_is_told_by_file_line_and_key(tmp_path: Path, file: str, line: str, key: str) -> None:
    folder = tmp_path / "site"
    init_site(folder)
    text = (folder / file).read_text("utf-8")
    (folder / file).write_text(f"{text}{line}\n", "utf-8")
    ended = cli("up", "--site", str(folder))
    said = ended.stdout + ended.stderr
    assert ended.returncode == 78, said  # sysexits: the site cannot be used
    last = len(text.splitlines())  # of the good file; what is not closed ends below the bad line
    assert any(f"{file}:{number}: " in said for number in (last + 1, last + 2)), said
    assert key in said
    assert "Traceback" not in said
    assert not list((folder / "run").glob("*.mark"))


async def test_status_and_doctor_of_a_live_site(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    async with quick_site(short_folder / "site", place, tmp_path, sounds) as live, park(live, tmp_path) as phones:
        agent = await agent_phone(live, phones)
        async with calling(live, TALKS) as talks:
            await agent.wait("confirmed")
            site = ("--site", str(live.folders.site))
            status = cli("status", "--json", *site)
            assert status.returncode == 0, status.stderr
            told = json.loads(status.stdout)
            assert (told["asterisk"], told["calls"]) == ("up", 1)
            healthy = await _doctor(live)
            assert healthy[0] == 0
            warned = [what for level, what in healthy[1] if level != "OK"]
            assert all("runs as root" in what or "DNS resolver" in what for what in warned), warned

            (live.folders.site / "agents.yaml").chmod(0o644)
            assert await _failures(live) == [f"{live.folders.site / 'agents.yaml'} has mode 644"]
            (live.folders.site / "agents.yaml").chmod(0o600)

            pjsip = live.folders.asterisk / "pjsip.conf"
            good = pjsip.read_text("utf-8")
            assert "auth = 1002\n" in good
            pjsip.write_text(good.replace("auth = 1002\n", ""), "utf-8")
            assert await _failures(live) == ["endpoint 1002 asks for no secret"]  # what would be loaded next
            await live.asterisk("module reload res_pjsip.so")
            pjsip.write_text(good, "utf-8")
            assert await _failures(live) == ["endpoint 1002 asks for no secret"]  # what is loaded now
            await hang_up(talks)
        await outcomes(live, 1)


async def _doctor(live: LiveSite) -> tuple[int, list[tuple[str, str]]]:
    ended = await asyncio.to_thread(cli, "doctor", "--json", "--site", str(live.folders.site))
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    return ended.returncode, [(finding["level"], finding["what"]) for finding in found]


async def _failures(live: LiveSite) -> list[str]:
    """What fails, up to the colon; the exit code says so too."""
    code, found = await _doctor(live)
    failed = [what.split(":")[0] for level, what in found if level == "FAIL"]
    assert code == (1 if failed else 0)
    return failed
