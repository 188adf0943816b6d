"""What the tests of failures need beyond a live site: faster rules, agents who are at their desks already, one agent's
phone that says who rang it, and the journal's own count of outcomes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import wave
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from acd.model import Presence
from crm_bridge import reports
from crm_bridge.journal import Journal
from crm_bridge.presence import JournalPresenceBook
from crm_bridge.store import CrmStore
from hotline.asterisk_files import AsteriskPlace
from hotline.sip.callers import Callers, CallPlan, KeyPress
from hotline.sip.rtp import level_dbfs
from hotline.sip.scenario import Dial
from tests.sip.live_site import LiveSite
from tests.sip.phones import ParkedPhone, PhoneEvent, PhonePark

TV, NEWSPAPER, WEB, PACKAGING = "4008001001", "4008001002", "4008001003", "4008001000"
AGENT = "1003"
HEARD_DBFS = -45.0  # louder than this is music, speech or a tone
# English, then sales, typed into the prompts. INTO_MENU stays in the menu after the language.
INTO_MENU = CallPlan(keys=(KeyPress(0.3, "2"),))
INTO_QUEUE = CallPlan(keys=(KeyPress(0.3, "2"), KeyPress(0.9, "1")))


def _quick_site(site: Any) -> None:
    site["fail_open"].update(knocks=10, knock_s=1, group=["1001"], group_s=8, voicemail_max_s=10)
    site["limits"]["stop_grace_s"] = 20


def _quick_queues(queues: Any) -> None:
    """Everybody may take every call, and is free again at once: the order of service is then the callers' own."""
    for queue in queues.values():
        queue.update(steps=[{"require": "any"}], wrap_up_s=0)


def _quick_prompts(prompts: Any) -> None:
    """Short ones where a test must sit them out; of the whisper only the advert is left."""
    for key in [key for key in prompts if key.startswith(("whisper_queue", "whisper_lang"))]:
        del prompts[key]
    short = {"hold_notice": "请稍等。", "voicemail_prompt": "请留言。", "whisper_source_tv_spot": "电视。"}
    for key, text in short.items():
        prompts[key]["text"]["zh"] = text


@asynccontextmanager
async def quick_site(
    folder: Path,
    place: AsteriskPlace,
    work: Path,
    sounds: Path,
    *,
    agents: Sequence[str] = (AGENT,),
    change: Callable[[Any], None] = lambda site: None,
) -> AsyncIterator[LiveSite]:
    """A site that is up, with short fail-open times, whose ``agents`` are logged in from yesterday. ``change``: more
    of site.yaml. At the end (the test may have stopped it itself) no channel is left and nothing of it runs."""
    live = LiveSite(folder, place, work, sounds)
    try:
        await make_quick(live, agents, change)
        await live.start()
        yield live
        if marked(live, "asterisk") is not None:
            await live.until_no_channels()
        await live.stop()
    finally:
        end_marked(live)
        live.end_by_force()
        keep_for_the_reader(live, work)


async def make_quick(live: LiveSite, agents: Sequence[str], change: Callable[[Any], None]) -> None:
    await live.make()
    live.edit("site.yaml", _quick_site)
    live.edit("site.yaml", change)
    live.edit("queues.yaml", _quick_queues)
    live.edit("prompts.yaml", _quick_prompts)
    await _log_in(live, agents)


def keep_for_the_reader(live: LiveSite, work: Path) -> None:
    """What they said and wrote outlives the site: somebody will want to know why a test failed."""
    for name in ("log", "spool"):
        if (live.folders.var / name).exists():
            shutil.copytree(live.folders.var / name, work / name, dirs_exist_ok=True)
    for file in live.folders.var.glob("journal.db*"):
        shutil.copy(file, work)


async def _log_in(live: LiveSite, agents: Sequence[str]) -> None:
    """As an earlier day left it: presence outlives the engine, in the journal's file."""
    live.folders.var.mkdir(mode=0o700, exist_ok=True)
    journal = await Journal.open(live.folders.journal)
    try:
        for extension in agents:
            await JournalPresenceBook(journal).save(extension, Presence.AVAILABLE, "", time.time())
    finally:
        await journal.close()


