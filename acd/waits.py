"""A call's wait: its steps, its end, and the moments when it begins again. Runs only inside a turn."""

from __future__ import annotations

from acd.deadlines import Due
from acd.events import EventKind
from acd.offering import Offering
from acd.overflow import Onward, next_look, onward
from acd.parts import Parts
from acd.tickets import Place, Ticket


class Waits:
    def __init__(self, parts: Parts, offering: Offering) -> None:
        self._p = parts
        self._offering = offering

    def enter(self, ticket: Ticket, now: float) -> Place:
        comes_in = onward(
            self._p.line.ladder(ticket.call.queue).spec.overflow,
            lambda: self._p.look(ticket.call.queue),
            ticket.call.joined_at if ticket.call.entered_at is None else ticket.call.entered_at,
            now,
            comes_in=not ticket.call.returned,
            been=ticket.call.been,
            is_closed=self._p.is_closed,
        )
        place = self._p.line.enter(ticket)
        self._p.tell.queued(place, now)
        if comes_in is not None and not ticket.call.agent and not ticket.call.stays:
            self.send_on(place, comes_in, now)
        self.wait(place, now)
        return place

    def send_on(self, place: Place, to: Onward, now: float) -> None:
        """Out of this queue. The call's coroutine does the rest; until then there is no offer for it."""
        if place.ticket.waits:
            place.ticket.onward = to
            self._offering.tell(place)
            self._p.tell.of_call(EventKind.SENT_ON, place, now, to=to.queue, why=to.why)
            self._p.line.wait(place, now)

    def wait(self, place: Place, now: float) -> None:
        """The call waits, from now or again or on; or its time is up. A phone that rings at that moment may go on
        ringing: it is when the call comes back without an answer that its time is up."""
        over = now >= place.wait_until or self._in_vain(place)
        if over and place.ticket.waits:
            place.ticket.timed_out = True
            self._offering.tell(place)
            self._p.tell.of_call(EventKind.WAIT_OVER, place, now)
        self._overflow(place, now)
        if self._p.line.wait(place, now):
            self._p.tell.of_call(EventKind.STEP_BEGUN, place, now, step=place.step)

    def relax(self, place: Place, now: float) -> bool:
        if not place.ticket.waits or not self._p.line.relax(place, now):
            return False
        self._p.tell.of_call(EventKind.STEP_BEGUN, place, now, step=place.step, wish=True)
        self.wait(place, now)
        return True

    def _overflow(self, place: Place, now: float) -> None:
        """By the clock, or because nobody is there any more. Not for a call that is for one agent."""
        call, rules = place.call, self._p.line.ladder(place.call.queue).spec.overflow
        if not rules or call.agent or call.stays or not place.ticket.waits:
            return
        entered_at = place.entered_at
        to = onward(
            rules,
            lambda: self._p.look(call.queue),
            entered_at,
            now,
            comes_in=False,
            been=call.been,
            is_closed=self._p.is_closed,
        )
        if to is not None:
            self.send_on(place, to, now)
        else:
            self._p.deadlines.set(Due.OVERFLOW, call.call_id, next_look(rules, entered_at, now))

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
        left_alone = [
            place.call.call_id
            for queue in self._p.floor.specs[extension].queues
            for place in self._p.line.of(queue)
            if self._p.line.ladder(queue).spec.overflow
        ]
        for call_id in (*self._p.index.direct_to(extension), *self._p.index.stranded(), *left_alone):
            await self.go_on(call_id, now)
