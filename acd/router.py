"""The router: who talks to whom, and when. The public face of the ACD.

Each call's coroutine and each desk call speaks to the router by the methods below; `wake` is how it answers a
coroutine that is listening. The work itself is in rooms of its own, and is done in turns (`acd/turns.py`):

    offering   two fit → an offer          floor      the agents          matching   who is first
    dispatch   an offer's life             line       the calls           ladder     a queue's steps
    attendance log in, pause, rona         waits      a call's wait       clockwork  what falls due
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from acd.attendance import RONA, Attendance
from acd.clockwork import Clockwork
from acd.deadlines import NEVER, Deadlines, Due
from acd.dispatch import Dispatch
from acd.events import AcdEvent, LeftFor
from acd.expected_wait import WaitLook, WaitScore
from acd.floor import Floor
from acd.handle_times import HandleTimes
from acd.ladder import Ladder
from acd.line import Line, UnknownQueue
from acd.matching import Index
from acd.model import (
    AgentSpec,
    Engagement,
    Miss,
    Offer,
    PhoneState,
    Presence,
    PresenceEvent,
    QueueSpec,
    WaitingCall,
    place_in_line,
)
from acd.offering import Offering
from acd.overflow import Onward
from acd.parts import Held, Parts
from acd.presence import PresenceBook, PresenceClerk
from acd.profiles import Profiles
from acd.queue_looks import QueueLooks
from acd.resync import resync
from acd.rules import RouterRules
from acd.setup import packed
from acd.store import Store
from acd.strategies import StrategyKey, chosen
from acd.telling import Telling
from acd.tickets import Place, Ticket
from acd.turns import Turns
from acd.views import AgentView, CallView, QueueView, agent_view, call_view, queue_view
from acd.wait_looks import WaitLooks
from acd.waits import Waits
from ivr.flow.outside import QueueLook

__all__ = ["RONA", "Router", "RouterRules", "Ticket", "UnknownQueue"]

log = logging.getLogger(__name__)

_SHORTEST_SLEEP_S = 0.001
_AFTER_FAILURE_S = 1.0


class Router:
    """``wake(ticket)`` and ``reports(event)`` are called in the midst of the work: quick, sync, and they must not
    raise; they may call the router's sync methods. ``clock``: steady Unix seconds. ``strategies``: the admin's own.
    ``is_closed``: a line of the site, now.

    A phone counts as unreachable until `phone` has told otherwise. Raises RequirementError or UnknownStrategy
    for a queue that cannot be."""

    def __init__(
        self,
        *,
        store: Store,
        queues: Mapping[str, QueueSpec],
        agents: Mapping[str, AgentSpec],
        wake: Callable[[Ticket], None],
        clock: Callable[[], float],
        reports: Callable[[AcdEvent], None],
        presence: PresenceBook,
        rules: RouterRules | None = None,
        strategies: Mapping[str, StrategyKey] | None = None,
        is_closed: Callable[[str], bool] = lambda line: False,
    ) -> None:
        profiles, self._deadlines = Profiles(), Deadlines()
        index = Index(chosen({spec.strategy for spec in queues.values()}, strategies))
        self._floor = Floor(agents, profiles, index, self._deadlines)
        ladders = {name: Ladder(spec, profiles) for name, spec in queues.items()}
        rules = rules or RouterRules()
        self._line = Line(ladders, index, self._deadlines, rules.priority_class_s, self._floor.is_staffed)
        self._held = Held()
        handled = self._handled = HandleTimes()
        self._looks = QueueLooks(self._floor, self._line, handled)
        self._wait_looks = WaitLooks(self._floor, self._line, handled, rules.priority_class_s)
        self._score = WaitScore()
        self._store, self._clock, self._queues, self._book = store, clock, queues, presence
        self._clerk = PresenceClerk(presence, self._floor.state, clock)
        self._turns = Turns(instant=store.instant, failed=self._doubt, after=self._stir)
        self._parts = Parts(
            store,
            self._floor,
            self._line,
            index,
            self._deadlines,
            self._held,
            rules,
            clock,
            wake,
            Telling(_all(handled.hear, self._score.hear, reports)),
            self._doubt,
            self._looks.look,
            is_closed,
        )
        self._offering = Offering(self._parts)
        self._waits = Waits(self._parts, self._offering)
        self._attendance = Attendance(self._parts, self._offering, self._waits, self._clerk.changed)
        self._dispatch = Dispatch(self._parts, self._offering, self._waits, self._attendance)
        self._clockwork = Clockwork(self._parts, self._offering, self._waits, self._dispatch, self._attendance)
        self._stirred = asyncio.Event()
        self._asleep_until = -NEVER

    # ---- the life of the router

    async def start(self) -> None:
        """Take over the presences of the last run and whatever the store holds. Before anything else."""
        await self._turns.take(self._start(await self._book.load()))

    async def _start(self, presences: Mapping[str, tuple[Presence, str]]) -> None:
        rules = self._parts.rules
        self._parts.tell.setup(packed(self._floor.specs, self._queues, rules.priority_class_s), self._clock())
        for extension, (presence, reason) in presences.items():
            if extension in self._floor and presence is not Presence.LOGGED_OUT:
                await self._restore(extension, PresenceEvent.LOG_IN)
                if presence is Presence.PAUSED:
                    await self._restore(extension, PresenceEvent.PAUSE, reason)
        await resync(self._parts, self._offering, self._waits, self._dispatch)
        for extension in presences.keys() & self._floor.specs.keys():
            self._attendance.watch_rona(extension, self._clock())

    async def _restore(self, extension: str, change: PresenceEvent, reason: str = "") -> None:
        now = self._clock()
        state = await self._store.set_presence(extension, change, now=now, reason=reason)
        if state is not None:
            self._parts.tell.presence(state, now, change, restored=True)

    async def run(self) -> None:
        """The clock and the presence clerk; the only place in the ACD that sleeps. Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._clerk.run(), name="presence clerk")
            tasks.create_task(self._run_clock(), name="router clock")

    async def _run_clock(self) -> None:
        while True:
            try:
                await self.tick()
            except Exception:  # the task's edge: without its clock the centre stands still
                log.exception("the router's clock failed")
                await asyncio.sleep(_AFTER_FAILURE_S)
            await self._sleep()

    async def tick(self, now: float | None = None) -> float | None:
        """Do all that is due; the next deadline (Unix s), if there is one. ``now`` is never taken for later than
        the clock."""
        at = self._clock() if now is None else min(now, self._clock())
        await self._turns.take(self._clockwork.act(at))
        due = self._deadlines.next()
        return None if due == NEVER else due

    async def _sleep(self) -> None:
        """Until the next deadline, or until an earlier one is set."""
        self._asleep_until = due = self._deadlines.next()
        delay = None if due == NEVER else max(_SHORTEST_SLEEP_S, due - self._clock())
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._stirred.wait()
        self._stirred.clear()
        self._asleep_until = -NEVER

    def _stir(self) -> None:
        if self._deadlines.next() < self._asleep_until:
            self._stirred.set()

    def _doubt(self) -> None:
        self._deadlines.set(Due.RESYNC, "", self._clock())

    # ---- the calls

    async def join(self, call: WaitingCall, tag: str = "") -> Ticket:
        """Take a place in line. The ticket may have its offer at once (no wake is sent for that), or be timed out
        already. A call that is in line already has come in by another way: the older ticket is closed.
        Raises UnknownQueue."""
        self._line.ladder(call.queue)
        ticket, joined = Ticket(call, tag), False
        try:
            await self._turns.take(self._join(ticket))
            joined = True
        finally:
            if not joined:  # cancelled, or the store failed: nobody will ever hold this ticket
                ticket.closed = True
                self._turns.take_soon(self._leave(ticket))
        return ticket

    async def _join(self, ticket: Ticket) -> None:
        call = ticket.call
        if ticket.closed:
            return
        older = self._line.get(call.call_id)
        if older is not None:
            self._parts.tell.left(older, self._clock(), LeftFor.REPLACED)
        await self._take_out(call.call_id)
        await self._store.join(call)
        self._waits.enter(ticket, self._clock())
        await self._came_back(call.call_id)
        await self._offering.try_call(call.call_id)

    async def leave(self, ticket: Ticket, why: LeftFor = LeftFor.ABANDONED) -> None:
        """The call goes, whatever it holds: an agent who was rung is free again, a conversation is over. At
        whatever time, as often as you like."""
        if not ticket.closed:
            ticket.closed = True
            await self._turns.take(self._leave(ticket, why))

    async def _leave(self, ticket: Ticket, why: LeftFor = LeftFor.CUT) -> None:
        place = self._line.get(ticket.call_id)
        if place is not None and place.ticket is ticket:
            self._parts.tell.left(place, self._clock(), why)
            await self._take_out(ticket.call_id)

    async def _take_out(self, call_id: str) -> None:
        place = self._line.get(call_id)
        self._line.drop(call_id)
        offer = await self._store.leave(call_id)
        if place is not None:
            await self._dispatch.let_go(place, offer)
        elif offer is not None:
            await self._dispatch.release(offer)

    async def send_on(self, call_id: str, queue: str, why: str) -> bool:
        """Somebody at the console sends a waiting call to another queue, where it keeps its join time, or ('') out of
        the line, to what its flow says. False: no such call waits; one that rings or talks is left alone.
        Raises UnknownQueue."""
        if queue:
            self._line.ladder(queue)
        return await self._turns.take(self._send_on(call_id, Onward(queue, why)))

    async def _send_on(self, call_id: str, to: Onward) -> bool:
        place = self._line.get(call_id)
        if place is None or not place.ticket.waits:
            return False
        self._waits.send_on(place, to, self._clock())
        return True

    async def relax(self, ticket: Ticket) -> bool:
        """The caller would rather have anyone now. False: there is nothing to relax."""
        return await self._turns.take(self._relax(ticket))

    async def _relax(self, ticket: Ticket) -> bool:
        place = self._line.get(ticket.call_id)
        if place is None or place.ticket is not ticket or not self._waits.relax(place, self._clock()):
            return False
        await self._offering.try_call(ticket.call_id)
        return True

    # ---- the offers

    async def ringing(self, offer: Offer, within_s: float | None = None) -> bool:
        """Before Dial. False: the offer has lapsed, the agent must not be rung, go on waiting. ``within_s``: how long
        the agent is held, where that is not the queue's ring."""
        return await self._turns.take(self._dispatch.ring(offer, within_s))

    async def beside(self, offer: Offer, most: int) -> list[Offer]:
        """Up to so many other agents whose phones are to ring together with that of ``offer``, which rings already.
        Whichever is answered first has the call; `missed` of ``offer`` is said of them all."""
        return await self._turns.take(self._dispatch.beside(offer, most)) if most > 0 else []

    async def answered(self, offer: Offer) -> bool:
        """They talk. From Asterisk's event and from the call's coroutine; False for an offer that is over."""
        return await self._turns.take(self._dispatch.answer(offer))

    async def missed(self, offer: Offer, miss: Miss) -> None:
        """The phone did not take the call, which waits again in its old place."""
        await self._turns.take(self._dispatch.miss(offer, miss))

    async def finished(self, offer: Offer, by: str = "") -> None:
        """The conversation is over and its outcome durable. With no wrap-up the agent's next match is made, and
        its caller woken, before this returns. ``by``: who has ended it (caller, agent, system)."""
        await self._turns.take(self._dispatch.end(offer, by))

    def offer_at(self, extension: str) -> Offer | None:
        """The offer that this agent holds: whose phone an event of Asterisk's is about."""
        return self._floor.state(extension).offer if extension in self._floor else None

    # ---- the agents

    async def log_in(self, extension: str) -> bool:
        """Available, and written down. False: no such agent, or logged in already. As the next three."""
        return await self._move(extension, PresenceEvent.LOG_IN)

    async def log_out(self, extension: str) -> bool:
        return await self._move(extension, PresenceEvent.LOG_OUT)

    async def pause(self, extension: str, reason: str) -> bool:
        return await self._move(extension, PresenceEvent.PAUSE, reason)

    async def ready(self, extension: str) -> bool:
        """Back from a pause, or done with the wrap-up before its end; or both. False: was neither."""
        if extension not in self._floor:
            return False
        wrapped_up = await self._turns.take(self._end_wrap_up(extension))
        return await self._move(extension, PresenceEvent.READY) or wrapped_up

    async def wrap_up_until(self, extension: str, until: float) -> bool:
        """For an agent whose conversation outlived its engine: their wrap-up ends then (Unix s). False: no such agent,
        or it is over, or they are with a call."""
        if extension not in self._floor or until <= self._clock():
            return False
        return await self._turns.take(self._dispatch.wrap_up(extension, until))

    async def wrap_up_longer(self, extension: str) -> float | None:
        """Seconds that the agent's wrap-up has now, or None when they are not in one."""
        if extension not in self._floor:
            return None
        state, now, rules = self._floor.state(extension), self._clock(), self._parts.rules
        if state.engagement is not Engagement.WRAP_UP or state.deadline is None:
            return None
        until = min(state.deadline + rules.wrap_up_more_s, max(state.deadline, now + rules.wrap_up_most_s))
        await self._turns.take(self._dispatch.wrap_up(extension, until))
        return until - now

    async def _end_wrap_up(self, extension: str) -> bool:
        if self._floor.state(extension).engagement is not Engagement.WRAP_UP:
            return False
        return await self._dispatch.wrap_up_over(extension)

    async def _move(self, extension: str, event: PresenceEvent, reason: str = "") -> bool:
        if extension not in self._floor:
            return False
        moved = await self._turns.take(self._attendance.move(extension, event, reason))
        if moved:
            await self._clerk.try_write()
        return moved

    def phone(self, extension: str, state: PhoneState) -> None:
        """What Asterisk says of a phone. One that becomes free may be rung before this returns."""
        if extension in self._floor:
            if state is not self._floor.phone(extension):
                self._parts.tell.phone(extension, state, self._clock())
            self._floor.hear(extension, state)
            if self._floor.eligible(extension):
                self._turns.take_soon(self._offering.try_agent(extension))

    # ---- holding back

    def hold(self, reason: str) -> None:
        """No offers from now on, until `resume` of the same reason. Those that are made go on."""
        self._held.reasons.add(reason)

    def resume(self, reason: str) -> None:
        self._turns.take_soon(self._resume(reason))

    async def _resume(self, reason: str) -> None:
        self._held.reasons.discard(reason)
        await self._offering.try_all()

    def expect(self, call_ids: Iterable[str], until: float) -> None:
        """After a restart: no offers until each of these calls has joined again or is known to be gone, or ``until``
        (Unix s) has passed; so that who waited longest is first although others knock sooner."""
        here = {place.call.call_id for place in self._line}
        self._held.expected = set(call_ids) - here
        self._deadlines.set(Due.EXPECTED, "", until if self._held.expected else None)
        self._stir()
        if not self._held.expected:
            self._turns.take_soon(self._offering.try_all())

    def expect_no_more(self, call_id: str) -> None:
        """An expected call has ended, or turned out not to want an agent."""
        self._turns.take_soon(self._came_back(call_id))

    async def _came_back(self, call_id: str) -> None:
        if call_id in self._held.expected:
            self._held.expected.discard(call_id)
            if not self._held.expected:
                self._deadlines.set(Due.EXPECTED, "", None)
                await self._offering.try_all()

    # ---- seeing it

    def look(self, queue: str) -> QueueLook:
        """For a caller's flow, in the midst of the call."""
        return self._looks.look(queue)

    def wait_look(self, ticket: Ticket) -> WaitLook | None:
        """How long this caller will go on waiting; None: they do not wait any more."""
        place = self._line.get(ticket.call_id)
        return self._wait_looks.look(place) if place is not None and place.ticket.waits else None

    def learn(self, handled: HandleTimes) -> None:
        """How long conversations took before this engine began."""
        self._handled.learn(handled)

    def wait_is_known(self, ticket: Ticket) -> bool:
        """Have the queue's last promises been kept? If not, better say nothing."""
        return self._score.good(ticket.call.queue)

    def announced(self, ticket: Ticket, look: WaitLook, *, aloud: bool) -> None:
        """What the caller has been told of the wait, or would have been; either is compared with what comes."""
        place = self._line.get(ticket.call_id)
        if place is not None:
            self._parts.tell.announced(place, self._clock(), look, aloud)

    async def agent(self, extension: str) -> AgentView:
        """Raises KeyError for an extension that is no agent's."""
        return agent_view(self._floor, extension)

    async def agents(self) -> Sequence[AgentView]:
        return [agent_view(self._floor, extension) for extension in self._floor.specs]

    async def line(self) -> Sequence[CallView]:
        """The calls that wait or ring, in the order of the line, over all queues."""
        now, class_s = self._clock(), self._parts.rules.priority_class_s
        places = sorted(self._line, key=lambda place: place_in_line(place.call, class_s))
        return [call_view(place, now) for place in places if not self._talks(place)]

    def _talks(self, place: Place) -> bool:
        offer = place.ticket.offer
        return offer is not None and self._floor.state(offer.agent).engagement is Engagement.TALKING

    async def queues(self) -> Sequence[QueueView]:
        now = self._clock()
        return [queue_view(name, self._floor, self._line, now, self._score.share(name)) for name in self._queues]


def _all(*hearers: Callable[[AcdEvent], None]) -> Callable[[AcdEvent], None]:
    def hear(event: AcdEvent) -> None:
        for one in hearers:
            one(event)

    return hear
