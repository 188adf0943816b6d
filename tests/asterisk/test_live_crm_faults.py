"""The CRM's store goes away, is locked, is full, refuses a row, while callers walk through the menus: none of them
notices, nothing is lost, nothing is there twice.

How long a step takes is told by the two ends of it: the caller's own log (when the key was up, when the INVITE went)
and the engine's entry of the node that came of it. The figures with a fault are held against those of the same site
without one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bench.postgresql import PostgresServer
from crm_bridge.database import plain_engine, sqlite_url
from crm_bridge.entry import Entry
from crm_bridge.journal import Backlog, Journal
from crm_bridge.migrating import migrate
from crm_bridge.models import call_events, calls
from hotline.asterisk_files import AsteriskPlace
from hotline.sip.callers import Callers, CallPlan, LiveCall
from hotline.sip.scenario import Dial
from tests.asterisk.failing import until
from tests.sip.live_site import LiveSite
from tests.sip.witness import new_ani

log = logging.getLogger(__name__)

NUMBER = "4008001001"
CALLS, RATE = 32, 8.0
STEPS = 8
PAUSE_S = 0.2
LOOKUP_AFTER = 4  # steps; so one of them asks the CRM, too
SLOWER_S = 0.050
OWED = 1000
DRAINED_S = 60.0
LOCKED_S = 9.0  # longer than the engine waits for a lock (5 s)
POISON = "13999999999"
POISON_NAME = "no_poison"


# --- a site of menus


def _flow() -> str:
    """Eight menus one after the other, and in the midst of them a question to the CRM."""
    nodes: dict[str, Any] = {}
    for n in range(STEPS):
        then: Any = {"goto": "bye", "reached": "self_served"} if n == STEPS - 1 else f"m{n + 1}"
        nodes[f"m{n}"] = {"kind": "menu", "prompts": ["menu_main"], "options": {"1": then}, "otherwise": "bye"}
    nodes[f"m{LOOKUP_AFTER - 1}"]["options"]["1"] = "ask"
    ways = dict.fromkeys(("found", "missing", "failed"), f"m{LOOKUP_AFTER}")
    nodes["ask"] = {"kind": "lookup", "what": "order", "key": "A1", **ways}
    nodes["bye"] = {"kind": "hangup"}
    return json.dumps({"start": "m0", "default_way": "bye", "nodes": nodes})


@asynccontextmanager
async def site_on(
    url: str, folder: Path, place: AsteriskPlace, work: Path, sounds: Path
) -> AsyncIterator[tuple[LiveSite, Journal]]:
    """Up, with its CRM at ``url``; and its journal, opened by us, too."""
    live = LiveSite(folder / "site", place, work, sounds)
    try:
        await live.make()
        live.edit("site.yaml", lambda site: site.update(crm_url=url))
        for path in (live.folders.site / "flows").iterdir():
            path.unlink()
        (live.folders.site / "flows" / "menus.yaml").write_text(_flow(), encoding="utf-8")
        live.edit("numbers.yaml", _all_to_the_menus)
        await live.start()
        journal = await Journal.open(live.folders.journal)
        yield live, journal
        await journal.close()
        await live.until_no_channels()
        await live.stop()
    finally:
        live.end_by_force()


def _all_to_the_menus(book: Any) -> None:
    for form in book.values():
        form.update(flow="menus")


# --- callers who walk through it


@dataclass(frozen=True, slots=True)
class Shift:
    """``steps``: seconds from each key to the next node; ``taken``: from each INVITE to the first menu; ``backlog``: of
    the journal when the last caller had gone."""

    anis: list[str]
    steps: list[float]
    taken: list[float]
    backlog: Backlog


async def walk(live: LiveSite, journal: Journal, rate: float = RATE) -> Shift:
    """All callers; none is lost, and each gets to the end."""
    anis = [new_ani() for _ in range(CALLS)]
    async with live.callers([Dial(NUMBER, ani) for ani in anis], CallPlan(), rate=rate) as callers:
        watching: list[asyncio.Task[list[float]]] = []
        while len(watching) < CALLS:
            for call in list(callers.calls.values())[len(watching) :]:
                watching.append(asyncio.create_task(_press_through(call)))
            await asyncio.sleep(0.01)
        ups = await asyncio.gather(*watching)
        await callers.ended(timeout_s=20)
        assert Counter(callers.final_codes().values()) == {200: CALLS}
        assert {call.ended for call in callers.calls.values()} == {"peer"}
        backlog = await journal.backlog()
        return await _measured(journal, anis, callers, ups, backlog)


async def _press_through(call: LiveCall) -> list[float]:
    """When each key was up. Asterisk gives the port to another caller as soon as this one has gone, and the ear then
    forgets: so the list is taken at once."""
    await until(lambda: call.answered_at is not None, 20, "answered")
    ups = call.sound.keys_up_at
    await asyncio.sleep(0.3)
    for _ in range(STEPS):
        await call.press("1")
        await asyncio.sleep(PAUSE_S)
    return ups


async def _measured(
    journal: Journal, anis: Sequence[str], callers: Callers, ups: Sequence[list[float]], backlog: Backlog
) -> Shift:
    """SIPp takes the dials in their order, so its first call is the first caller's."""
    entered = await _entered(journal)
    invited = {message.call_id: message.at for message in reversed(callers.messages()) if message.method == "INVITE"}
    steps, taken = [], []
    for ani, call_id, up_at in zip(anis, callers.calls, ups, strict=True):
        [nodes] = entered[ani]
        taken.append(nodes["m0"] - invited[call_id])
        steps += [nodes[f"m{n}"] - up for n, up in enumerate(up_at[: STEPS - 1], 1)]
    assert len(steps) == CALLS * (STEPS - 1)
    assert min(*steps, *taken) > -0.1  # a key is noted a moment after it was sent
    return Shift(list(anis), steps, taken, backlog)


