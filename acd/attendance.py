"""What the agents decide, and the one thing decided for them: the pause after too many misses.
Runs only inside a turn.

Presence (the table itself is `acd.model.PRESENCE_TABLE`):

    LOGGED_OUT ──log in──→ AVAILABLE ──pause──→ PAUSED (reason)
        ↑                   │    ↑                │  │
        └──────log out──────┘    └─────ready──────┘  │
        └────────────────────log out─────────────────┘

It says nothing of the call the agent may have: a pause or a log-out asked for in a call takes effect after it.
"""

from __future__ import annotations

from collections.abc import Callable

from acd.model import PresenceEvent
from acd.offering import Offering
from acd.parts import Parts
from acd.waits import Waits

RONA = "rona"  # the pause reason after too many misses: ring, no answer


class Attendance:
    """``changed(extension)`` is told so that the change can be kept."""

    def __init__(self, parts: Parts, offering: Offering, waits: Waits, changed: Callable[[str], None]) -> None:
        self._p = parts
        self._offering = offering
        self._waits = waits
        self._changed = changed

    async def move(self, extension: str, event: PresenceEvent, reason: str = "") -> bool:
        """False when the table has no such step from where the agent is."""
        now = self._p.clock()
        state = await self._p.store.set_presence(extension, event, now=now, reason=reason)
        if state is None:
            return False
        self._p.floor.note(state)
        self._changed(extension)
        self._p.tell.presence(state, now)
        if event in (PresenceEvent.LOG_IN, PresenceEvent.READY):
            self._p.floor.rest(extension, None)
        await self._offering.try_agent(extension)
        if event is PresenceEvent.LOG_OUT:
            await self._waits.gone_home(extension, now)
        return True

    async def blame(self, extension: str, now: float) -> None:
        """After a miss that was the agent's: a rest, and at the last a pause."""
        if self._p.rules.rest_after_miss_s > 0:
            self._p.floor.rest(extension, now + self._p.rules.rest_after_miss_s)
        if self._p.floor.state(extension).misses >= self._p.rules.misses_to_pause:
            await self.move(extension, PresenceEvent.PAUSE, RONA)
