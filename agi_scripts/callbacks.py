"""Those who are to be called back: each keeps the place in line, and is dialled when an agent is reserved for them.

The agent comes first: a call back is dialled only when it is its turn and an agent is free, who is held for as long as
the other phone rings. So there are never more dialled than there are agents for them, and nobody who picks up waits
for one who was never there.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from acd.events import LeftFor
from acd.model import Offer, WaitingCall
from acd.router import Router, Ticket
from agi_scripts.announcing import CallbackRules
from agi_scripts.callback import CallbackState, CallbackWish, checked
from crm_bridge.entry import CALLBACK
from crm_bridge.journal import Entry, Journal, JournalUnwritable

log = logging.getLogger(__name__)

STATE = "callback_state"  # the journal's word for a step
TAG = "callback:"  # of a ticket whose owner has no channel
_GREETING_S = 20.0
_CONNECT_S = 40.0  # the agent's own ring, and slack

Dial = Callable[[str, str, str, float], Awaitable[str]]


@dataclass(eq=False, slots=True)
class Leg:
    """The other phone is rung. ``answered``: it was picked up; ``over``: what came of that is known; ``taken``: they
    have said that they are there."""

    wish: CallbackWish
    ticket: Ticket
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    taken: bool = False


class Callbacks:
    """``dial(number, trunk, token, ring_s)``: why it does not ring, or ''. ``clock``: Unix s. `run` it once, first."""

    def __init__(
        self, router: Router, journal: Journal, clock: Callable[[], float], dial: Dial, now_callable: NowCallable
    ) -> None:
        self._router, self._journal, self._clock, self._dial = router, journal, clock, dial
        self._now_callable = now_callable
        self._woken: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._states: dict[str, CallbackState] = {}
        self.legs: dict[str, Leg] = {}  # by the token with which they were dialled

    async def add(self, wish: CallbackWish, rules: CallbackRules) -> None:
        """Durable when it returns."""
        await self._write(wish, CallbackState.WAITING, tries=0, **wish.packed())
        self._begin(wish, rules, tries=0)

    async def resume(self, wish: CallbackWish, rules: CallbackRules, state: CallbackState, tries: int) -> None:
        """Of the engine before us."""
        self._states[wish.call_id] = state
        if state is CallbackState.WAITING:
            self._begin(wish, rules, tries)
        else:
            await self._give_up(wish, "an engine died while it was dialled")

    def wake(self, tag: str) -> bool:
        """False: the tag is a channel's."""
        if not tag.startswith(TAG):
            return False
        event = self._woken.get(tag)
        if event is not None:
            event.set()
        return True

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, wish: CallbackWish, rules: CallbackRules, tries: int) -> None:
        task = asyncio.create_task(self._keep(wish, rules, tries), name=f"call back {wish.call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, wish: CallbackWish, rules: CallbackRules, tries: int) -> None:
        try:
            while self._clock() < wish.wanted_at + rules.keep_s and tries < rules.tries:
                await asyncio.sleep(max(0.0, self._now_callable(rules) - self._clock()))
                if await self._one_try(wish, rules, tries + 1):
                    return
                tries += 1
                if tries < rules.tries:
                    await asyncio.sleep(rules.again_s)
            await self._give_up(wish, "nobody there" if tries >= rules.tries else "too late")
        except Exception:  # the edge of the task
            log.exception("the call back for %s broke off", wish.call_id)
            await self._give_up(wish, "a fault of ours")

    async def _one_try(self, wish: CallbackWish, rules: CallbackRules, tries: int) -> bool:
        """From the place in line to the conversation. False: nobody was there, or they did not want it."""
        token = uuid.uuid4().hex
        tag = f"{TAG}{token}"
        woken = self._woken[tag] = asyncio.Event()
        call = WaitingCall(
            f"{wish.call_id[:40]}-cb{tries}",
            wish.queue,
            wish.joined_at,
            wish.priority,
            wish.attributes,
            entered_at=self._clock(),
            wait_s=rules.keep_s,
            stays=True,
        )
        ticket = await self._router.join(call, tag)
        try:
            offer = await self._offered(ticket, woken)
            if offer is None:
                return False
            return await self._dialled(wish, rules, ticket, offer, token, tries)
        finally:
            del self._woken[tag]
            self.legs.pop(token, None)
            await self._router.leave(ticket, LeftFor.ABANDONED)

    async def _offered(self, ticket: Ticket, woken: asyncio.Event) -> Offer | None:
        """When it is its turn. None: the queue has given up on it."""
        while ticket.waits:
            ticket.listening = True
            await woken.wait()
            woken.clear()
            ticket.listening = False
        return ticket.offer

    async def _dialled(
        self, wish: CallbackWish, rules: CallbackRules, ticket: Ticket, offer: Offer, token: str, tries: int
    ) -> bool:
        if not await self._router.ringing(offer, rules.ring_s + _GREETING_S + _CONNECT_S):
            return False
        leg = self.legs[token] = Leg(wish, ticket)
        await self._write(wish, CallbackState.DIALLING, tries=tries)
        why = await self._dial(wish.number, rules.trunk, token, rules.ring_s)
        if not why and await _in_time(leg.answered, rules.ring_s + 2):
            await _in_time(leg.over, None)
        if leg.taken:
            return True
        await self._write(wish, CallbackState.WAITING, tries=tries, why=why or "nobody said that they are there")
        return False

    async def answered(self, leg: Leg) -> None:
        """They have said that they are there: from here on it is a call like any other."""
        leg.taken = True
        await self._write(leg.wish, CallbackState.ANSWERED)

    async def bridged(self, leg: Leg) -> None:
        await self._write(leg.wish, CallbackState.BRIDGED)

    async def lost(self, leg: Leg) -> None:
        """They were there, and gone again before they had talked to anybody: a human should look at it."""
        await self._give_up(leg.wish, "hung up before an agent was there")

    async def _give_up(self, wish: CallbackWish, why: str) -> None:
        """It becomes a task for a human."""
        await self._write(wish, CallbackState.GIVEN_UP, why=why)
        fields = {"number": wish.number, "queue": wish.queue, "language": wish.language, "why": why}
        await self._append(Entry(wish.call_id, CALLBACK, self._clock(), fields))

    async def _write(self, wish: CallbackWish, state: CallbackState, **more: object) -> None:
        before = self._states.get(wish.call_id)
        if before is not None and before is not state:
            checked(before, state)
        self._states[wish.call_id] = state
        fields: Mapping[str, object] = {"state": state.value, **more}
        await self._append(Entry(wish.call_id, STATE, self._clock(), fields))  # type: ignore[arg-type]

    async def _append(self, entry: Entry) -> None:
        try:
            await self._journal.append(entry)
        except JournalUnwritable as error:  # it is kept, in order, and tried again
            log.error("not on disk yet: %s", error)


NowCallable = Callable[[CallbackRules], float]


async def _in_time(event: asyncio.Event, timeout_s: float | None) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