def end_marked(live: LiveSite) -> None:
    """The engine and the Asterisk that a killed `hotline up` left: by the marks of the site's own run folder."""
    for name in ("engine", "asterisk"):
        process = marked(live, name)
        if process is not None:
            process.kill()


def marked(live: LiveSite, name: str) -> psutil.Process | None:
    try:
        pid = json.loads((live.folders.run / f"{name}.mark").read_text("ascii"))["pid"]
        process = psutil.Process(pid)
        own = any(str(live.folders.site) in word for word in process.cmdline())
    except (OSError, ValueError, KeyError, psutil.Error):
        return None
    return process if own else None


def engine_of(live: LiveSite) -> psutil.Process:
    return live.process("hotline.app")


def asterisk_of(live: LiveSite) -> psutil.Process:
    return live.process("asterisk.conf")


async def kill_9(process: psutil.Process) -> None:
    """Returns when the kernel has buried it or left a zombie to its parent: it does nothing any more."""
    process.kill()
    await until(lambda: not runs(process), 5, f"{process.pid} dead")


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@asynccontextmanager
async def engine_away(live: LiveSite) -> AsyncIterator[None]:
    """The engine is killed and stays away: the supervisor, which would start another, is stopped until the end of it.
    After that the engine is back."""
    os.kill(live.up_pid, signal.SIGSTOP)
    try:
        await kill_9(engine_of(live))
        yield
    finally:
        os.kill(live.up_pid, signal.SIGCONT)
    await live.until_up(20)