async def _entered(journal: Journal) -> Mapping[str, list[dict[str, float]]]:
    """Caller → of each of their calls: node → when."""
    nodes: dict[str, dict[str, float]] = {}
    for call_id, at, fields in await journal.read("SELECT call_id, at, fields FROM entries WHERE kind = 'node'"):
        nodes.setdefault(call_id, {})[json.loads(fields)["name"]] = at
    found: dict[str, list[dict[str, float]]] = {}
    for call_id, fields in await journal.read("SELECT call_id, fields FROM entries WHERE kind = 'call_started'"):
        found.setdefault(json.loads(fields)["ani"], []).append(nodes.get(call_id, {}))
    return found


def no_slower(shift: Shift, calm: Shift, what: str) -> None:
    """Of so few INVITEs nobody can tell a 99th percentile, but a 90th."""
    _no_slower(f"{what}: step, p99", shift.steps, calm.steps, 0.99)
    _no_slower(f"{what}: call taken, p90", shift.taken, calm.taken, 0.90)


def _no_slower(what: str, figures: Sequence[float], calm: Sequence[float], share: float) -> None:
    here, there = (sorted(of)[math.ceil(len(of) * share) - 1] for of in (figures, calm))
    told = f"{what}: {1000 * here:.1f} ms, calm {1000 * there:.1f} ms, n = {len(figures)}"
    log.info(told)
    assert here <= there + SLOWER_S, told


# --- what the store has


@dataclass(frozen=True, slots=True)
class Stored:
    anis: Counter[str]
    events: list[tuple[str, int]]


def stored(url: str) -> Stored:
    engine = plain_engine(url, reading=True)
    try:
        with engine.connect() as connection:
            ended = connection.execute(select(calls.c.ani).where(calls.c.outcome.is_not(None))).scalars()
            anis = Counter(ended)
            rows = connection.execute(select(call_events.c.call_id, call_events.c.seq))
            return Stored(anis, sorted((row.call_id, row.seq) for row in rows))
    finally:
        engine.dispose()


async def until_drained(journal: Journal, timeout_s: float) -> float:
    """Seconds until nothing is owed to the store."""
    begun = time.monotonic()
    while (await journal.backlog()).pending:
        took = time.monotonic() - begun
        assert took < timeout_s, f"{await journal.backlog()} after {took:.0f} s"
        await asyncio.sleep(0.1)
    return time.monotonic() - begun


async def nothing_lost_nothing_doubled(url: str, journal: Journal, anis: Sequence[str]) -> None:
    """One row with an outcome for each caller; and each entry of the journal once."""
    found = stored(url)
    assert found.anis == Counter(anis)
    told = await journal.read("SELECT call_id, seq FROM entries WHERE call_id <> '' AND state = 1")
    assert (await journal.backlog()).parked == 0
    assert found.events == sorted((call_id, seq) for call_id, seq in told)


# --- a store on a server


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """One of its own: it is stopped and started."""
    with PostgresServer() as own:
        yield own


