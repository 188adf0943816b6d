"""`hotline up` with small real children: order, restarts, hangs, the end, and what a killed supervisor leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.boot import BootSecrets
from hotline.supervision.child import Child, Command
from hotline.supervision.lock import AlreadyUp
from hotline.supervision.mark import read_mark
from hotline.supervision.ports import PortUse
from hotline.supervision.step import State, Step
from hotline.supervisor import Plan, Supervisor, Timing

FAKES = Path(__file__).resolve().parent.parent / "fakes" / "fake_children.py"
QUICK = Timing(grace_s=10, hang_s=1.2, freeze_s=1.0, watch_s=0.2, ready_s=15, end_s=5)


class Site:
    """A run folder with its plan, and what the supervisor said."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.steps: list[Step] = []
        self.rendered: list[BootSecrets] = []

    def command(self, name: str, *words: str) -> Command:
        return Command(name, words or self._fake(name), self.run / f"{name}.log", self.run / f"{name}.mark")

    def _fake(self, name: str) -> tuple[str, ...]:
        return (sys.executable, str(FAKES), name, str(self.run))

    def plan(self) -> Plan:
        async def render(secrets: BootSecrets) -> None:
            self.rendered.append(secrets)

        return Plan(
            run=self.run,
            bind="127.0.0.1",
            engine=self.command("engine"),
            engine_ports=(),
            render=render,
            asterisk=self.command("asterisk"),
            asterisk_ready=("test", "-e", str(self.run / "booted")),
            asterisk_quiesce=("touch", str(self.run / "quiesce")),
            timing=QUICK,
        )

    def supervisor(self, plan: Plan | None = None) -> Supervisor:
        return Supervisor(plan or self.plan(), self.steps.append)

    def diary(self) -> list[str]:
        file = self.run / "diary"
        return file.read_text().splitlines() if file.exists() else []

    def pid(self, name: str) -> int:
        mark = read_mark(self.run / f"{name}.mark")
        assert mark is not None, f"no living {name}"
        return mark.pid

    def said(self, state: State, text: str) -> bool:
        return any(step.state is state and text in step.text for step in self.steps)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    for name in ("engine", "asterisk"):
        mark = read_mark(tmp_path / f"{name}.mark")
        if mark is not None:
            mark.signal(signal.SIGKILL)


@asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncIterator[asyncio.Task[int]]:
    task = asyncio.create_task(supervisor.run())
    up = asyncio.create_task(supervisor.up.wait())
    await asyncio.wait({task, up}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    up.cancel()
    try:
        yield task
    finally:
        supervisor.stop()
        await asyncio.wait_for(task, 20)


async def until(true: Callable[[], bool], within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 (the world outside has no events)
            await asyncio.sleep(0.02)


async def test_the_engine_is_up_before_asterisk_and_down_after_it(site: Site) -> None:
    supervisor = site.supervisor()
    async with running(supervisor) as task:
        assert site.diary() == ["engine-up", "asterisk-up"]
    assert task.result() == 0
    assert site.diary() == [
        "engine-up", "asterisk-up", "drain", "asterisk-down", "stop-closing", "engine-down"
    ]  # fmt: skip
    assert not list(site.run.glob("*.mark"))


async def test_the_files_are_made_with_the_secrets_that_are_kept(site: Site) -> None:
    async with running(site.supervisor()):
        assert [BootSecrets.read(site.run / "secrets.json")] == site.rendered
    async with running(site.supervisor()):
        assert site.rendered[0] != site.rendered[1]


@pytest.mark.parametrize("name", ["engine", "asterisk"])
async def test_what_is_killed_is_started_again(site: Site, name: str) -> None:
    async with running(site.supervisor()):
        os.kill(site.pid(name), signal.SIGKILL)
        await until(lambda: site.diary().count(f"{name}-up") == 2)
        assert site.said(State.NOTE, "died of SIGKILL")


async def test_an_engine_that_hangs_is_killed_and_started_again(site: Site) -> None:
    async with running(site.supervisor()):
        os.kill(site.pid("engine"), signal.SIGSTOP)
        stopped_at = time.monotonic()
        await until(lambda: site.diary().count("engine-up") == 2)
        assert time.monotonic() - stopped_at >= QUICK.hang_s - QUICK.watch_s
        assert site.said(State.NOTE, "no answer for")
        assert site.diary().count("asterisk-up") == 1


async def test_an_asterisk_that_the_engine_cannot_reach_is_killed(site: Site) -> None:
    async with running(site.supervisor()):
        (site.run / "away").touch()
        await until(lambda: site.said(State.NOTE, "frozen for"))
        (site.run / "away").unlink()
        await until(lambda: site.diary().count("asterisk-up") == 2)
        assert site.diary().count("engine-up") == 1


async def test_those_who_talk_may_finish(site: Site) -> None:
    (site.run / "talking").touch()
    supervisor = site.supervisor()
    async with running(supervisor) as task:
        supervisor.stop()
        await until(lambda: (site.run / "quiesce").exists())
        await asyncio.sleep(0.3)
        assert not task.done()
        assert "asterisk-down" not in site.diary()
        (site.run / "talking").unlink()
        await until(task.done)
    assert site.diary()[-3:] == ["asterisk-down", "stop-closing", "engine-down"]


async def test_the_grace_is_limited(site: Site) -> None:
    (site.run / "talking").touch()
    async with running(site.supervisor(replace(site.plan(), timing=replace(QUICK, grace_s=0.3)))) as task:
        pass
    assert task.result() == 0
    assert "asterisk-down" in site.diary()


async def test_a_second_stop_waits_for_nobody(site: Site) -> None:
    (site.run / "talking").touch()
    supervisor = site.supervisor(replace(site.plan(), timing=replace(QUICK, grace_s=3600)))
    async with running(supervisor) as task:
        supervisor.stop()
        await until(lambda: (site.run / "quiesce").exists())
        supervisor.stop()
        await until(task.done)


async def test_while_people_finish_talking_a_dead_engine_is_started_again(site: Site) -> None:
    (site.run / "talking").touch()
    supervisor = site.supervisor()
    async with running(supervisor):
        supervisor.stop()
        await until(lambda: (site.run / "quiesce").exists())
        os.kill(site.pid("engine"), signal.SIGKILL)
        await until(lambda: site.diary().count("engine-up") == 2)
        (site.run / "talking").unlink()
    assert site.diary()[-1] == "engine-down"


async def test_an_engine_that_cannot_start_ends_up_with_its_last_words(site: Site) -> None:
    words = (sys.executable, "-c", "print('site.yaml:7: no such zone'); raise SystemExit(78)")
    supervisor = site.supervisor(replace(site.plan(), engine=site.command("engine", *words)))
    assert await asyncio.wait_for(supervisor.run(), 20) == 1
    assert site.said(State.FAILED, "site.yaml:7: no such zone")
    assert "asterisk-up" not in site.diary()


async def test_a_program_that_is_not_there_is_told(site: Site) -> None:
    supervisor = site.supervisor(replace(site.plan(), asterisk=site.command("asterisk", "/nonexistent/asterisk")))
    assert await asyncio.wait_for(supervisor.run(), 20) == 1
    assert site.said(State.FAILED, "No such file")
    assert site.diary()[-1] == "engine-down"


async def test_a_stop_during_the_start_is_heard(site: Site) -> None:
    words = (sys.executable, "-c", "import time; time.sleep(60)")
    supervisor = site.supervisor(replace(site.plan(), engine=site.command("engine", *words)))
    task = asyncio.create_task(supervisor.run())
    await until(lambda: (site.run / "engine.mark").exists())
    supervisor.stop()
    assert await asyncio.wait_for(task, 15) == 0
    assert not (site.run / "engine.mark").exists()


async def test_a_taken_port_is_told_by_its_name_before_anything_starts(site: Site) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        supervisor = site.supervisor(replace(site.plan(), engine_ports=(PortUse("agi", port),)))
        assert await asyncio.wait_for(supervisor.run(), 20) == 1
    assert site.said(State.FAILED, f"TCP port {port} on 127.0.0.1 is taken")
    assert site.said(State.FAILED, "ports.agi")
    assert site.diary() == []


async def test_a_site_runs_once(site: Site) -> None:
    async with running(site.supervisor()):
        with pytest.raises(AlreadyUp, match=str(os.getpid())):
            await site.supervisor().run()
        assert site.diary() == ["engine-up", "asterisk-up"]


async def test_after_a_killed_supervisor_asterisk_is_adopted_and_the_engine_replaced(site: Site) -> None:
    """The state that kill -9 of `hotline up` leaves: both children alive, nobody watching."""
    plan = site.plan()
    BootSecrets.draw().write(site.run / "secrets.json")
    engine, asterisk = await Child.start(plan.engine), await Child.start(plan.asterisk or plan.engine)
    await until(lambda: sorted(site.diary()) == ["asterisk-up", "engine-up"])
    async with running(site.supervisor()):
        assert not engine.mark.alive
        assert site.pid("asterisk") == asterisk.mark.pid
        assert site.rendered == [BootSecrets.read(site.run / "secrets.json")]
        os.kill(asterisk.mark.pid, signal.SIGKILL)  # the adopted one is watched like an own child
        await until(lambda: site.diary().count("asterisk-up") == 2)


async def test_a_stale_asterisk_whose_secrets_are_lost_is_ended(site: Site) -> None:
    plan = site.plan()
    asterisk = await Child.start(plan.asterisk or plan.engine)
    await until(lambda: site.diary() == ["asterisk-up"])
    async with running(site.supervisor()):
        assert not asterisk.mark.alive
        assert site.diary() == ["asterisk-up", "asterisk-down", "engine-up", "asterisk-up"]


async def test_an_external_asterisk_keeps_its_secrets_and_is_never_started(site: Site) -> None:
    plan = replace(site.plan(), asterisk=None)
    for _ in range(2):
        async with running(site.supervisor(plan)):
            assert "asterisk-up" not in site.diary()
    assert site.rendered[0] == site.rendered[1]
