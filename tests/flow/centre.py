"""The sample site's whole call side for tests: the real server, scripts, journal and router, on a clock turned by hand,
with callers (`tests/fakes/fake_asterisk.py`) in Asterisk's place and a small dialplan around each of them.

`close` is itself a test: no task, no call, no offer is left behind, and nothing was logged as an error.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from acd.events import AcdEvent, EventKind
from acd.memory import MemoryStore
from acd.model import Engagement, PhoneState, Presence, QueueSpec
from acd.presence import MemoryPresenceBook
from acd.router import Router, Ticket
from agi_scripts import variables
from agi_scripts.call import serve_call, serve_ended
from agi_scripts.centre import Centre, Credentials, LiveCalls
from agi_scripts.desk import serve_desk
from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.resume import left_off
from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.site import Site
from ivr.agi.server import AgiServer, Route
from ivr.agi.session import AgiSession
from ivr.flow.interpreter import SiteWorld
from tests.fakes.fake_asterisk import FakeCaller
from tests.fakes.paper_centre import HandClock

SECRET = "flow"
LONG_S = 5.0  # real seconds that nothing here ever needs
SALES_IN_MANDARIN = "11"
# What the desk and the queues say of the sample's agents: these three meet the first step of SALES_IN_MANDARIN.
LAPTOP_MANDARIN = ("1001", "1002", "1006")


@cache
def sample_site() -> Site:
    """What `hotline init` writes, read once."""
    with TemporaryDirectory() as folder:
        init_site(Path(folder) / "site")
        return load_site(Path(folder) / "site")


Phone = Callable[["Caller", str], Awaitable[None]]
"""What an agent's phone does when it is rung for this caller; the extension is given, or several, joined by "&"."""


@dataclass
class Caller(FakeCaller):
    """``phones``: what happens at each Dial, in order; afterwards every agent talks for half a minute.
    ``moment``: after which command ``strike`` comes, once (0: right after the environment); ``during``: while that
    command runs."""

    centre: SampleCentre | None = None
    phones: list[Phone] = field(default_factory=list)
    moment: int | None = None
    strike: Callable[[Caller], None] = FakeCaller.hang_up
    during: bool = False
    replies: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.answers = {"": _struck, **self.answers, "EXEC Dial": _dial}

    @property
    def at_rest(self) -> bool:
        """The engine has let go, or Asterisk (not the engine) is at work."""
        return self._busy or self._let_go

    @property
    def let_go(self) -> bool:
        """The engine has closed, or is dead."""
        return self._let_go

    @property
    def next(self) -> str:
        return self.variables.get(variables.NEXT, "")

    @property
    def call_id(self) -> str:
        return self.variables.get(variables.CALL_ID, "")

    @property
    def rung(self) -> list[str]:
        """The extensions that were dialled, in order."""
        return [words[2].split(",")[0].replace("PJSIP/", "") for words in self.commands if words[1:2] == ("Dial",)]

    async def call(self) -> Caller:
        await super().call()
        if self.moment == 0:
            self.strike(self)
        return self

    async def _run(self, words: tuple[str, ...]) -> None:
        await super()._run(words)
        self.replies += 1
        if self.replies == self.moment and not self.during:
            self.strike(self)

    def dialled(self, status: str, cause: int, picked_up: str = "") -> None:
        self.variables |= {"DIALSTATUS": status, "HANGUPCAUSE": str(cause), "DIALEDPEERNUMBER": picked_up}

    def substitute(self, text: str) -> str:
        """The dialplan's arithmetic of the length of the talk is done here, on our clock."""
        return super().substitute(text.replace(f"${{{variables.TALKED_MS}}}", self.talked_ms()))

    def talked_ms(self) -> str:
        joined = self.variables.get(variables.ANSWERED, "")
        return f"{int(self.here.clock() * 1000) - int(joined)}" if joined else ""

    @property
    def here(self) -> SampleCentre:
        assert self.centre is not None
        return self.centre


async def _struck(caller: FakeCaller, words: tuple[str, ...]) -> None:
    assert isinstance(caller, Caller)
    if caller.during and len(caller.commands) == caller.moment:
        caller.strike(caller)


