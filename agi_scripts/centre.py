"""What a script needs of the centre: the parts, joined once by `hotline/app.py` and handed to every call.

Nothing here decides anything. A script gets a `Centre` and the session of its call, and no globals.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from acd.model import AgentSpec, Offer, QueueSpec
from acd.router import Router
from acd.standing import StandingRules
from agi_scripts.admission import Admission
from agi_scripts.outside_numbers import OutsideNumbers
from agi_scripts.regained import RegainedPlaces
from agi_scripts.studio import Studio
from agi_scripts.talk import Consultation, Destination, Talk
from crm_bridge.journal import Journal
from crm_bridge.resume import LeftOff
from crm_bridge.work_lists import Abandoned
from ivr.agi_script import Launch
from ivr.agi_voice import Utter, speechless
from ivr.closures import Closure
from ivr.flow.interpreter import World
from ivr.flow.model import Flow
from ivr.flow.place import WaysOn, after_queue, find_place
from ivr.hours import LineHours
from ivr.media_source import NumberSpec
from ivr.pin_lock import PinLock

if TYPE_CHECKING:
    from agi_scripts.announcing import WaitingRules
    from agi_scripts.callbacks import Callbacks
    from agi_scripts.record import CallRecord
    from agi_scripts.talk_recording import Recordings
    from agi_scripts.wrap_up import DispositionSpec


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an agent must prove at the desk, and whether they may do more there. ``repr`` keeps the PIN to itself."""

    extension: str
    pin: str = field(repr=False)
    supervisor: bool = False
    language: str = ""  # what the desk speaks to them; '': the site's


class Console(Protocol):
    """What a script may ask of Asterisk beside its own channel."""

    def wake(self, channel: str) -> None:
        """End that caller's wait."""

    async def redirect(self, channel: str, context: str) -> bool:
        """Send a channel, wherever it is, to ``context``'s `s`. False: there is no such channel, or no Asterisk."""

    async def hangup(self, channel: str) -> bool:
        """False: as above."""

    async def mute_recording(self, channel: str, mute: bool) -> bool:
        """Write silence in place of what is said there, or no longer. False: nothing is recorded there."""

    async def variable(self, channel: str, name: str) -> str:
        """Of a channel that another script holds; '' where it is not set."""


class NoConsole:
    """Where there is no Asterisk to be asked."""

    def wake(self, channel: str) -> None:
        pass

    async def redirect(self, channel: str, context: str) -> bool:
        return False

    async def hangup(self, channel: str) -> bool:
        return False

    async def mute_recording(self, channel: str, mute: bool) -> bool:
        return False

    async def variable(self, channel: str, name: str) -> str:
        return ""


async def nobody_abandoned(queues: Sequence[str]) -> Abandoned | None:
    return None


class LineClosings(Protocol):
    """Lines closed by hand. Durable, and known to every call, when these return. Both raise JournalError."""

    async def close(self, closure: Closure) -> None: ...

    async def open(self, line: str) -> bool:
        """False: it was not closed by hand."""


