"""A whole engine without an Asterisk: what a command has closed is closed for the next caller, before and after a
restart, and in the status."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm_bridge.closures import JournalClosureBook
from crm_bridge.journal import Journal
from hotline.closings import WORD
from hotline.control import ask
from hotline.engine import Engine
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site
from ivr.closures import Closure
from tests.fakes.fake_asterisk import FakeCaller
from tests.flow.centre import until

SECRET = "engine"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    folders = SiteFolders(tmp_path / "site")
    init_site(folders.site)
    page = folders.site / "site.yaml"
    text = page.read_text().replace("agi: 4573", f"agi: {free_port()}").replace("ami: 5038", f"ami: {free_port()}")
    page.write_text(text)
    folders.run.mkdir(exist_ok=True)
    return folders


@asynccontextmanager
async def engine_up(folders: SiteFolders) -> AsyncIterator[int]:
    """Its AGI port."""
    site = load_site(folders.site)
    engine = Engine(site, folders, agi_secret=SECRET, ami_secret="nobody")
    task = asyncio.create_task(engine.run())
    async with asyncio.timeout(60):  # it makes its prompts first
        while not task.done() and not (folders.run / "control.sock").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    try:
        yield site.ports.agi
    finally:
        engine.stop()
        await task


async def hears_closed(port: int) -> bool:
    """A caller who presses 2 for English, and hangs up when the way has parted."""
    caller = await FakeCaller(port, SECRET, hurry=1).call()
    caller.press("2")
    await until(lambda: any(ending in file for file in caller.played for ending in ("closed", "menu_main")))
    heard = any("closed" in file for file in caller.played)
    caller.hang_up()
    await caller.over()
    return heard


async def keep(folders: SiteFolders, closure: Closure | None) -> None:
    """In a journal of its own, as the commands do: beside the engine's, or without one."""
    journal = await Journal.open(folders.journal)
    book = JournalClosureBook(journal)
    await (book.save(closure) if closure is not None else book.end("main"))
    await journal.close()


async def test_a_closing_reaches_the_callers_of_a_living_engine_and_of_the_next(folders: SiteFolders) -> None:
    now = datetime.now(UTC)
    closure = Closure("main", now, now + timedelta(hours=1), "flood")
    async with engine_up(folders) as port:
        assert not await hears_closed(port)
        await keep(folders, closure)
        assert not await hears_closed(port)  # written, not told
        assert (await ask(folders.run, WORD))["main"]["reason"] == "flood"
        assert await hears_closed(port)
        assert (await ask(folders.run, "status"))["closed_lines"]["main"]["reason"] == "flood"
    async with engine_up(folders) as port:
        assert await hears_closed(port)
        await keep(folders, None)
        await ask(folders.run, WORD)
        assert not await hears_closed(port)
        assert (await ask(folders.run, "status"))["closed_lines"] == {}