async def _dial(caller: FakeCaller, words: tuple[str, ...]) -> str:
    assert isinstance(caller, Caller)
    phone = caller.phones.pop(0) if caller.phones else talks()
    await phone(caller, words[2].split(",")[0].replace("PJSIP/", ""))
    return "200 result=-1" if caller.hung_up else "200 result=0"


# What a phone may do.


def talks(seconds: float = 30.0, *, ends: Callable[[Caller], None] | None = None) -> Phone:
    """``ends``: who hangs up, when it is not the agent."""

    async def phone(caller: Caller, extension: str) -> None:
        await caller.here.picked_up(caller, extension)
        caller.variables[variables.ANSWERED] = str(int(caller.here.clock() * 1000))
        caller.here.clock.now += seconds
        if ends is not None:
            ends(caller)
        caller.dialled("ANSWER", 16, extension)

    return phone


def first_of_all(extension: str, then: Phone) -> Phone:
    """Several phones ring, and this one is the first to be picked up."""

    async def phones(caller: Caller, extensions: str) -> None:
        assert extension in extensions.split("&")
        await then(caller, extension)

    return phones


def hangs_up_in_whisper(*, seen: bool = True) -> Phone:
    """Picked up, and down again before the two are joined. ``seen``: AMI has told that it was picked up."""

    async def phone(caller: Caller, extension: str) -> None:
        if seen:
            await caller.here.picked_up(caller, extension)
        caller.dialled("ANSWER", 16, extension)

    return phone


def fails(status: str, cause: int = 19) -> Phone:
    async def phone(caller: Caller, extension: str) -> None:
        caller.dialled(status, cause)

    return phone


async def caller_leaves(caller: Caller, extension: str) -> None:
    """While it rings."""
    caller.hang_up()
    caller.dialled("CANCEL", 0)


def held(gate: asyncio.Event, then: Phone | None = None) -> Phone:
    """Rings until the test opens the gate, or the caller leaves."""

    async def phone(caller: Caller, extension: str) -> None:
        await until(lambda: gate.is_set() or caller.hung_up or caller.let_go)
        await (caller_leaves if caller.hung_up else then or talks())(caller, extension)

    return phone