@dataclass(slots=True)
class LiveCalls:
    """The calls whose coroutine runs now, by call id; those that ring agents or talk, with the offers by agent, by the
    caller's channel; those that ring outside of the house or talk there, likewise; and where returning calls left off.
    ``talks``: by the agent's extension, while their phone rings for a call or they talk; ``consultations``: by their
    token; ``last_talks``: agent → call id and queue of the last conversation that is over.

    ``draining``: the site takes no more calls, and whoever is not talking yet will not be served.
    ``closing``: the whole site is being stopped: a call that we let go will not come back, and a hang-up is ours.
    """

    by_id: dict[str, CallRecord] = field(default_factory=dict)
    talks: dict[str, Talk] = field(default_factory=dict)
    consultations: dict[str, Consultation] = field(default_factory=dict)
    last_talks: dict[str, tuple[str, str]] = field(default_factory=dict)
    dialled: dict[str, tuple[CallRecord, dict[str, Offer]]] = field(default_factory=dict)
    outward: dict[str, CallRecord] = field(default_factory=dict)
    left_off: dict[str, LeftOff] = field(default_factory=dict)
    draining: bool = False
    closing: bool = False
    rung_back: set[str] = field(default_factory=set)  # abandoned calls that somebody has taken on
    errands: set[asyncio.Task[None]] = field(default_factory=set)  # asyncio keeps only weak references

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Work that goes on when the script that wants it is over."""
        task = asyncio.create_task(work)
        self.errands.add(task)
        task.add_done_callback(self.errands.discard)


@dataclass(frozen=True, slots=True)
class Centre:
    """The joined parts. ``clock``: Unix seconds, steady. ``prompt_path(key, language)``: the sound file
    as Asterisk wants it, absolute and without its ending. ``has_prompt(key)``: is there such a prompt?
    ``utter``: the sound file of a spoken value. ``country``: where a number without a country code is at home.
    ``languages``: the site's word → code of its texts. ``launch``: starts AGI scripts of the site.
    ``recordings``: the folder of what callers leave behind; ``conversations``: None where
    none is recorded; ``waiting``: what callers hear, by queue; ``callbacks``: None where nobody is called back;
     ``dispositions``: what an agent may say of a call, by queue and key.
    ``menu_s``: how long one call may be in menus, all in all.
    ``hours``: the lines, in the order of their numbers at the desk; ``closings``: None where no line can be closed;
    ``studio``: None where no prompt can be recorded. ``destinations``: whom a caller may be passed on to, by what an
    agent types."""

    numbers: Mapping[str, NumberSpec]
    flows: Mapping[str, Flow]
    queues: Mapping[str, QueueSpec]
    agents: Mapping[str, AgentSpec]
    credentials: Mapping[str, Credentials]
    router: Router
    journal: Journal
    world: World
    clock: Callable[[], float]
    prompt_path: Callable[[str, str], str]
    has_prompt: Callable[[str], bool]
    default_language: str
    country: str = ""
    utter: Utter = speechless
    languages: Mapping[str, str] = field(default_factory=dict)
    launch: Launch | None = None
    recordings: Path | None = None
    conversations: Recordings | None = None
    waiting: Mapping[str, WaitingRules] = field(default_factory=dict)
    callbacks: Callbacks | None = None
    last_abandoned: Callable[[Sequence[str]], Awaitable[Abandoned | None]] = nobody_abandoned
    dispositions: Mapping[str, Mapping[str, DispositionSpec]] = field(default_factory=dict)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    menu_s: float = math.inf
    hours: Mapping[str, LineHours] = field(default_factory=dict)
    closings: LineClosings | None = None
    studio: Studio | None = None
    admission: Admission = field(default_factory=Admission)
    standing: StandingRules = field(default_factory=StandingRules)
    regained: RegainedPlaces = field(default_factory=RegainedPlaces)
    pin_lock: PinLock = field(default_factory=PinLock)
    console: Console = field(default_factory=NoConsole)
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    outside_numbers: OutsideNumbers = field(default_factory=OutsideNumbers)
    live: LiveCalls = field(default_factory=LiveCalls)

    def flow_of(self, dnis: str) -> Flow:
        """The flow of a number; of the site's first number for one that the site no longer has."""
        spec = self.numbers.get(dnis) or next(iter(self.numbers.values()))
        return self.flows[spec.flow]

    def flow_at(self, dnis: str, place: str) -> str:
        """The name of the flow that the node at this place is written in: maybe a sub-flow's."""
        found = find_place(self.flow_of(dnis), self.flows, place)
        return (found.flow if found is not None else self.flow_of(dnis)).name

    def ways_on(self, dnis: str, place: str) -> WaysOn | None:
        """How the flow goes on from the queue at this place; None when the flow has another node there. A place that
        is in the flow no more is taken for a queue after which there is nothing."""
        if find_place(self.flow_of(dnis), self.flows, place) is None:
            return WaysOn()
        return after_queue(self.flow_of(dnis), self.flows, place)
