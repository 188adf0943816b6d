"""`hotline demo`: the sample site, and one real call through all of it, shown step by step.

A real SIPp phone registers as an agent and logs in with *31 and the PIN on its keypad; a real SIPp caller dials the TV
spot's number and presses keys; the agent answers and hangs up. What is shown comes from the journal and the CRM.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from crm_bridge.reports import CallRow
from crm_bridge.reports import calls as stored_calls
from crm_bridge.store import CrmStore
from hotline.asterisk_files import read_place
from hotline.control import ControlError, ask
from hotline.settings import SiteFolders, asterisk_env
from hotline.sip.callers import Callers, CallPlan, KeyPress
from hotline.sip.phones import AgentPhones
from hotline.sip.ports import free_site_ports
from hotline.sip.scenario import Dial, PhoneManner, Talk
from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.site import Site

_AGENT = "1003"  # speaks English and knows laptops
_DIALLED = "4008001001"
_CALLER = "13800138000"
_ENGLISH, _SALES = KeyPress(2.0, "2"), KeyPress(5.0, "1")
_TALK_S = 8.0  # from the pick-up on: the whisper is in it
_START_S = 60.0
_CALL_S = 40.0


class DemoFailed(Exception):
    """The call did not come through. The message says where it stopped."""


@dataclass(slots=True)
class Demo:
    site: Site
    folders: SiteFolders
    console: Console

    async def run(self, *, once: bool) -> None:
        """Raises DemoFailed. Ends after the call with ``once``, else when `hotline up` ends. Cancelled by Ctrl-C or
        SIGTERM, it stops the site first."""
        running = asyncio.current_task()
        if running is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        async with self._up() as up:
            await self._wait_until_up(up)
            row = await self._call()
            self._show_row(row)
            if not once:
                self._show_how_to_go_on()
                await up.wait()

    @asynccontextmanager
    async def _up(self) -> AsyncIterator[asyncio.subprocess.Process]:
        command = (sys.executable, "-m", "hotline.cli", "up", "--site", str(self.folders.site))
        # A session of its own: a Ctrl-C is ours to hear, and `up` hears it once (twice would mean "at once").
        process = await asyncio.create_subprocess_exec(*command, start_new_session=True)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def _wait_until_up(self, up: asyncio.subprocess.Process) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if up.returncode is not None:
                raise DemoFailed("hotline up has ended; what it said stands above")
            if await self._asterisk_is_up():
                return
            await asyncio.sleep(0.1)
        raise DemoFailed(f"the site is not up after {_START_S:.0f} s")

    async def _asterisk_is_up(self) -> bool:
        try:
            return str((await ask(self.folders.run, "status"))["asterisk"]) == "up"
        except ControlError:
            return False

    async def _call(self) -> CallRow:
        sipp, pbx = read_place(asterisk_env()).sipp, (self.site.bind, self.site.ports.sip)
        agent = self.site.agents[_AGENT]
        work = Path(tempfile.mkdtemp(prefix="hotline-demo-"))
        started_at = time.time()
        try:
            manner = PhoneManner(ring_s=1.0, talk=Talk(_TALK_S, _TALK_S))
            async with AgentPhones(sipp, pbx, work / "agent", {_AGENT: agent.sip_secret}, manner):
                self._say(f"agent {_AGENT} ({agent.spec.name}) has registered a SIP phone")
                await self._log_in(sipp, pbx, work / "desk")
                self._say(f"a customer, {_CALLER}, dials {_DIALLED}")
                plan = CallPlan(keys=(_ENGLISH, _SALES))
                async with Callers(sipp, pbx, work / "caller", [Dial(_DIALLED, _CALLER)], plan) as callers:
                    call_id = await self._follow(started_at)
                    await callers.ended(timeout_s=10)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return await self._stored(call_id)

    async def _log_in(self, sipp: tuple[str, ...], pbx: tuple[str, int], work: Path) -> None:
        """As a person would: dial *31, listen, type the PIN, hear the answer."""
        agent = self.site.agents[_AGENT]
        desk = Dial("*31", _AGENT, secret=agent.sip_secret)
        plan = CallPlan(keys=(KeyPress(0.8, f"{agent.pin}#"),))
        async with Callers(sipp, pbx, work, [desk], plan, host=self.site.bind) as callers:
            await callers.answered()
            await callers.ended(timeout_s=20)
        views = {view["extension"]: view for view in (await ask(self.folders.run, "agents"))["agents"]}
        if views[_AGENT]["presence"] != "available":
            raise DemoFailed(f"agent {_AGENT} could not log in with *31")
        self._say(f"agent {_AGENT} has dialled *31, typed the PIN and is logged in")

    async def _follow(self, since: float) -> str:
        """Show the call's journal entries as they come, until its outcome; the call id."""
        seq, call_id = 0, ""
        deadline = time.monotonic() + _CALL_S
        while time.monotonic() < deadline:
            for entry in _entries(self.folders.journal, seq):
                seq = entry["seq"]
                if entry["at"] < since or not entry["call_id"] or call_id not in ("", entry["call_id"]):
                    continue
                call_id = str(entry["call_id"])
                self._say(_told(entry["kind"], entry["fields"]), at_s=entry["at"] - since)
                if entry["kind"] == "outcome":
                    return call_id
            await asyncio.sleep(0.05)
        raise DemoFailed(f"the call has no outcome after {_CALL_S:.0f} s")

    async def _stored(self, call_id: str) -> CallRow:
        store = CrmStore(self.site.crm_url or self.folders.crm_url, region=self.site.country)
        try:
            for _ in range(100):
                rows = await stored_calls(store, 1, call_id=call_id)
                if rows and rows[0].outcome is not None:
                    return _checked(rows[0])
                await asyncio.sleep(0.05)
        finally:
            await store.close()
        raise DemoFailed("the call did not reach the CRM store within 5 s")

    def _say(self, text: str, at_s: float | None = None) -> None:
        when = "" if at_s is None else f"{at_s:6.2f} s  "
        self.console.print(f"  [cyan]{when}[/cyan]{text}", soft_wrap=True)

    def _show_row(self, row: CallRow) -> None:
        table = Table(title="The call's row in the CRM store", show_header=False)
        for key, value in row.as_json().items():
            table.add_row(key, "" if value is None else str(value))
        self.console.print(table)

    def _show_how_to_go_on(self) -> None:
        where = f"{self.site.bind}:{self.site.ports.sip} (UDP)"
        phone = next(iter(self.site.phones.values()))
        self.console.print(
            f"\nStill up. Now with your own softphone (any SIP phone on this machine), server {where}:\n"
            f"  as a customer  user {phone.extension}, password {phone.sip_secret}; dial {_DIALLED}\n"
            f"  as an agent    user 1001, secret and pin in {self.folders.site / 'agents.yaml'}; dial *31 and the pin\n"
            f"In another terminal: .venv/bin/hotline calls --site {self.folders.site}   (also: agents, queues)\n"
            "Ctrl-C ends it.",
            highlight=False,
        )


