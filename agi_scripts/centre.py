"""What a script needs of the centre: the parts, joined once by `hotline/app.py` and handed to every call.

Nothing here decides anything. A script gets a `Centre` and the session of its call, and no globals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acd.model import AgentSpec, Offer, QueueSpec
from acd.router import Router
from crm_bridge.journal import Journal
from crm_bridge.resume import LeftOff
from ivr.agi_voice import Utter, speechless
from ivr.flow.interpreter import World
from ivr.flow.model import Flow
from ivr.flow.place import after_queue
from ivr.media_source import NumberSpec
from ivr.pin_lock import PinLock

if TYPE_CHECKING:
    from agi_scripts.record import CallRecord


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an agent must prove at the desk. ``repr`` keeps the PIN to itself."""

    extension: str
    pin: str = field(repr=False)


@dataclass(slots=True)
class LiveCalls:
    """The calls whose coroutine runs now, by call id; those that ring an agent or talk, by the caller's channel; and
    where returning calls left off.

    ``draining``: the site takes no more calls, and whoever is not talking yet will not be served.
    ``closing``: the whole site is being stopped: a call that we let go will not come back, and a hang-up is ours.
    """

    by_id: dict[str, CallRecord] = field(default_factory=dict)
    dialled: dict[str, tuple[CallRecord, Offer]] = field(default_factory=dict)
    left_off: dict[str, LeftOff] = field(default_factory=dict)
    draining: bool = False
    closing: bool = False


@dataclass(frozen=True, slots=True)
class Centre:
    """The joined parts. ``clock``: Unix seconds, steady. ``prompt_path(key, language)``: the sound file
    as Asterisk wants it, absolute and without its ending. ``has_prompt(key)``: is there such a prompt?
    ``utter``: the sound file of a spoken value. ``country``: where a number without a country code is at home."""

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
    pin_lock: PinLock = field(default_factory=PinLock)
    live: LiveCalls = field(default_factory=LiveCalls)

    def flow_of(self, dnis: str) -> Flow:
        """The flow of a number; of the site's first number for one that the site no longer has."""
        spec = self.numbers.get(dnis) or next(iter(self.numbers.values()))
        return self.flows[spec.flow]

    def way_after(self, dnis: str, node: str | None) -> str | None:
        """Where the flow goes on when the queue at the place ``node`` gives up; None when that is no queue."""
        return after_queue(self.flow_of(dnis), self.flows, node)
