"""`hotline queue` and `--watch`, from outside; and the engine's half of moving a call."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hotline.cli import app
from hotline.control import ControlServer, Refused
from hotline.line import LINE, SEND_ON, send_call_on
from hotline.settings import REPOSITORY
from hotline.site.init import init_site
from tests.fakes.paper_centre import PaperCentre, at_once, queue

CENTRE = [queue(), queue("service")]


class Side:
    """An engine's side door with a router on paper behind it."""

    def __init__(self, site: Path) -> None:
        self.centre = PaperCentre(queues=CENTRE)
        self._loop = asyncio.new_event_loop()
        handlers = {LINE: self._line, SEND_ON: self._send_on, "queues": self._queues}
        self._server = ControlServer(site / "run", handlers)
        self._loop.run_until_complete(self._server.start())
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _line(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        fields = ("call_id", "queue", "priority", "waited_s", "step", "agent", "kept_for")
        return {"calls": [{f: getattr(view, f) for f in fields} for view in await self.centre.router.line()]}

    async def _send_on(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        return await send_call_on(self.centre.router, question)

    async def _queues(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"queues": [{"name": "sales", "waiting": len(list(self.centre.router._line))}]}

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._server.stop())
        self._loop.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    init_site(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def side(site: Path) -> Iterator[Side]:
    side = Side(site)
    yield side
    side.close()


def hotline(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def test_the_line_is_listed_in_its_order(site: Path, side: Side) -> None:
    assert "Nobody waits." in hotline("queue", "list", "--site", site).output
    side.centre.join("aaaa-2", joined_at=50.0)
    side.centre.join("bbbb-1", "service", joined_at=40.0)
    output = hotline("queue", "list", "--site", site).output
    assert output.index("bbbb-1") < output.index("aaaa-2")
    assert "bbbb-1" not in hotline("queue", "list", "sales", "--site", site).output
    assert hotline("queue", "list", "nowhere", "--site", site).exit_code == 2


def test_a_call_is_moved_and_withdrawn(site: Path, side: Side) -> None:
    moved, withdrawn = side.centre.join("aaaa-2"), side.centre.join("bbbb-1")
    assert "aaaa-2 goes from sales to service." in hotline("queue", "move", "aaaa", "service", "--site", site).output
    assert moved.onward is not None
    assert (moved.onward.queue, moved.onward.why) == ("service", "moved")
    assert "bbbb-1 has left sales" in hotline("queue", "withdraw", "bbbb", "--site", site).output
    assert withdrawn.onward is not None
    assert (withdrawn.onward.queue, withdrawn.onward.why) == ("", "withdrawn")


@pytest.mark.parametrize(
    ("call", "where", "why"),
    [
        ("aa", "service", "too short"),
        ("zzzz", "service", "no call 'zzzz'"),
        ("aaaa", "service", "2 calls begin with"),
        ("aaaa-1", "nowhere", "no queue 'nowhere'"),
        ("aaaa-1", "sales", "waits in 'sales' already"),
    ],
)
def test_what_cannot_be_done_is_said(site: Path, side: Side, call: str, where: str, why: str) -> None:
    side.centre.join("aaaa-1")
    side.centre.join("aaaa-2")
    result = hotline("queue", "move", call, where, "--site", site)
    assert result.exit_code == 1
    assert why in result.output


def test_a_call_at_a_phone_is_left_alone() -> None:
    centre = PaperCentre(queues=CENTRE)
    centre.staff()
    centre.join("aaaa-1")
    with pytest.raises(Refused, match="at an agent's phone"):
        at_once(send_call_on(centre.router, {"call": "aaaa-1", "queue": "service"}))


def test_without_a_terminal_it_is_drawn_once(site: Path, side: Side) -> None:
    assert "sales" in hotline("queues", "--watch", "--site", site).output


def test_watching_until_ctrl_c(site: Path) -> None:
    """On a terminal of its own: a new figure, the engine away, back again, and a clean end."""
    side = Side(site)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hotline.cli", "queues", "--watch", "--site", str(site)]
    watching = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=REPOSITORY)
    try:
        until_seen(ours, "sales")
        side.close()
        until_seen(ours, "not running")
        side = Side(site)
        until_seen(ours, "sales")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 0
    finally:
        side.close()
        watching.kill()
        watching.wait()
        os.close(ours)
        os.close(theirs)


def until_seen(terminal: int, word: str, timeout_s: float = 20.0) -> None:
    seen, deadline = b"", time.monotonic() + timeout_s
    while word.encode() not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
