"""What the router does when a promised instant comes. Runs only inside a turn, and only the clock calls it.

No engagement is without a deadline, so no agent is ever stuck: the coroutine that should have moved them on may
be hung, its Asterisk frozen, its event lost.
"""

from __future__ import annotations

from acd.attendance import Attendance
from acd.deadlines import Due
from acd.dispatch import Dispatch
from acd.model import AgentState, Engagement, PhoneState
from acd.offering import Offering
from acd.parts import Parts
from acd.resync import resync
from acd.waits import Waits

_HELD_RING_S = 1.0  # how often an overdue ring is looked at while we cannot see the phones


class Clockwork:
    def __init__(
        self, parts: Parts, offering: Offering, waits: Waits, dispatch: Dispatch, attendance: Attendance
    ) -> None:
        self._p = parts
        self._attendance = attendance
        self._offering = offering
        self._waits = waits
        self._dispatch = dispatch

    async def act(self, now: float) -> None:
        """Everything that is due at ``now`` (Unix s), in the order in which it fell due."""
        while (key := self._p.deadlines.pop(now)) is not None:
            await self._one(*key, now)

    async def _one(self, due: Due, whom: str, now: float) -> None:
        match due:
            case Due.STEP | Due.WAIT | Due.BACK | Due.OVERFLOW:
                await self._waits.go_on(whom, now)
            case Due.AGENT:
                await self._agent(self._p.floor.state(whom), now)
            case Due.REST:
                self._p.floor.rest(whom, None)
                self._p.tell.rest(whom, None, now)
                await self._offering.try_agent(whom)
            case Due.RONA:
                await self._attendance.rona_over(whom)
            case Due.EXPECTED:
                self._p.held.expected.clear()
                await self._offering.try_all()
            case Due.RESYNC:
                await resync(self._p, self._offering, self._waits, self._dispatch)

    async def _agent(self, state: AgentState, now: float) -> None:
        if state.engagement is Engagement.WRAP_UP:
            await self._dispatch.wrap_up_over(state.extension)
        elif state.offer is not None and state.engagement is Engagement.RESERVED:
            await self._dispatch.lapse(state.offer, "nobody took it up")
        elif state.offer is not None and state.engagement is Engagement.TALKING:
            await self._dispatch.end(state.offer)
        elif state.offer is not None:
            await self._overdue_ring(state, now)

    async def _overdue_ring(self, state: AgentState, now: float) -> None:
        """Dial should have ended it. A phone that is in use has been answered and we missed the event; while the
        phones cannot be seen nothing is concluded."""
        assert state.offer is not None  # noqa: S101 (for the type checker; the caller has looked)
        if self._p.floor.phone(state.extension) is PhoneState.BUSY:
            await self._dispatch.answer(state.offer)
        elif self._p.held.reasons:
            self._p.deadlines.set(Due.AGENT, state.extension, now + _HELD_RING_S)
        else:
            await self._dispatch.lapse(state.offer, "rang past its end")
