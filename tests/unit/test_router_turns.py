"""The router over a store that suspends: any interleaving of awaits, any cancellation, a store that goes away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.deadlines import NEVER
from acd.memory import MemoryStore
from acd.model import Engagement, Miss, PhoneState, Presence, StepSpec, WaitingCall
from acd.presence import MemoryPresenceBook
from acd.router import Router, Ticket
from acd.rules import Rona, RouterRules, rona_for_all
from acd.store import Store
from acd.turns import Turns
from tests.fakes.paper_centre import HandClock, PaperCentre, agent, queue
from tests.fakes.slow_store import SlowStore
from tests.fakes.umpire import Umpire

AGENTS = {
    spec.extension: spec
    for spec in (
        agent("1001", laptop=90),
        agent("1002", ["sales", "service"]),
        agent("1003", ["service"], printer=50),
    )
}
QUEUES = {
    spec.name: spec
    for spec in (
        queue("sales", StepSpec("laptop", 6), "any", wrap_up_s=0),
        queue("service", StepSpec("printer >= 50", 4), "any", wrap_up_s=3, max_wait_s=500),
    )
}


class Stage:
    """Callers, agents and the clock, each a task of its own, all of one seed."""

    def __init__(self, seed: int, store: Store) -> None:
        self.chance = random.Random(seed)
        self.clock = HandClock()
        self.store = store
        self.umpire = Umpire(AGENTS, QUEUES)
        self.talks = self.cancelled = 0
        self.router = self.umpire.router = Router(
            store=store,
            queues=QUEUES,
            agents=AGENTS,
            wake=self._wake,
            clock=self.clock,
            reports=self.umpire.report,
            presence=MemoryPresenceBook(),
            rules=RouterRules(rona=rona_for_all(Rona(misses=2))),
        )
        self.wakes: dict[Ticket, asyncio.Event] = {}

    def _wake(self, ticket: Ticket) -> None:
        self.umpire.wake(ticket)
        self.wakes[ticket].set()

    async def some_turns(self, most: int) -> None:
        for _ in range(self.chance.randint(0, most)):
            await asyncio.sleep(0)

    async def caller(self, number: int) -> None:
        await self.some_turns(60)
        name = self.chance.choice(sorted(QUEUES))
        call = WaitingCall(f"c{number:02}", name, self.clock.now, self.chance.randint(0, 1))
        ticket = await self.router.join(call)
        self.wakes[ticket] = asyncio.Event()
        try:
            while not ticket.timed_out:
                if ticket.offer is None:
                    await self._listen(ticket)
                elif await self._ring(ticket):
                    return
        finally:
            await self.router.leave(ticket)

    async def _listen(self, ticket: Ticket) -> None:
        self.wakes[ticket].clear()
        ticket.listening = True
        await self.wakes[ticket].wait()
        ticket.listening = False

    async def _ring(self, ticket: Ticket) -> bool:
        offer = ticket.offer
        assert offer is not None
        if not await self.router.ringing(offer):
            return False
        self.umpire.rang(offer)
        try:
            await self.some_turns(20)
            fate = self.chance.random()
            if fate < 0.3:
                self.umpire.ended(offer)  # the phone is quiet before we say so
                await self.router.missed(offer, self.chance.choice(list(Miss)))
                return False
            if fate < 0.9:
                await self.router.answered(offer)
            await self.some_turns(20)
            self.talks += 1
        finally:
            self.umpire.ended(offer)
        await self.router.finished(offer)
        return True

    async def agents(self) -> None:
        while True:
            await self.some_turns(10)
            extension = self.chance.choice(sorted(AGENTS))
            state = self.chance.choice([PhoneState.FREE] * 4 + list(PhoneState))
            self.umpire.phones[extension] = state
            self.router.phone(extension, state)
            await self._desk(extension)

    async def _desk(self, extension: str) -> None:
        match self.chance.randint(0, 7):
            case 0 | 1 | 2:
                await self.router.log_in(extension)
            case 3 | 4:
                self.umpire.keyed.add(extension)
                await self.router.ready(extension)
            case 5:
                await self.router.pause(extension, "lunch")
            case 6 if self.chance.random() < 0.3:
                await self.router.log_out(extension)
            case _:
                self.router.hold("ami")
                await self.some_turns(4)
                self.router.resume("ami")

    async def time(self) -> None:
        while True:
            await self.some_turns(12)
            self.clock.now += self.chance.choice([0.1, 0.5, 1.0])
            await self.router.tick()

    async def play(self, calls: int) -> None:
        callers = [asyncio.create_task(self.caller(number)) for number in range(calls)]
        others = [asyncio.create_task(self.agents()), asyncio.create_task(self.time())]
        for task in self.chance.sample(callers, calls // 3):
            await self.some_turns(40)
            task.cancel()  # a caller hangs up, at whatever await that hits
        for _ in range(1500):
            await asyncio.sleep(0)
        await self._end(others)
        await self.settle()
        self.umpire.between_turns()
        self.umpire.staffed_counts_agree()
        await self._end(callers)

    async def settle(self) -> None:
        await self.router._turns.settled()

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        for one in ended:
            if isinstance(one, Exception):
                raise one
        self.cancelled += sum(isinstance(one, asyncio.CancelledError) for one in ended)

    async def empty(self) -> None:
        """Nobody is left, so all that is left comes to rest by the clock alone."""
        for _ in range(4):
            self.clock.now += 100_000
            await self.router.tick()
            await self.settle()
        assert [place.call.call_id for place in self.router._line] == []
        assert list(await self.store.waiting()) == []
        assert {state.engagement for state in await self.store.agents()} <= {Engagement.IDLE}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_interleaving_and_no_cancellation_breaks_a_law(seed: int) -> None:
    async def scene() -> None:
        chance = random.Random(seed)
        stage = Stage(seed, SlowStore(lambda: chance.choice([0, 0, 1, 2, 5])))
        await stage.play(calls=15)
        await stage.empty()

    asyncio.run(scene())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_same_scenes_over_the_memory_store(seed: int) -> None:
    async def scene() -> None:
        stage = Stage(seed, MemoryStore())
        await stage.play(calls=15)
        await stage.empty()

    asyncio.run(scene())


async def test_the_scenes_are_lively() -> None:
    """So that the two above are not green because nothing happens in them."""
    chance = random.Random(7)
    stage = Stage(7, SlowStore(lambda: chance.choice([0, 1, 2])))
    await stage.play(calls=15)
    assert stage.umpire.offers > 10
    assert stage.talks > 3
    assert stage.cancelled > 0


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_a_store_that_breaks_off_is_read_again(turns: int, late: bool) -> None:
    store = SlowStore()
    centre = PaperCentre([agent("1001"), agent("1002")], [queue(wrap_up_s=0)], store=store)
    router = centre.router
    for extension in centre.specs:
        router.phone(extension, PhoneState.FREE)
        await router.log_in(extension)
    tickets = [await router.join(WaitingCall(f"c{n}", "sales", centre.clock.now + n)) for n in range(4)]
    work = asyncio.create_task(_one_after_the_other(router, tickets))
    for _ in range(turns):
        await asyncio.sleep(0)
    with _broken(store, late):
        await asyncio.wait([work])
        with suppress(ConnectionError):
            await router.tick()
    await router.tick()
    await router._turns.settled()
    work.exception()
    await _agree(router, store)
    left = [ticket for ticket in tickets if not ticket.closed]
    assert all(ticket.offer is not None for ticket in left[:2])  # and they are served


async def _one_after_the_other(router: Router, tickets: list[Ticket]) -> None:
    first, second = tickets[0].offer, tickets[1].offer
    assert first is not None
    assert second is not None
    await router.ringing(first)
    await router.answered(first)
    await router.ringing(second)
    await router.finished(first)
    await router.missed(second, Miss.WITHDRAWN)
    await router.leave(tickets[1])
    for _ in range(50):  # so that the break comes at the latest here
        await router.leave(await router.join(WaitingCall("more", "sales", 0.0)))


@contextmanager
def _broken(store: SlowStore, late: bool) -> Iterator[None]:
    store.broken, store.late = True, late
    yield
    store.broken = False


async def _agree(router: Router, store: SlowStore) -> None:
    states = {state.extension: state for state in await store.agents()}
    for state in router._floor:
        assert states[state.extension] == state
    places = {place.call.call_id: place.ticket for place in router._line}
    waiting = {call.call_id for call in await store.waiting()}
    offered = {state.offer.call_id for state in states.values() if state.offer is not None}
    assert waiting | offered == set(places)
    assert waiting == {call_id for call_id, ticket in places.items() if ticket.offer is None}


async def test_a_cancelled_join_leaves_no_orphan() -> None:
    store = SlowStore(lambda: 3)
    centre = PaperCentre(store=store)
    joining = asyncio.create_task(centre.router.join(WaitingCall("c1", "sales", 0.0)))
    for _ in range(5):
        await asyncio.sleep(0)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    await centre.router._turns.settled()
    await centre.router._turns.settled()
    assert list(centre.router._line) == []
    assert list(await store.waiting()) == []


async def test_the_clock_task_wakes_for_an_earlier_deadline() -> None:
    centre = PaperCentre([agent("1001")], rules=RouterRules(reserve_s=0.02, lapse_s=60))
    loop = asyncio.get_running_loop()
    object.__setattr__(centre.router._parts, "clock", loop.time)
    centre.router._clock = loop.time
    lapsed = asyncio.Event()
    centre.router._parts.tell._reports = lambda event: lapsed.set() if event.kind == "offer_lapsed" else None
    running = asyncio.create_task(centre.router.run())
    for _ in range(10):  # until the clock sleeps, without a deadline
        await asyncio.sleep(0)
    assert centre.router._asleep_until == NEVER
    centre.router.phone("1001", PhoneState.FREE)
    await centre.router.log_in("1001")
    await centre.router.join(WaitingCall("c1", "sales", loop.time()))
    await asyncio.wait_for(lapsed.wait(), 5)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_presence_that_could_not_be_written_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acd.presence.RETRY_S", 0)

    class Book(MemoryPresenceBook):
        away = True

        async def save(self, extension: str, presence: Presence, reason: str, at: float) -> None:
            if self.away:
                raise OSError("disk full")
            await super().save(extension, presence, reason, at)

    book = Book()
    centre = PaperCentre(book=book)
    assert await centre.router.log_in("1001")  # the agent works on
    assert book.entries == {}
    running = asyncio.create_task(centre.router.run())
    book.away = False
    for _ in range(20):
        await asyncio.sleep(0)
    assert book.entries == {"1001": (Presence.AVAILABLE, "")}
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_turn_is_whole_although_its_caller_is_cancelled() -> None:
    seen: list[str] = []

    async def work() -> None:
        seen.append("begun")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append("done")

    turns = Turns(instant=False, failed=lambda: seen.append("failed"), after=lambda: None)
    task = asyncio.create_task(turns.take(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await turns.settled()
    assert seen == ["begun", "done"]


async def test_turns_never_overlap() -> None:
    seen: list[str] = []

    async def work(name: str) -> None:
        seen.append(name)
        await asyncio.sleep(0)
        seen.append(name)

    turns = Turns(instant=False, failed=lambda: None, after=lambda: None)
    await asyncio.gather(*(turns.take(work(name)) for name in "abc"))
    assert seen == list("aabbcc")
