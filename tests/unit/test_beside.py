"""A child that the centre can do without, with small real children; and the question whether it is at work."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from hotline.sip.ports import free_tcp_port
from hotline.supervision.beside import Beside, BesideKeeper
from hotline.supervision.child import Command
from hotline.supervision.health import answers
from hotline.supervision.mark import read_mark
from hotline.supervision.ports import PortUse
from hotline.supervision.step import State, Step
from tests.unit.test_supervisor import Site, running, until

SERVER = """
import http.server, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
"""


class Bench:
    def __init__(self, folder: Path) -> None:
        self.port, self.steps = free_tcp_port(), list[Step]()
        self.mark = folder / "api.mark"
        words = (sys.executable, "-c", SERVER, str(self.port))
        self.plan = Beside(
            Command("api", words, folder / "api.log", self.mark),
            "127.0.0.1",
            (PortUse("api", self.port),),
            partial(answers, "127.0.0.1", self.port, "/health", 0.5),
            ready_s=20,
            hang_s=0.5,
            watch_s=0.05,
        )

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[BesideKeeper]:
        keeper = BesideKeeper(self.plan, self.steps.append, time.monotonic)
        task = asyncio.create_task(keeper.keep())
        try:
            yield keeper
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await keeper.end()

    def pid(self) -> int:
        mark = read_mark(self.mark)
        return mark.pid if mark is not None else 0

    def said(self, state: State, text: str) -> bool:
        return any(step.state is state and text in step.text for step in self.steps)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("number", "why"), [(signal.SIGKILL, "died of SIGKILL"), (signal.SIGSTOP, "killed: no answer for 0.5 s")]
)
async def test_one_that_dies_or_hangs_is_started_again(bench: Bench, number: signal.Signals, why: str) -> None:
    async with bench.kept():
        await until(lambda: bench.said(State.DONE, "up, process"), 30)
        first, mark = bench.pid(), read_mark(bench.mark)
        assert mark is not None
        mark.signal(number)
        await until(lambda: bench.said(State.DONE, "up again"), 30)
        assert bench.said(State.NOTE, why)
        assert bench.pid() not in (0, first)
    assert bench.said(State.DONE, "stopped")
    assert bench.pid() == 0
    assert not await bench.plan.answers()


async def test_a_taken_port_is_told_and_ends_nothing(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", bench.port)):
        async with bench.kept():
            await until(lambda: bench.said(State.FAILED, "change ports.api in site.yaml"))
    assert bench.said(State.FAILED, "calls go on without it")


async def test_one_that_cannot_start_is_told_with_its_last_words_and_ends_nothing(bench: Bench) -> None:
    words = (sys.executable, "-c", "raise SystemExit('no such table')")
    bench.plan = replace(bench.plan, command=replace(bench.plan.command, words=words))
    async with bench.kept():
        await until(lambda: bench.said(State.FAILED, "no such table"))


async def test_the_centre_is_up_and_ends_well_without_its_api(tmp_path: Path, bench: Bench) -> None:
    site = Site(tmp_path)
    broken = replace(bench.plan, command=replace(bench.plan.command, words=("/nowhere/api",)))
    async with running(site.supervisor(replace(site.plan(), api=broken))) as task:
        assert site.diary() == ["engine-up", "asterisk-up"]
        await until(lambda: site.said(State.FAILED, "calls go on without it"))
    assert task.result() == 0


async def test_the_api_goes_with_the_centre(tmp_path: Path, bench: Bench) -> None:
    site = Site(tmp_path)
    async with running(site.supervisor(replace(site.plan(), api=bench.plan))) as task:
        await until(lambda: any(step.name == "api" and step.state is State.DONE for step in site.steps), 30)
        assert await bench.plan.answers()
    assert task.result() == 0
    assert bench.pid() == 0


@pytest.mark.parametrize(
    ("said", "well"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 503 Away\r\n\r\n", False),
        (b"HTTP/1.1", False),
        (b"SSH-2.0-200 200\r\n", False),
        (b"\xff\x00 200", False),
        (b"", False),
        (None, False),
    ],
)
async def test_only_200_is_well(said: bytes | None, well: bool) -> None:
    """None: it takes the call and says nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if said is not None:
            writer.write(said)
            writer.close()
        else:
            await reader.read()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await answers("127.0.0.1", port, "/health", 0.3 if said is None else 5.0) is well


async def test_nobody_there_is_not_well() -> None:
    assert not await answers("127.0.0.1", free_tcp_port(), "/health")
