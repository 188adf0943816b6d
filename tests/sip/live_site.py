"""A whole site for one test: `hotline init`, `hotline up` on free ports, callers and phones at it, and a clean end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
from ruamel.yaml import YAML

from hotline.asterisk_files import AsteriskPlace
from hotline.control import ControlError, ask
from hotline.settings import SiteFolders
from hotline.sip.callers import Callers, CallPlan
from hotline.sip.phones import AgentPhones
from hotline.sip.ports import free_site_ports
from hotline.sip.scenario import Dial, PhoneManner
from hotline.site.loading import load_site
from hotline.site.site import Site

_CLI = (sys.executable, "-m", "hotline.cli")
_UP_S = 60.0
_DOWN_S = 30.0
_DRAIN_S = 5.0
_PATIENCE_S = 10.0  # with an engine that shares two cores with every phone of a test


class LiveSite:
    """``site`` is what was read from the folder after `init`. Callers come from 127.0.0.2, the sample trunk.

    ``sounds``: a folder that sites share. To make all prompts and the music takes as long as everything else of a
    start, and each file's name says what is in it: so one site makes them, and the others get copies.
    """

    def __init__(self, folder: Path, place: AsteriskPlace, work: Path, sounds: Path | None = None) -> None:
        self.folders = SiteFolders(folder)
        self.place = place
        self.site: Site
        self._work = work
        self._sounds = sounds
        self._up: asyncio.subprocess.Process | None = None
        self._parts = 0

    @property
    def pbx(self) -> tuple[str, int]:
        return self.site.bind, self.site.ports.sip

    async def make(self) -> None:
        """`hotline init`, and ports of its own."""
        await _run(*_CLI, "init", str(self.folders.site))
        patch_ports(self.folders.site / "site.yaml")
        self.site = load_site(self.folders.site)

    def edit(self, file: str, change: Callable[[Any], None]) -> None:
        """Before `start`: ``change`` gets what a YAML file of the site says, and alters it in place."""
        edit_yaml(self.folders.site / file, change)

    async def start(self) -> None:
        """`hotline up`; returns when the engine answers and sees Asterisk."""
        self.site = load_site(self.folders.site)
        if self._sounds is not None:
            copy_new(self._sounds, self.folders.var)
        with self.up_log.open("ab") as log:
            self._up = await asyncio.create_subprocess_exec(
                *_CLI, "up", "--site", str(self.folders.site), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        await self.until_up()
        if self._sounds is not None:
            for name in ("prompts", "music"):
                copy_new(self.folders.var / name, self._sounds / name)

    @property
    def up_log(self) -> Path:
        return self._work / "up.log"

    @property
    def up_pid(self) -> int:
        assert self._up is not None
        return self._up.pid

    def process(self, word: str) -> psutil.Process:
        """The one child of `hotline up` whose command line has ``word``: "engine", "asterisk.conf". To be killed."""
        children = psutil.Process(self.up_pid).children(recursive=True)
        (found,) = [child for child in children if any(word in part for part in child.cmdline())]
        return found

    async def until_up(self, timeout_s: float = _UP_S) -> None:
        """Also after a kill: the engine answers and has its Asterisk."""
        deadline = time.monotonic() + timeout_s
        while not await self._is_up():
            assert self._up is not None
            assert self._up.returncode is None, f"hotline up has ended:\n{self._up_said()}"
            assert time.monotonic() < deadline, f"not up after {timeout_s} s:\n{self._up_said()}"
            await asyncio.sleep(0.05)

    async def _is_up(self) -> bool:
        try:
            return bool((await ask(self.folders.run, "status"))["asterisk"] == "up")
        except ControlError:
            return False

    async def ask(self, word: str, **arguments: Any) -> dict[str, Any]:
        """The engine, over its control socket: "status", "agents", "queues"."""
        return await ask(self.folders.run, word, timeout_s=_PATIENCE_S, **arguments)

    async def cli(self, *words: str) -> str:
        """What one `hotline` command prints about this site."""
        return await _run(*_CLI, *words, "--site", str(self.folders.site))

    async def calls(self) -> list[dict[str, Any]]:
        """What `hotline calls --json` prints, newest first or as the command has it."""
        text = await self.cli("calls", "--json")
        return [json.loads(line) for line in text.splitlines() if line.strip()]

    async def until_calls(self, count: int, timeout_s: float = 10.0) -> list[dict[str, Any]]:
        """The CRM's rows, as soon as there are ``count`` with an outcome."""
        deadline = time.monotonic() + timeout_s
        while True:
            rows = [row for row in await self.calls() if row["outcome"]]
            if len(rows) >= count:
                return rows
            assert time.monotonic() < deadline, f"{len(rows)} of {count} rows after {timeout_s} s: {rows}"
            await asyncio.sleep(0.2)

    async def asterisk(self, line: str) -> str:
        """One command at Asterisk's console."""
        conf = str(self.folders.asterisk / "asterisk.conf")
        return await _run(*self.place.command, "-C", conf, "-rx", line)

    async def channels(self) -> int:
        text = await self.asterisk("core show channels count")
        return int(text.split(" active channel")[0].split()[-1])

    async def calls_processed(self) -> int:
        """How many calls Asterisk has had since it started, whatever came of them."""
        text = await self.asterisk("core show channels count")
        return int(text.split(" call")[-2].split()[-1])

    async def until_no_channels(self, timeout_s: float = _DRAIN_S) -> None:
        deadline = time.monotonic() + timeout_s
        while await self.channels():
            left = await self.asterisk("core show channels concise")
            assert time.monotonic() < deadline, f"channels left {timeout_s} s after the test:\n{left}"
            await asyncio.sleep(0.1)

    def callers(self, dials: Sequence[Dial], plan: CallPlan | None = None, **more: Any) -> Callers:
        """From the trunk; `async with` it. ``more`` as for `Callers`."""
        return Callers(self.place.sipp, self.pbx, self._part("callers"), dials, plan, **more)

    def caller(self, number: str, plan: CallPlan | None = None, *, ani: str = "13800138000") -> Callers:
        return self.callers([Dial(number, ani)], plan)

    def desk(self, extension: str, code: str, plan: CallPlan | None = None) -> Callers:
        """An agent's phone dials a code of the desk, such as "*32"."""
        dial = Dial(code, extension, secret=self.site.agents[extension].sip_secret)
        return Callers(self.place.sipp, self.pbx, self._part("desk"), [dial], plan, host=self.site.bind)

    def agent_phones(self, extensions: Sequence[str], manner: PhoneManner | None = None) -> AgentPhones:
        """SIPp phones, all with one manner."""
        secrets = {extension: self.site.agents[extension].sip_secret for extension in extensions}
        return AgentPhones(self.place.sipp, self.pbx, self._part("phones"), secrets, manner, host=self.site.bind)

    def _part(self, name: str) -> Path:
        self._parts += 1
        return self._work / f"{self._parts:02d}-{name}"

    async def stop(self) -> None:
        """As Ctrl-C does. The exit code must be 0."""
        if self._up is None or self._up.returncode is not None:
            return
        self._up.send_signal(signal.SIGINT)
        try:
            code = await asyncio.wait_for(self._up.wait(), _DOWN_S)
        except TimeoutError:
            self.end_by_force()
            raise AssertionError(f"hotline up did not stop in {_DOWN_S} s:\n{self._up_said()}") from None
        assert code == 0, f"hotline up ended with {code}:\n{self._up_said()}"

    def end_by_force(self) -> None:
        """Nothing of this site may outlive its test, whatever went wrong."""
        if self._up is None or self._up.returncode is not None:
            return
        tree = psutil.Process(self._up.pid)
        for process in (*tree.children(recursive=True), tree):
            process.kill()

    def _up_said(self) -> str:
        return self.up_log.read_text("utf-8", "replace")[-4000:] if self.up_log.exists() else ""


def copy_new(source: Path, target: Path) -> None:
    """Every file that is not in ``target`` yet; each is whole from the moment it has its name."""
    for path in source.rglob("*.wav*"):
        copy = target / path.relative_to(source)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            part = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copyfile(path, part)
            part.replace(copy)


def patch_ports(site_yaml: Path) -> None:
    """Other ports in place of the usual ones."""
    ports = free_site_ports(usual_first=False)
    fields = {name: getattr(ports, name) for name in ("sip", "agi", "ami", "metrics", "api")} | {"rtp": list(ports.rtp)}
    edit_yaml(site_yaml, lambda site: site["ports"].update(fields))


def edit_yaml(path: Path, change: Callable[[Any], None]) -> None:
    """``change`` alters the content in place; comments stay."""
    yaml = YAML()
    content = yaml.load(path)
    change(content)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


async def _run(*command: str, timeout_s: float = 30.0) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), timeout_s)
    said = err.decode("utf-8", "replace")[-2000:]
    assert process.returncode == 0, f"{command[-3:]} ended with {process.returncode}: {said}"
    return out.decode("utf-8", "replace")