async def until(true: Callable[[], bool], timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not {what} within {timeout_s} s"
        await asyncio.sleep(0.02)


async def until_waiting(live: LiveSite, count: int, timeout_s: float = 15.0) -> None:
    """So many callers in the queues, as the engine has it."""

    async def waiting() -> int:
        return sum(queue["waiting"] for queue in (await live.ask("queues"))["queues"])

    deadline = time.monotonic() + timeout_s
    while (found := await waiting()) != count:
        assert time.monotonic() < deadline, f"{found} wait, not {count}, after {timeout_s} s"
        await asyncio.sleep(0.05)


async def until_agent(live: LiveSite, extension: str, timeout_s: float = 15.0, **wanted: str) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        views = {view["extension"]: view for view in (await live.ask("agents"))["agents"]}
        view = views[extension]
        if all(view[key] == value for key, value in wanted.items()):
            return
        assert time.monotonic() < deadline, f"{extension} is {view}, not {wanted}"
        await asyncio.sleep(0.05)


def entries(live: LiveSite, kind: str) -> list[dict[str, Any]]:
    """Of the journal, in order: the entry's fields with its call_id and instant."""
    with sqlite3.connect(f"file:{live.folders.journal}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT call_id, at, fields FROM entries WHERE kind = ? ORDER BY seq", (kind,)
        ).fetchall()
    return [{"call_id": call_id, "at": at, **json.loads(fields)} for call_id, at, fields in rows]


async def until_node(live: LiveSite, ani: str, node: str, timeout_s: float = 15.0) -> None:
    """The caller ``ani`` is at that node of the flow."""

    def there() -> bool:
        ids = {entry["call_id"] for entry in entries(live, "call_started") if entry["ani"] == ani}
        return any(entry["call_id"] in ids and entry["name"] == node for entry in entries(live, "node"))

    await until(there, timeout_s, f"{ani} at {node}")


async def crm_rows(live: LiveSite) -> list[dict[str, Any]]:
    """As `hotline calls --json` would print them, without its start of a second or two."""
    store = CrmStore(live.folders.crm_url, region=live.site.country)
    try:
        return [dict(row.as_json()) for row in await reports.calls(store)]
    finally:
        await store.close()


async def outcomes(live: LiveSite, count: int, timeout_s: float = 10.0) -> dict[str, dict[str, Any]]:
    """ANI → CRM row, once ``count`` calls have an outcome; no call more and none twice, in the store or the journal."""
    deadline = time.monotonic() + timeout_s
    while len(ended := [row for row in await crm_rows(live) if row["outcome"]]) < count:
        assert time.monotonic() < deadline, f"{len(ended)} of {count} rows after {timeout_s} s: {await crm_rows(live)}"
        await asyncio.sleep(0.2)
    rows = await crm_rows(live)
    assert len(rows) == count, rows
    assert len({row["call_id"] for row in rows}) == count
    told = [entry["call_id"] for entry in entries(live, "outcome")]
    assert sorted(told) == sorted(row["call_id"] for row in rows)
    return {row["ani"]: row for row in rows}


@asynccontextmanager
async def park(live: LiveSite, work: Path) -> AsyncIterator[PhonePark]:
    async with PhonePark(live.pbx, work / "phones", host=live.site.bind) as phones:
        yield phones


async def agent_phone(live: LiveSite, phones: PhonePark, extension: str = AGENT, **manner: Any) -> ParkedPhone:
    """A registered phone that speaks a tone, and its agent is seen to be free."""
    phone = await phones.add_phone(extension, live.site.agents[extension].sip_secret, tone_hz=440, **manner)
    if extension in {entry["extension"] for entry in (await live.ask("agents"))["agents"]}:
        await until_agent(live, extension, phone="free")
    return phone


def rang(phone: ParkedPhone) -> list[str]:
    """The callers who rang this phone, by its own log, in order."""
    return [event.caller.split("sip:")[1].split("@")[0] for event in phone.events if event.name == "incoming"]


def talk_of(phone: ParkedPhone, call: int) -> float:
    """Seconds from the phone's answer to its end, by its own log."""
    times = {event.name: event.at for event in phone.events if event.call == call}
    return times["disconnected"] - times["confirmed"]


async def serve_next(phone: ParkedPhone, talk_s: float = 0.0) -> PhoneEvent:
    """The phone takes the next call, talks, hangs up."""
    call = await phone.wait("confirmed")
    await asyncio.sleep(talk_s)
    await phone.hang_up(call.call)
    await phone.wait("disconnected")
    return call


@asynccontextmanager
async def calling(live: LiveSite, ani: str, plan: CallPlan = INTO_QUEUE, number: str = TV) -> AsyncIterator[Callers]:
    """One caller from the trunk, whose call has been answered by the flow."""
    async with live.callers([Dial(number, ani)], plan) as callers:
        await callers.answered(timeout_s=15)
        yield callers


async def hang_up(callers: Callers) -> None:
    callers.hang_up(callers.only)
    await callers.ended()


async def hears(callers: Callers, within_s: float = 3.0) -> None:
    """That caller hears something, not silence."""
    await until(lambda: callers.only.level_dbfs(0.4) > HEARD_DBFS, within_s, "a sound at the caller's ear")


def cli(*words: str, timeout_s: float = 30.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "hotline.cli", *words),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip


async def gone(*found: psutil.Process, timeout_s: float = 5.0) -> None:
    await until(lambda: not any(runs(process) for process in found), timeout_s, "gone")


def spooled(live: LiveSite) -> list[str]:
    """The fail-open script's files that no engine has taken in yet."""
    return [path.name for path in live.folders.spool.glob("*.json")]


def level_of(file: Path) -> tuple[float, float]:
    """Seconds and dBFS of a WAV (8 kHz mono 16 bit)."""
    with wave.open(str(file), "rb") as sound:
        samples = memoryview(sound.readframes(sound.getnframes())).cast("h")
        return sound.getnframes() / sound.getframerate(), level_dbfs(list(samples))


async def until_another(live: LiveSite, name: str, old: psutil.Process, timeout_s: float = 30.0) -> psutil.Process:
    """The site's engine or Asterisk is another process than ``old``, and the site is up."""

    def another() -> bool:
        found = marked(live, name)
        return found is not None and found.pid != old.pid

    await until(another, timeout_s, f"another {name}")
    await live.until_up()
    found = marked(live, name)
    assert found is not None
    return found
