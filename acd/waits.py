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
        if now >= place.wait_until and place.ticket.offer is None and not place.ticket.timed_out:
            place.ticket.timed_out = True
            self._offering.tell(place)
            self._p.tell.of_call(EventKind.WAIT_OVER, place, now)
        if self._p.line.wait(place, now):
            self._p.tell.of_call(EventKind.STEP_BEGUN, place, now, step=place.step)

    async def go_on(self, call_id: str, now: float) -> None:
        """A step, a pause or the whole wait of this call is over."""
        place = self._p.line.get(call_id)
        if place is not None:
            self.wait(place, now)
            await self._offering.try_call(call_id)

    async def climb_stranded(self, now: float) -> None:
        """Somebody went home: calls that waited for them alone go on to what others can do."""
        for call_id in self._p.index.stranded():
            await self.go_on(call_id, now)
