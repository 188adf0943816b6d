"""The calls as the router knows them: their tickets, and where each stands on its queue's ladder.

Law: the index holds exactly the calls that may be offered now: those without an offer, not timed out, not
closing, not sitting out. Changed only inside a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from acd.deadlines import Deadlines, Due
from acd.ladder import Ladder
from acd.matching import Index
from acd.model import Offer, place_in_line
from acd.tickets import Place, Ticket


class UnknownQueue(ValueError):
    """A call asks for a queue the site does not have."""


class Line:
    def __init__(
        self,
        ladders: Mapping[str, Ladder],
        index: Index,
        deadlines: Deadlines,
        class_s: float,
        is_staffed: Callable[[str], bool],
    ) -> None:
        self._class_s = class_s  # of one priority class
        self._is_staffed = is_staffed
        self._ladders = ladders
        self._index = index
        self._deadlines = deadlines
        self._places: dict[str, Place] = {}
        self._queues: dict[str, dict[str, Place]] = {name: {} for name in ladders}  # the same, by queue

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places.values())

    def of(self, queue: str) -> Collection[Place]:
        return self._queues[queue].values() if queue in self._queues else ()

    def get(self, call_id: str) -> Place | None:
        return self._places.get(call_id)

    def at(self, offer: Offer) -> Place | None:
        """The place that holds this very offer."""
        place = self._places.get(offer.call_id)
        held = place.ticket.offer if place is not None else None
        return place if held is not None and held.token == offer.token else None

    def ladder(self, queue: str) -> Ladder:
        try:
            return self._ladders[queue]
        except KeyError:
            raise UnknownQueue(queue) from None

    def enter(self, ticket: Ticket) -> Place:
        call = ticket.call
        spec = self.ladder(call.queue).spec
        entered_at = call.joined_at if call.entered_at is None else call.entered_at
        wait_until = entered_at + (spec.max_wait_s if call.wait_s is None else call.wait_s)
        place = self._places[call.call_id] = Place(ticket, 0, entered_at, wait_until)
        if not call.agent:
            place.preferred = next(filter(self._is_staffed, call.preferred), "")
            place.preferred_until = entered_at + spec.preferred_s
        self._queues[call.queue][call.call_id] = place
        self._deadlines.set(Due.WAIT, call.call_id, wait_until)
        return place

    def drop(self, call_id: str) -> None:
        """The call is out, whatever it held."""
        place = self._places.pop(call_id, None)
        if place is None:
            return
        self._queues[place.call.queue].pop(call_id, None)
        place.ticket.offer = None
        place.ticket.closed = True
        self._index.remove_call(call_id)
        for due in (Due.STEP, Due.WAIT, Due.BACK, Due.OVERFLOW):
            self._deadlines.set(due, call_id, None)

    def offered(self, place: Place, offer: Offer) -> None:
        place.ticket.offer = offer
        self._index.remove_call(place.call.call_id)

    def another(self, place: Place) -> str | None:
        """One more agent who could take a call that is offered already, and has not refused it."""
        if place.kept_for:
            return None
        call = place.call
        of = self.ladder(call.queue).call_class(place.step, call.attributes)
        self._index.add_call(place_in_line(call, self._class_s), of, place.refused)
        found = self._index.best_agent(call.call_id)
        self._index.remove_call(call.call_id)
        return None if found in place.refused else found

    def forget(self, offer: Offer) -> None:
        """One of several phones does not ring any more."""
        place = self._places.get(offer.call_id)
        if place is not None and offer in place.beside:
            place.beside.remove(offer)

    def sit_out(self, place: Place, until: float) -> None:
        place.out_until = until
        self._deadlines.set(Due.BACK, place.call.call_id, until)

    def wait(self, place: Place, now: float) -> bool:
        """Bring the place up to ``now`` (Unix s) and into the index, or out of it; True when its step is a new one.
        For a call that holds an offer only the ladder moves."""
        climbed = self._climb(place, now)
        self._settle(place, now)
        return climbed

    def _climb(self, place: Place, now: float) -> bool:
        call, before = place.call, place.step
        if call.agent:  # for one agent, whatever the steps ask for: there is nothing to climb
            return False
        if self._is_kept(place, now):
            self._deadlines.set(Due.STEP, call.call_id, place.preferred_until)
            return False
        ladder = self.ladder(call.queue)
        place.step, place.step_since = ladder.climb(place.step, place.step_since, call.attributes, now)
        self._deadlines.set(Due.STEP, call.call_id, ladder.end(place.step, place.step_since))
        return place.step != before

    def relax(self, place: Place, now: float) -> bool:
        """To the last step, by the caller's wish. False: it is there, or kept for somebody."""
        last = self.ladder(place.call.queue).last
        if place.kept_for or place.step >= last:
            return False
        place.step, place.step_since = last, now
        return True

    def _is_kept(self, place: Place, now: float) -> bool:
        """For the agent whom it should rather have. The steps begin when that is over, whatever ended it."""
        agent = place.preferred
        if agent and now < place.preferred_until and agent not in place.refused and self._is_staffed(agent):
            return True
        if agent:
            place.preferred = ""
            place.step_since = min(now, place.preferred_until)
        return False

    def _settle(self, place: Place, now: float) -> None:
        ticket, call = place.ticket, place.call
        if not ticket.waits or now < place.out_until:
            self._index.remove_call(call.call_id)
            return
        order = place_in_line(call, self._class_s)
        if place.kept_for:
            self._index.add_direct(order, place.kept_for)
            return
        of = self.ladder(call.queue).call_class(place.step, call.attributes)
        self._index.add_call(order, of, place.refused)
