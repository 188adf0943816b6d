"""An offer's life, from its first ring to the agent being free again. Runs only inside a turn.

An agent's engagement, as the router drives it (the table itself is `acd.model.ENGAGEMENT_TABLE`):

              offer            Dial             answer             hang-up
        IDLE ───────→ RESERVED ─────→ RINGING ─────────→ TALKING ───────────→ WRAP_UP ──→ IDLE
          ↑   lapse,     │               │  no answer: rest,                  its end, or a key
          └── withdrawn ─┴───────────────┘  after three in a row paused (rona)

Every method that frees an agent or sends a call back into the line ends in a try for both (`acd/offering.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from acd.attendance import Attendance
from acd.events import EventKind
from acd.model import Engagement, EngagementEvent, Miss, Offer
from acd.offering import Offering
from acd.parts import Parts
from acd.tickets import Place
from acd.waits import Waits


class Dispatch:
    def __init__(self, parts: Parts, offering: Offering, waits: Waits, attendance: Attendance) -> None:
        self._p = parts
        self._offering = offering
        self._waits = waits
        self._attendance = attendance

    async def ring(self, offer: Offer, within_s: float | None = None) -> bool:
        """True: the agent is this call's, ring them. Telling it twice is no error."""
        if self._is(offer, Engagement.RINGING):
            return True
        now = self._p.clock()
        offer_s = self._p.line.ladder(offer.queue).spec.offer_s if within_s is None else within_s
        ring_s = offer_s + self._p.rules.ring_grace_s
        if not await self._step(offer, EngagementEvent.RING, now, now + ring_s):
            self._not_ours(offer)
            return False
        place = self._p.line.at(offer)
        if place is not None:
            place.lapses = 0
        self._p.tell.of_offer(EventKind.RINGING, offer, now, deadline=now + ring_s)
        return True

    async def answer(self, offer: Offer) -> bool:
        """True: they talk. Told by Asterisk's event and by the coroutine, in whatever order."""
        if self._is(offer, Engagement.TALKING):
            return True
        now = self._p.clock()
        deadline = now + self._p.rules.talk_max_s
        if not await self._step(offer, EngagementEvent.ANSWER, now, deadline):
            return False
        self._p.tell.of_offer(EventKind.ANSWERED, offer, now, deadline=deadline)
        await self._only(offer)
        return True

    async def beside(self, offer: Offer, most: int) -> list[Offer]:
        """Other phones that are to ring with this one's: up to so many agents who could take the call too."""
        place = self._p.line.at(offer)
        if place is None or not self._is(offer, Engagement.RINGING):
            return []
        await self._offering.beside(place, offer, most)
        return [one for one in place.beside if await self.ring(one)]

    async def _only(self, offer: Offer) -> None:
        """Of the phones that rang for this call one was answered: the others do not ring any more."""
        place, now = self._p.line.get(offer.call_id), self._p.clock()
        if place is None or not place.beside:
            return
        own, place.ticket.offer = place.ticket.offer, offer
        rang = await self._none_beside(place, Miss.WITHDRAWN, now, but=offer)
        if own is not None and own != offer and await self._missed(own, None, Miss.WITHDRAWN, now):
            rang.append(own)
        await self._apart(rang, None, now)

    async def _none_beside(self, place: Place | None, why: Miss, now: float, but: Offer | None = None) -> list[Offer]:
        """The ringing is over; whatever was said of the first phone is said of those beside it."""
        if place is None:
            return []
        rang, place.beside = place.beside, []
        return [one for one in rang if one != but and await self._missed(one, place, why, now)]

    async def miss(self, offer: Offer, why: Miss) -> None:
        """The phone rang in vain; or, WITHDRAWN, the offer is taken back and costs the agent nothing."""
        now, place = self._p.clock(), self._p.line.at(offer)
        if await self._missed(offer, place, why, now):
            self._p.line.forget(offer)
            await self._apart([offer, *await self._none_beside(place, why, now)], place, now)

    async def _missed(self, offer: Offer, place: Place | None, why: Miss, now: float) -> bool:
        blamed = why is not Miss.WITHDRAWN
        event = EngagementEvent.MISS if blamed else EngagementEvent.WITHDRAW
        if not await self._step(offer, event, now, None, why):
            return False
        self._p.tell.of_offer(EventKind.OFFER_MISSED, offer, now, why=why.value)
        if blamed:
            if place is not None:
                place.refused.add(offer.agent)
            await self._attendance.blame(offer.agent, why, now)
        return True

    async def lapse(self, offer: Offer, why: str) -> None:
        """Nobody took the offer up, or saw it through. The call steps aside for a moment, then waits again."""
        now = self._p.clock()
        if not await self._step(offer, EngagementEvent.WITHDRAW, now, None):
            return
        place = self._p.line.at(offer)
        self._p.line.forget(offer)
        self._p.tell.of_offer(EventKind.OFFER_LAPSED, offer, now, why=why)
        rang = await self._none_beside(place, Miss.WITHDRAWN, now)
        if place is not None:
            place.lapses += 1
            aside_s = min(self._p.rules.lapse_s * place.lapses, self._p.rules.lapse_most_s)
            self._p.line.sit_out(place, now + aside_s)
        await self._apart([offer, *rang], place, now)

    async def end(self, offer: Offer, by: str = "") -> None:
        """The conversation is over: wrap-up, or free at once. One whose answer nobody told was answered too."""
        if self._is(offer, Engagement.RINGING):
            await self.answer(offer)
        now = self._p.clock()
        wrap_up_s = self._p.line.ladder(offer.queue).spec.wrap_up_s
        if not await self._step(offer, EngagementEvent.END, now, now + wrap_up_s):
            return
        if self._p.line.at(offer) is not None:
            self._p.line.drop(offer.call_id)
        self._p.tell.of_offer(EventKind.TALK_ENDED, offer, now, wrap_up_s=wrap_up_s, by=by)
        if wrap_up_s <= 0:
            await self.wrap_up_over(offer.agent)

    async def wrap_up(self, extension: str, until: float) -> bool:
        """Until then (Unix s) instead of its own end. False: the agent is with a call."""
        state = await self._p.store.wrap_up(extension, until=until)
        if state is None:
            return False
        self._p.floor.note(state)
        self._p.tell.wrap_up_until(state, self._p.clock())
        return True

    async def wrap_up_over(self, extension: str) -> bool:
        now = self._p.clock()
        state = await self._p.store.wrapped_up(extension, now=now)
        if state is None:
            return False
        self._p.floor.note(state)
        self._p.tell.wrap_up_ended(state, now)
        await self._offering.try_agent(extension)
        return True

    async def let_go(self, place: Place, offer: Offer | None) -> None:
        """The call of this place is out, and ``offer`` was its own."""
        now = self._p.clock()
        await self._apart(await self._none_beside(place, Miss.WITHDRAWN, now), None, now)
        if offer is not None:
            await self.release(offer)

    async def release(self, offer: Offer) -> None:
        """The call is out; whatever the agent was doing for it ends."""
        if self._is(offer, Engagement.TALKING):
            await self.end(offer)
        else:
            await self.miss(offer, Miss.WITHDRAWN)

    async def _apart(self, offers: Sequence[Offer], place: Place | None, now: float) -> None:
        """The agents choose first: this call is then among the others that wait."""
        if place is not None:
            place.ticket.offer = None
            self._waits.wait(place, now)
        for offer in offers:
            await self._offering.try_agent(offer.agent)
        if place is not None:
            await self._offering.try_call(place.call.call_id)

    async def _step(
        self, offer: Offer, event: EngagementEvent, now: float, deadline: float | None, why: Miss = Miss.WITHDRAWN
    ) -> bool:
        state = await self._p.store.step(offer, event, now=now, deadline=deadline, why=why)
        if state is None:
            return False
        self._p.floor.note(state)
        return True

    def _is(self, offer: Offer, engagement: Engagement) -> bool:
        state = self._p.floor.state(offer.agent)
        return state.holds(offer) and state.engagement is engagement

    def _not_ours(self, offer: Offer) -> None:
        """The offer is over, and a ticket must not go on showing it: its coroutine would ask for ever."""
        place = self._p.line.at(offer)
        if place is not None:
            place.ticket.offer = None
            self._p.doubt()
