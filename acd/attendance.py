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

from acd.deadlines import Due
from acd.model import Miss, PresenceEvent
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
        self.watch_rona(extension, now)
        self._changed(extension)
        self._p.tell.presence(state, now, event)
        if event in (PresenceEvent.LOG_IN, PresenceEvent.READY):
            self._rest(extension, None, now)
        await self._offering.try_agent(extension)
        if event is PresenceEvent.LOG_OUT:
            await self._waits.gone_home(extension, now)
        return True

    async def blame(self, extension: str, why: Miss, now: float) -> None:
        """After a miss that was the agent's: a rest, and at the last a pause."""
        rona = self._p.rules.rona[why]
        if rona.rest_s > 0:
            self._rest(extension, now + rona.rest_s, now)
        if self._p.floor.state(extension).misses.of(why) >= rona.misses:
            await self.move(extension, PresenceEvent.PAUSE, RONA)

    def _rest(self, extension: str, until: float | None, now: float) -> None:
        if until is not None or self._p.floor.resting_until(extension) is not None:
            self._p.floor.rest(extension, until)
            self._p.tell.rest(extension, until, now)

    async def rona_over(self, extension: str) -> None:
        """The pause for missed calls has lasted long enough. One that the agent has made their own stays."""
        if self._p.floor.state(extension).pause_reason == RONA:
            await self.move(extension, PresenceEvent.READY)

    def watch_rona(self, extension: str, now: float) -> None:
        """Whether, and when, this agent's pause ends by itself."""
        paused, ends_s = self._p.floor.state(extension).pause_reason == RONA, self._p.rules.rona_ends_s
        self._p.deadlines.set(Due.RONA, extension, now + ends_s if paused and ends_s is not None else None)