def prepare_site(folder: Path, console: Console) -> Site:
    """The site in ``folder``; a new sample site, on ports that are free, where there is none."""
    if not (folder / "site.yaml").exists():
        init_site(folder, ports=free_site_ports())
        console.print(f"  a new sample site is in {folder}")
    return load_site(folder)


def _checked(row: CallRow) -> CallRow:
    """The demonstration is a test, too: the row must say what was seen."""
    wanted = {"outcome": "answered", "agent": _AGENT, "media_source": "tv_spot", "queue": "sales", "ani": _CALLER}
    for key, value in wanted.items():
        if getattr(row, key) != value:
            raise DemoFailed(f"the CRM row says {key} = {getattr(row, key)!r}, not {value!r}")
    return row


def _entries(journal: Path, after: int) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT seq, call_id, kind, at, fields FROM entries WHERE seq > ? ORDER BY seq", (after,)
        ).fetchall()
    names = ("seq", "call_id", "kind", "at", "fields")
    return [{**dict(zip(names, row, strict=True)), "fields": json.loads(row[4])} for row in rows]


def _told(kind: str, fields: Mapping[str, Any]) -> str:
    """One journal entry in a person's words."""
    words = {
        "call_started": "call accepted: {dnis} is media source [bold]{source}[/bold], campaign {campaign}",
        "node": "flow: {name}",
        "language": "language: {language}",
        "queued": "in queue {queue}; the caller hears music",
        "offered": "the ACD rings agent {agent}",
        "offer_missed": "agent {agent} did not take it ({why})",
        "answered": "agent {agent} has picked up and hears the whisper",
        "outcome": "[bold]{outcome}[/bold]: waited {waited_s:.1f} s, talked {talked_s:.1f} s, the {hangup_by} hung up",
    }
    return words.get(kind, kind).format(**fields)