@pytest.mark.timeout(240)
async def test_away_at_the_start_and_in_mid_shift_with_a_poison_row_in_the_backlog(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path, server: PostgresServer
) -> None:
    """The backlog of 1,000 outcomes is appended to the journal by this test, one of them of a caller whom a constraint
    refuses."""
    name = server.database()
    url = server.url(name)
    await migrate(url)
    server.run(f"ALTER TABLE calls ADD CONSTRAINT {POISON_NAME} CHECK (ani <> '{POISON}')", name)
    server.stop()
    async with site_on(url, short_folder, place, tmp_path, sounds) as (live, journal):
        away = await walk(live, journal)
        assert away.backlog.pending > CALLS * STEPS
        owed = await _owe(journal)

        server.start()
        draining, drained_s = await asyncio.gather(walk(live, journal), _drained(url, owed))
        log.info("%d outcomes were there %.1f s after the store was back", OWED, drained_s)
        await until_drained(journal, 20)
        assert stored(url).anis == Counter(
            [*away.anis, *draining.anis, *owed, ""]
        )  # whose end came without a beginning
        await _from_the_dead(live, journal, server, name)

        calm = await walk(live, journal)
        cut, _ = await asyncio.gather(walk(live, journal), _cut(server))
        assert cut.backlog.pending > 0
        server.start()
        log.info("drained %.1f s after the second time", await until_drained(journal, DRAINED_S))
        await nothing_lost_nothing_doubled(
            url, journal, [*away.anis, *draining.anis, *calm.anis, *cut.anis, *owed, POISON]
        )
    for shift, what in ((away, "away at the start"), (draining, "while it drains"), (cut, "cut in mid-shift")):
        no_slower(shift, calm, what)


async def _owe(journal: Journal) -> list[str]:
    """The callers of as many calls, but for the one who is poison."""
    anis = [*(new_ani() for _ in range(OWED - 1))]
    now = time.time()
    for ani in (*anis[: OWED // 2], POISON, *anis[OWED // 2 :]):
        start = Entry(f"owed-{ani}", "call_started", now - 60, {"ani": ani, "dnis": NUMBER})
        end = Entry(f"owed-{ani}", "outcome", now - 30, {"outcome": "abandoned_queue"})
        await asyncio.gather(journal.append(start), journal.append(end))
    return anis


async def _drained(url: str, owed: Sequence[str]) -> float:
    begun = time.monotonic()
    while not (there := (await asyncio.to_thread(stored, url)).anis.keys()) >= set(owed):
        took = time.monotonic() - begun
        assert took < DRAINED_S, f"{len(there)} are there after {took:.0f} s"
        await asyncio.sleep(0.5)
    return time.monotonic() - begun


async def _from_the_dead(live: LiveSite, journal: Journal, server: PostgresServer, name: str) -> None:
    """The poison row is a dead letter with its reason, and comes in when what refused it is mended."""
    [(_, reason)] = await journal.parked()
    assert POISON_NAME in reason
    assert POISON_NAME in await live.cli("outbox", "list")
    server.run(f"ALTER TABLE calls DROP CONSTRAINT {POISON_NAME}", name)
    await live.cli("outbox", "retry", "--all")
    await until_drained(journal, 20)


async def _cut(server: PostgresServer) -> None:
    await asyncio.sleep(CALLS / RATE / 3)
    await asyncio.to_thread(server.stop)


# --- a store in a file


@pytest.mark.timeout(240)
async def test_locked_by_somebody_and_the_disk_full(
    place: AsteriskPlace, short_folder: Path, tmp_path: Path, sounds: Path
) -> None:
    """The file is on a file system of its own of a few MB, which is filled to the last byte."""
    with small_disk(tmp_path / "disk") as disk:
        file = disk / "crm.db"
        url = sqlite_url(file)
        async with site_on(url, short_folder, place, tmp_path, sounds) as (live, journal):
            calm = await walk(live, journal)
            locked, _ = await asyncio.gather(walk(live, journal), asyncio.to_thread(_lock, file, LOCKED_S))
            assert locked.backlog.pending > CALLS
            await until_drained(journal, 30)

            with filled(disk):
                full = await walk(live, journal)
                assert full.backlog.pending > CALLS
            log.info("drained %.1f s after there was room again", await until_drained(journal, DRAINED_S))
            await nothing_lost_nothing_doubled(url, journal, [*calm.anis, *locked.anis, *full.anis])
    said = live.folders.logs / "engine.log"
    assert "locked" in said.read_text("utf-8")
    assert "full" in said.read_text("utf-8")
    for shift, what in ((locked, "locked"), (full, "disk full")):
        no_slower(shift, calm, what)


def _lock(file: Path, seconds: float) -> None:
    """Another process has the only right to write."""
    program = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None);"
        " c.execute('BEGIN IMMEDIATE'); time.sleep(float(sys.argv[2])); c.execute('ROLLBACK')"
    )
    subprocess.run((sys.executable, "-c", program, str(file), str(seconds)), check=True, timeout=seconds + 40)


@contextmanager
def small_disk(folder: Path, mb: int = 8) -> Iterator[Path]:
    folder.mkdir()
    asked = ("mount", "-t", "tmpfs", "-o", f"size={mb}m", "tmpfs", str(folder))
    if os.getuid() != 0 or subprocess.run(asked, check=False, capture_output=True).returncode != 0:
        pytest.skip("a disk of its own that can be filled is root's to mount")
    try:
        yield folder
    finally:
        subprocess.run(("umount", "-l", str(folder)), check=False)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """To the last byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while out.write(b"x" * size):
                    pass
            except OSError:
                continue
    yield
    filler.unlink()
