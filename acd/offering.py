"""From "these two fit" to an offer that the call's coroutine knows of. Runs only inside a turn.

The law that keeps the order: between turns no idle agent and no waiting call fit each other, unless offers are held.
So whoever becomes free or begins to wait is tried at once, alone, and takes the best there is; nothing else can
have become possible.
"""

from __future__ import annotations

import itertools
import secrets
from dataclasses import replace

from acd.model import Offer
from acd.parts import Parts
from acd.tickets import Place


class Offering:
    def __init__(self, parts: Parts) -> None:
        self._p = parts
        self._boot = secrets.token_hex(6)  # tokens of two engines never meet
        self._serial = itertools.count(1)

    async def try_agent(self, extension: str) -> None:
        """This agent may have become free: give them the first call that is theirs."""
        self._p.floor.settle(extension)
        while not self._p.held:
            call_id = self._p.index.best_call(extension)
            if call_id is None:
                return
            taker = self._taker(call_id, extension)
            if await self._offer(call_id, taker) and taker == extension:
                return

    def _taker(self, call_id: str, extension: str) -> str:
        """What this agent has refused is their last choice, so it goes to whoever is idle and has not. (It has just
        come back from this agent, else it would be there already.)"""
        place = self._p.line.get(call_id)
        if place is None or extension not in place.refused:
            return extension
        return self._p.index.best_agent(call_id) or extension

    async def try_call(self, call_id: str) -> None:
        """This call may have begun to wait, or to ask for less: give it the best agent who is free."""
        while not self._p.held:
            extension = self._p.index.best_agent(call_id)
            if extension is None or await self._offer(call_id, extension):
                return

    async def beside(self, place: Place, offer: Offer, most: int) -> None:
        """Up to so many more phones for a call that is offered already. Whoever is free now has no other call to wait
        for (the law above), so nobody is passed over."""
        while len(place.beside) < most and not self._p.held:
            extension = self._p.line.another(place)
            if extension is None:
                return
            one_more = replace(self._new_offer(place, extension), beside=offer.token)
            state = await self._p.store.claim(one_more)
            if state is None:
                await self._lost(place.call.call_id, extension)
                return
            self._p.floor.note(state)
            place.beside.append(one_more)
            self._p.tell.offered(one_more)

    async def try_all(self) -> None:
        """After a hold: everybody, in the order of the line."""
        for call_id in list(self._p.index.calls_in_order()):
            if self._p.held or not self._p.index.has_idle():
                return
            await self.try_call(call_id)

    def tell(self, place: Place) -> None:
        """Something on the ticket has changed. A coroutine that is not listening looks before it listens."""
        if place.ticket.listening and not place.ticket.closed:
            self._p.wake(place.ticket)

    async def _offer(self, call_id: str, extension: str) -> bool:
        """False: lost the race; one of the two is then out of the index, so that a loop of tries ends."""
        place = self._p.line.get(call_id)
        if place is None or place.ticket.closed:
            self._p.index.remove_call(call_id)
            return False
        offer, kept_for = self._new_offer(place, extension), place.kept_for
        state = await self._p.store.claim(offer)
        if state is None:
            await self._lost(call_id, extension)
            return False
        self._p.floor.note(state)
        self._p.line.offered(place, offer)
        self.tell(place)
        self._p.tell.offered(offer, kept_for)
        return True

    def _new_offer(self, place: Place, extension: str) -> Offer:
        now = self._p.clock()
        return Offer(
            token=f"{self._boot}-{next(self._serial)}",
            call_id=place.call.call_id,
            agent=extension,
            queue=place.call.queue,
            step=place.step,
            made_at=now,
            deadline=now + self._p.rules.reserve_s,
        )

    async def _lost(self, call_id: str, extension: str) -> None:
        self._p.doubt()
        self._p.floor.note(await self._p.store.agent(extension))
        if self._p.index.is_idle(extension):  # then it is the call that is not what we thought
            self._p.index.remove_call(call_id)
