"""Fixtures of the tests with a real Asterisk and real SIP: a live site, phones with ears, SIPp's callers."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from hotline.asterisk_files import AsteriskPlace, read_place
from hotline.settings import REPOSITORY, asterisk_env
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhonePark
from tests.sip.witness import Witness

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked, and has time for a start of Asterisk. (The hook sees all folders.)"""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asterisk)


@pytest.fixture(scope="session")
def place() -> AsteriskPlace:
    """Asterisk and SIPp, brought if they are not here yet (the second time this takes half a second)."""
    subprocess.run([REPOSITORY / "asterisk" / "bring", asterisk_env().parent], check=True, timeout=600)
    return read_place(asterisk_env())


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a short name: a Unix socket's path may have 107 bytes, and pytest's own folders are long."""
    with tempfile.TemporaryDirectory(prefix="hl-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prompts and music, made by the first site of this run of all tests; its workers share the folder."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sounds"


@pytest.fixture
async def live_site(place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path) -> AsyncIterator[LiveSite]:
    """A fresh sample site, up. After the test Asterisk has no channel left, and everything stops when told to."""
    live = LiveSite(short_folder / "site", place, tmp_path, sounds)
    try:
        await live.make()
        await live.start()
        yield live
        await live.until_no_channels()
        await live.stop()
    finally:
        live.end_by_force()


@pytest.fixture
async def phones(live_site: LiveSite, tmp_path: Path) -> AsyncIterator[PhonePark]:
    """pjsua2 phones at the live site: they hear, and can be told what to do in mid-call."""
    if importlib.util.find_spec("pjsua2") is None:
        pytest.skip("there is no pjsua2 wheel for this Python and machine")
    async with PhonePark(live_site.pbx, tmp_path / "phones", host=live_site.site.bind) as park:
        yield park


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    """What is done to the files of the shared site before it starts. A module may have its own: `LiveSite.edit`."""
    return lambda live: None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_site(
    place: AsteriskPlace,
    tmp_path_factory: pytest.TempPathFactory,
    sounds: Path,
    prepare_site: Callable[[LiveSite], None],
) -> AsyncIterator[LiveSite]:
    """One site, up, for all tests of a module, which then all run in the module's loop
    (`pytestmark = pytest.mark.asyncio(loop_scope="module")`). Each test's callers have numbers of their own."""
    with tempfile.TemporaryDirectory(prefix="hl-") as short:
        live = LiveSite(Path(short) / "site", place, tmp_path_factory.mktemp("shared"), sounds)
        try:
            await live.make()
            prepare_site(live)
            await live.start()
            yield live
            await live.stop()
        finally:
            live.end_by_force()


@pytest_asyncio.fixture(loop_scope="module")
async def site(shared_site: LiveSite) -> AsyncIterator[LiveSite]:
    """The shared site. After each test Asterisk has no channel left."""
    yield shared_site
    await shared_site.until_no_channels()


@pytest.fixture
def witness(site: LiveSite) -> Witness:
    return Witness(site)


@pytest_asyncio.fixture(loop_scope="module")
async def park(site: LiveSite, tmp_path: Path) -> AsyncIterator[PhonePark]:
    """pjsua2 phones at the shared site, for one test."""
    if importlib.util.find_spec("pjsua2") is None:
        pytest.skip("there is no pjsua2 wheel for this Python and machine")
    async with PhonePark(site.pbx, tmp_path / "phones", host=site.site.bind) as phones:
        yield phones
