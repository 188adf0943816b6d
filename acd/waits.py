"""A call's wait: its steps, its end, and the moments when it begins again. Runs only inside a turn."""

from __future__ import annotations

from acd.events import EventKind
from acd.offering import Offering
from acd.parts import Parts
from acd.tickets import Place, Ticket


class Waits:
    def __init__(self, parts: Parts, offering: Offering) -> None:
        self._p = parts
        self._offering = offering

    def enter(self, ticket: Ticket, now: float) -> Place:
        place = self._p.line.enter(ticket)
        self._p.tell.queued(place, now)
        self.wait(place, now)
        return place

    def wait(self, place: Place, now: float) -> None:
        """The call waits, from now or again or on; or its time is up. A phone that rings at that moment may go on
        ringing: it is when the call comes back without an answer that its time is up."""
        over = now >= place.wait_until or self._in_vain(place)
        if over and place.ticket.offer is None and not place.ticket.timed_out:
            place.ticket.timed_out = True
            self._offering.tell(place)
            self._p.tell.of_call(EventKind.WAIT_OVER, place, now)
        if self._p.line.wait(place, now):
            self._p.tell.of_call(EventKind.STEP_BEGUN, place, now, step=place.step)

    def _in_vain(self, place: Place) -> bool:
        """A direct call whose agent has gone home, was never ours, or did not take it. One who is paused or talks may
        be back before its time is up."""
        agent = place.call.agent
        return bool(agent) and (agent in place.refused or not self._p.floor.is_staffed(agent))

    async def go_on(self, call_id: str, now: float) -> None:
        """A step, a pause or the whole wait of this call is over."""
        place = self._p.line.get(call_id)
        if place is not None:
            self.wait(place, now)
            await self._offering.try_call(call_id)

    async def gone_home(self, extension: str, now: float) -> None:
        """Calls that waited for this agent alone go on to what others can do, and those for nobody else give up."""
        for call_id in (*self._p.index.direct_to(extension), *self._p.index.stranded()):
            await self.go_on(call_id, now)
