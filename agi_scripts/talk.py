"""A conversation that goes on: between a caller and one agent, and where the caller goes when the agent passes them on.

The caller's own coroutine stays the owner of the call to its end. Whoever acts on the agent's leg (`leg_desk.py`), or
beside it (`supervising.py`), only leaves word here; when the leg ends, the caller's coroutine looks.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acd.model import Offer
    from agi_scripts.record import CallRecord


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a caller may be passed on to: one of these. ``outside``: a name in the site's list."""

    agent: str = ""
    queue: str = ""
    outside: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """A leg that waits to be joined to the caller, and whose it is. ``offer``: by which a queue gave them."""

    channel: str
    who: Destination
    offer: Offer | None = None


@dataclass(eq=False, slots=True)
class Consultation:
    """An agent (``by``) has somebody on the line about the caller, who hears music. ``chosen`` ends it: who is to have
    the caller, the one who was asked or the agent again; or None: the agent left before anybody had picked up."""

    asked: Destination
    by: str
    record: CallRecord  # the caller's
    offer: Offer | None = None  # by which the queue that was asked gave somebody
    alone: asyncio.Event = field(default_factory=asyncio.Event)  # the caller is out of the ACD, and hears music
    left: asyncio.Event = field(default_factory=asyncio.Event)  # the agent has hung up on who was asked
    chosen: asyncio.Future[Party | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def choose(self, party: Party | None) -> bool:
        """False: it was over."""
        if self.chosen.done():
            return False
        self.chosen.set_result(party)
        return True


@dataclass(frozen=True, slots=True)
class Handover:
    """``by``: the extension of who passed the caller on, to whom the call goes back if nobody takes it.
    ``consultation``: somebody is asked first."""

    to: Destination
    by: str
    consultation: Consultation | None = None


@dataclass(eq=False, slots=True)
class Talk:
    """``extension``: the agent's. ``channel``: the agent's leg, as soon as it is known."""

    record: CallRecord
    extension: str
    channel: str = ""
    handover: Handover | None = None
    recording: str = ""  # the stem of its files, or ''
    recorder: str = ""  # the channel that is recorded
    paused: bool = False
    pauses: int = 0
