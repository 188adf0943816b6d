"""The hall that the benchmarks share: one Asterisk, the engine, the peers, twenty agents, callers and phones."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from acd.model import Presence
from bench.children import BenchError, EchoEngine, ari_menu, private_folder, site_up
from bench.numbers import AGENTS, TEACH_IVR
from bench.peers import (
    IVR_MODULES,
    MODULES,
    MenuSounds,
    ari_files,
    dialplan,
    ivr_dialplan,
    queue_dialplan,
    queues,
)
from bench.site import PIN, make_site, write_private
from crm_bridge.journal import Journal
from crm_bridge.presence import JournalPresenceBook
from dialplans.model import SpecError
from hotline.asterisk_files import AsteriskPlace, read_place
from hotline.control import ask
from hotline.prompting import prompt_shelf
from hotline.settings import REPOSITORY, SiteFolders, asterisk_env
from hotline.sip.callers import Callers, CallPlan, KeyPress
from hotline.sip.phones import AgentPhones
from hotline.sip.ports import free_tcp_port
from hotline.sip.scenario import Dial, PhoneManner
from hotline.site.site import Site

_POLL_S = 0.05
_TOLD_POLL_S = 0.4  # each look costs the engine 3 ms of CPU, and `menu` counts it
_FORKED, _FORKED_IVR = (Path(__file__).resolve().parent / f"forked_{name}.py" for name in ("menu", "ivr"))
_APP = "bench"


@dataclass(slots=True)
class Hall:
    """``up``: the process of `hotline up`, whose children are the engine and Asterisk. ``beside``: a peer's own
    process, whose CPU counts too. ``sounds``: absolute, without their ending."""

    site: Site
    folders: SiteFolders
    place: AsteriskPlace
    up: psutil.Process
    sounds: MenuSounds
    _work: Path
    beside: tuple[psutil.Process, ...] = ()
    _parts: itertools.count[int] = field(default_factory=itertools.count)

    def callers(self, dials: Sequence[Dial], plan: CallPlan | None = None, **more: Any) -> Callers:
        """From the trunk, deaf unless told otherwise. ``more`` as for `Callers`."""
        return Callers(self.place.sipp, self._pbx, self._part(), dials, plan, **{"listen": False, **more})

    @asynccontextmanager
    async def phones(self, manner: PhoneManner) -> AsyncIterator[AgentPhones]:
        """All twenty, registered and free in the engine's eyes."""
        agent_secrets = {extension: agent.sip_secret for extension, agent in self.site.agents.items()}
        async with AgentPhones(
            self.place.sipp, self._pbx, self._part(), agent_secrets, manner, host=self.site.bind
        ) as phones:
            await self.until_idle(20.0 + len(agent_secrets) / 50)
            yield phones

    async def until_idle(self, timeout_s: float = 20.0) -> None:
        """Every agent could take a call now, and the journal has nothing left for the CRM store."""
        deadline = time.monotonic() + timeout_s
        while not await self._is_idle():
            if time.monotonic() > deadline:
                raise BenchError(f"the agents are not all free after {timeout_s:g} s")
            await asyncio.sleep(_POLL_S)

    async def until_told(self, timeout_s: float = 20.0) -> None:
        """No call is left, and the CRM store has all that was journalled."""
        deadline = time.monotonic() + timeout_s
        while not await self._is_told():
            if time.monotonic() > deadline:
                raise BenchError(f"calls or journal entries are left after {timeout_s:g} s")
            await asyncio.sleep(_TOLD_POLL_S)

    async def until_waiting(self, count: int, timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while sum(view["waiting"] for view in (await ask(self.folders.run, "queues", timeout_s=10))["queues"]) < count:
            if time.monotonic() > deadline:
                raise BenchError(f"{count} callers do not wait after {timeout_s:g} s")
            await asyncio.sleep(_POLL_S)

    async def log_in(self) -> None:
        """As people do: every phone dials *31 and types its PIN."""
        dials = [Dial("*31", extension, secret=agent.sip_secret) for extension, agent in self.site.agents.items()]
        plan = CallPlan(keys=(KeyPress(0.5, f"{PIN}#"),))
        desk = Callers(
            self.place.sipp, self._pbx, self._part(), dials, plan, host=self.site.bind, rate=10.0, listen=False
        )
        async with desk as callers:
            await callers.ended(timeout_s=40)
        absent = [v["extension"] for v in await self._agents() if v["presence"] != "available"]
        if absent:
            raise BenchError(f"agents {', '.join(absent)} could not log in with *31")

    async def _is_idle(self) -> bool:
        return all(view["eligible"] for view in await self._agents()) and await self._is_told()

    async def _is_told(self) -> bool:
        status = await ask(self.folders.run, "status", timeout_s=10)
        return not status["calls"] and not status["journal"]["pending"] and not status["journal"]["unwritten"]

    async def _agents(self) -> list[dict[str, Any]]:
        return list((await ask(self.folders.run, "agents", timeout_s=10))["agents"])

    @property
    def _pbx(self) -> tuple[str, int]:
        return self.site.bind, self.site.ports.sip

    def _part(self) -> Path:
        return self._work / f"sipp-{next(self._parts):02d}"


@asynccontextmanager
async def open_hall(work: Path) -> AsyncIterator[Hall]:
    """Everything up and every agent logged in; ends it all. Raises BenchError, and NotBrought in it."""
    place = find_place(MODULES)
    site, folders, sounds = await _furnished(work / "site")
    echo_log = work / "echo.log"
    async with EchoEngine.start(echo_log) as echo:
        forked = (sys.executable, "-I", str(_FORKED))
        write_private(site.folder / "extensions_custom.conf", dialplan(sounds, echo_url=echo.url, forked=forked))
        write_private(private_folder(folders.asterisk) / "queues.conf", queues(AGENTS))
        async with site_up(folders, work / "up.log") as up:
            await echo.join(site.ports.ami, folders, AGENTS, echo_log)
            hall = Hall(site, folders, place, up, sounds, work)
            await hall.log_in()
            yield hall


@asynccontextmanager
async def open_staffed_hall(work: Path, count: int) -> AsyncIterator[Hall]:
    """For `scale`: ``count`` agents, available since an earlier run of this site, as nobody types so many PINs."""
    place = find_place(MODULES)
    agents = tuple(str(extension) for extension in range(1001, 1002 + count) if extension != 2001)[:count]
    site, folders, sounds = await _furnished(work / "site", agents=agents)
    write_private(site.folder / "extensions_custom.conf", queue_dialplan())
    write_private(private_folder(folders.asterisk) / "queues.conf", queues(agents))
    await _note_available(folders, agents)
    async with site_up(folders, work / "up.log") as up:
        yield Hall(site, folders, place, up, sounds, work)


async def _note_available(folders: SiteFolders, agents: Sequence[str]) -> None:
    journal = await Journal.open(private_folder(folders.var) / folders.journal.name)
    book, now = JournalPresenceBook(journal), time.time()
    await asyncio.gather(*(book.save(agent, Presence.AVAILABLE, "", now) for agent in agents))
    await journal.close()


@asynccontextmanager
async def open_ivr_hall(work: Path) -> AsyncIterator[Hall]:
    """The same for `ivr`: its peers, with ARI, and ports for a thousand callers; nobody is logged in."""
    place = find_place(IVR_MODULES)
    site, folders, sounds = await _furnished(work / "site", modules=IVR_MODULES, rtp_ports=2400)
    port, password = free_tcp_port(), secrets.token_urlsafe(24)
    forked = (sys.executable, "-I", str(_FORKED_IVR))
    write_private(site.folder / "extensions_custom.conf", ivr_dialplan(sounds, forked=forked, app=_APP))
    for name, text in ari_files(password, port, _APP).items():
        write_private(private_folder(folders.asterisk) / name, text)
    async with site_up(folders, work / "up.log") as up, ari_menu(port, password, _APP, sounds, work / "ari.log") as ari:
        hall = Hall(site, folders, place, up, sounds, work, (ari,))
        async with hall.callers([Dial(TEACH_IVR)]) as callers:
            await callers.ended(timeout_s=10)
        yield hall


async def _furnished(folder: Path, **wanted: Any) -> tuple[Site, SiteFolders, MenuSounds]:
    """The bench's site with its prompts spoken. ``wanted`` as for `make_site`."""
    site = make_site(folder, **wanted)
    folders = SiteFolders(site.folder)
    shelf = await prompt_shelf(site, folders)
    language = site.default_language
    sounds = MenuSounds(
        shelf.path("welcome", language), shelf.path("choose_language", language), shelf.path("menu_main", "english")
    )
    return site, folders, sounds


def find_place(modules: Sequence[str]) -> AsteriskPlace:
    """Raises BenchError when there is no Asterisk or no SIPp to measure with."""
    try:
        place = read_place(asterisk_env())
    except (FileNotFoundError, SpecError):
        bring = (REPOSITORY / "asterisk" / "bring").relative_to(REPOSITORY)
        raise BenchError(f"there is no Asterisk to measure; {bring} brings one, without root") from None
    if not place.sipp:
        raise BenchError("there is no SIPp to call with; asterisk/bring brings one")
    absent = [module for module in modules if not place.has(module)]
    if absent:
        raise BenchError(f"this Asterisk has no {' and no '.join(absent)}, so there is no peer to measure")
    return place