@dataclass(eq=False)
class SampleCentre:
    """Use `open_centre`. Everybody is logged out until `staff`, and after a restart no phone is known.
    ``deaf``: the router's knock goes astray."""

    journal: Journal
    queues: Mapping[str, QueueSpec]
    clock: HandClock = field(default_factory=HandClock)
    book: MemoryPresenceBook = field(default_factory=MemoryPresenceBook)
    deaf: bool = False
    callers: list[Caller] = field(default_factory=list)
    events: list[AcdEvent] = field(default_factory=list)
    lines: list[logging.LogRecord] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # prompts that the site does not have

    async def start(self) -> None:
        """An engine on the journal: the first, or the one after a death."""
        self.site = sample_site()
        self.live = LiveCalls()
        self.router = Router(
            store=MemoryStore(),
            queues=self.queues,
            agents=self.site.agent_specs,
            wake=self._wake,
            clock=self.clock,
            reports=self.events.append,
            presence=self.book,
        )
        await self.router.start()
        self.centre = self._centre()
        routes = {"call": self._to(serve_call), "ended": self._to(serve_ended), "desk": self._to(serve_desk)}
        self.agi = AgiServer(host="127.0.0.1", port=0, secret=SECRET, routes=routes)
        await self.agi.start()

    async def restart(self, *, expect_s: float = 0.0) -> None:
        """The engine dies, callers are cut off, and a new one reads where they were. ``expect_s``: how long it waits
        for those that were in line."""
        await self.agi.stop(0)
        await self.settle()
        await self.written()  # it dies a moment after its last note, not before that is on disk
        await self.start()
        places = await left_off(self.journal)
        self.live.left_off.update(places)
        if expect_s:
            waiting = [call_id for call_id, place in places.items() if place.waiting]
            self.router.expect(waiting, self.clock() + expect_s)

    def _centre(self) -> Centre:
        site = self.site
        return Centre(
            numbers=site.numbers,
            flows=site.flows,
            queues=self.queues,
            agents=site.agent_specs,
            credentials={
                extension: Credentials(extension, agent.pin, language=agent.language)
                for extension, agent in site.agents.items()
            },
            router=self.router,
            journal=self.journal,
            world=SiteWorld(site.hours, self.clock),
            clock=self.clock,
            prompt_path=self._prompt,
            has_prompt=site.prompts.__contains__,
            default_language=site.default_language,
            live=self.live,
        )

    def _prompt(self, key: str, language: str) -> str:
        if key not in self.site.prompts or language not in self.site.languages:
            self.asked.append(f"{language}/{key}")
        return f"/prompts/{language}/{key}"

    def _to(self, script: Callable[[AgiSession, Centre], Awaitable[None]]) -> Route:
        return lambda session: script(session, self.centre)

    def _wake(self, ticket: Ticket) -> None:
        if not self.deaf:
            next(caller for caller in reversed(self.callers) if caller.channel == ticket.tag).press("D")

    async def picked_up(self, caller: Caller, extension: str) -> None:
        """What Asterisk's DialEnd does, as `hotline/pbx_watch.py` takes it."""
        record, offers = self.live.dialled.get(caller.channel, (None, {}))
        if record is not None and extension in offers:
            record.answered(extension)
            await self.router.answered(offers[extension])

    # Calls.

    def caller(self, keys: str = SALES_IN_MANDARIN, **more: Any) -> Caller:
        """Not yet calling. ``keys`` are typed ahead."""
        more = {"hurry": 0.001, "centre": self, **more}
        caller = Caller(more.pop("port", self.agi.port), SECRET, **more)
        caller.press(keys)
        self.callers.append(caller)
        return caller

    async def dial(self, keys: str = SALES_IN_MANDARIN, **more: Any) -> Caller:
        return await self.caller(keys, **more).call()

    async def dial_and_wait(self, keys: str = SALES_IN_MANDARIN, **more: Any) -> Caller:
        """Dial, with nobody free, until the music plays."""
        caller = await self.dial(keys, **more)
        await caller.said("WAIT", "FOR", "DIGIT")
        return caller

    async def knock(self, old: Caller, route: str = "call", **more: Any) -> Caller:
        """The same channel, at the engine again, with what it remembers (as dialplans/templates/extensions.conf.j2)."""
        known = old.variables
        names = (variables.CALL_ID, variables.JOINED, variables.QUEUE, variables.LANGUAGE, "DIALSTATUS")
        args = [*(known.get(name, "") for name in names), old.talked_ms()]
        more_names = (variables.PRIORITY, variables.ATTRIBUTES, variables.AGENT, variables.WAIT_UNTIL)
        args += [known.get(name, "") for name in more_names]
        same = {"channel": old.channel, "extension": old.extension, "variables": known, "phones": old.phones}
        keys = more.pop("keys", "".join(old._keys))
        new = self.caller(keys, route=route, args=args, **{**same, **more})
        new.uniqueid, new.hung_up = old.uniqueid, old.hung_up
        await new.call()
        return new

    async def see_out(self, caller: Caller) -> Caller:
        """The dialplan after our script: it knocks until we say that we are done, and `h` tells who hung up."""
        for _ in range(5):
            await caller.over()
            if caller.next:
                return caller
            over = caller.hung_up or variables.ANSWERED in caller.variables
            caller = await self.knock(caller, "ended" if over else "call")
        raise AssertionError(f"never done with: {caller.commands}")

    async def staff(self, *extensions: str) -> None:
        """Log these in, phones free; each idle for a second longer than the next."""
        for extension in extensions:
            self.router.phone(extension, PhoneState.FREE)
            await self.router.log_in(extension)
            self.clock.now += 1

    # Time.

    async def settle(self) -> None:
        """Until the engine has nothing to do but wait for Asterisk."""
        calm, last = 0, -1
        async with asyncio.timeout(LONG_S):
            while calm < 10:
                now = sum(len(caller.commands) for caller in self.callers)
                quiet = now == last and all(caller.at_rest for caller in self.callers if caller._task)
                calm, last = calm + 1 if quiet else 0, now
                await asyncio.sleep(0 if quiet else 0.0005)

    async def pass_time(self, seconds: float) -> None:
        """Stop at every deadline on the way, as the router's clock does."""
        end = self.clock.now + seconds
        for _ in range(1000):
            due = await self.router.tick()
            await self.settle()
            if due is None or due > end:
                break
            self.clock.now = max(self.clock.now, due)
        else:
            raise AssertionError("the router goes round in circles")
        self.clock.now = max(self.clock.now, end)  # a conversation takes its own time
        await self.router.tick()
        await self.settle()

    # Looking.

    def on_disk(self, call_id: str | None = None) -> list[Entry]:
        """What a kill -9 at this moment would leave, in order. None: of all calls."""
        connection = sqlite3.connect(self.journal.path)
        rows = connection.execute("SELECT call_id, kind, at, fields FROM entries ORDER BY seq").fetchall()
        connection.close()
        return [Entry(c, kind, at, json.loads(text)) for c, kind, at, text in rows if call_id in (None, c)]

    async def story(self, caller: Caller) -> list[str]:
        """The call's entries in order: the kind, and what matters of it."""
        await self.written()
        return [_told(entry) for entry in self.on_disk(caller.call_id)]

    async def outcomes(self, call_id: str) -> list[Mapping[str, Any]]:
        await self.written()
        return [entry.fields for entry in self.on_disk(call_id) if entry.kind == "outcome"]

    async def outcome(self, caller: Caller) -> Mapping[str, Any]:
        [only] = await self.outcomes(caller.call_id)
        return only

    async def written(self) -> None:
        """All that was noted so far: the journal keeps the order."""
        await self.journal.write(lambda connection: None, keep=False)

    def offers(self) -> list[tuple[str, str]]:
        """(call id, extension), in order."""
        return [(event.call_id, event.agent) for event in self.events if event.kind is EventKind.OFFERED]

    async def agent(self, extension: str) -> tuple[Presence, Engagement]:
        [view] = [view for view in await self.router.agents() if view.extension == extension]
        return view.presence, view.engagement

    async def engagements(self) -> set[Engagement]:
        return {view.engagement for view in await self.router.agents()}

    @asynccontextmanager
    async def stalled_disk(self) -> AsyncIterator[None]:
        """Nothing becomes durable inside."""
        loop, writing, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def wait(connection: sqlite3.Connection) -> None:
            loop.call_soon_threadsafe(writing.set)
            go.wait(LONG_S)

        job = asyncio.create_task(self.journal.write(wait, keep=False))
        await writing.wait()
        try:
            yield
        finally:
            go.set()
            await job

    async def leave_nothing(self) -> None:
        """The state that every test ends in."""
        await self.agi.stop(0)
        for caller in self.callers:
            if caller._task is not None:
                await caller.over()
        assert not self.live.by_id
        assert not self.live.dialled
        assert await self.engagements() <= {Engagement.IDLE, Engagement.WRAP_UP}
        assert not self.router._line._places, "a call is still in line"
        assert not [line.getMessage() for line in self.lines if line.levelno >= logging.ERROR]
        assert not self.asked, "prompts that the site does not have"


_TOLD = {
    "call_started": ("dnis", "source"),
    "node": ("name",),
    "language": ("language",),
    "queued": ("queue",),
    "offered": ("agent",),
    "offer_missed": ("agent", "why"),
    "answered": ("agent",),
    "outcome": ("outcome", "hangup_by"),
}


def _told(entry: Entry) -> str:
    return " ".join([entry.kind, *(str(entry.fields[name]) for name in _TOLD.get(entry.kind, ()))])


class _Ear(logging.Handler):
    def __init__(self, lines: list[logging.LogRecord]) -> None:
        super().__init__(logging.DEBUG)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record)


@asynccontextmanager
async def open_centre(folder: Path, **rules: Any) -> AsyncIterator[SampleCentre]:
    """``rules``: fields of every queue to be other than the sample's (``wrap_up_s=0``)."""
    before = asyncio.all_tasks()
    queues = {name: replace(spec, **rules) for name, spec in sample_site().queues.items()}
    journal = await Journal.open(folder / "journal.db")
    centre = SampleCentre(journal, queues)
    ear, root = _Ear(centre.lines), logging.getLogger()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        await centre.start()
        yield centre
        await centre.leave_nothing()
    finally:
        await centre.agi.stop(0)
        await journal.close()
        root.removeHandler(ear)
        root.setLevel(level)
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}, "tasks are left"


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not true():  # noqa: ASYNC110 (what is waited for is the engine's doing: there is no event to wait for)
            await asyncio.sleep(0.001)


def first_words(commands: Sequence[tuple[str, ...]]) -> list[str]:
    return [" ".join(words[:2]) for words in commands]
