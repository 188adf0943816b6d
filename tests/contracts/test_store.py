"""What every store promises the router, whoever calls in whatever order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from acd.memory import MemoryStore
from acd.model import (
    AgentState,
    Engagement,
    EngagementEvent,
    Misses,
    Offer,
    Presence,
    PresenceEvent,
    WaitingCall,
)
from acd.store import Store
from tests.fakes.slow_store import SlowStore

NOW = 1000.0
E = EngagementEvent


@pytest.fixture(params=[MemoryStore, SlowStore], ids=["memory", "slow"])
def store(request: pytest.FixtureRequest) -> Store:
    make: Callable[[], Store] = request.param
    return make()


def call(call_id: str) -> WaitingCall:
    return WaitingCall(call_id, "sales", NOW)


def offer(call_id: str = "c1", agent: str = "1001", token: str = "t1", beside: str = "") -> Offer:  # noqa: S107
    return Offer(token, call_id, agent, "sales", 0, NOW, NOW + 2, beside=beside)


async def available(store: Store, *extensions: str) -> None:
    for extension in extensions:
        assert await store.set_presence(extension, PresenceEvent.LOG_IN, now=NOW)


async def waiting(store: Store) -> set[str]:
    return {one.call_id for one in await store.waiting()}


async def to_talk(store: Store, made: Offer) -> None:
    assert await store.claim(made)
    assert await store.step(made, E.RING, now=NOW, deadline=NOW + 15)
    assert await store.step(made, E.ANSWER, now=NOW, deadline=NOW + 999)


async def test_an_agent_never_heard_of_is_logged_out(store: Store) -> None:
    assert await store.agent("1001") == AgentState("1001")
    assert list(await store.agents()) == []


async def test_a_call_joins_once(store: Store) -> None:
    assert await store.join(call("c1"))
    assert not await store.join(call("c1"))
    assert await waiting(store) == {"c1"}
    assert await store.leave("c1") is None
    assert await store.leave("c1") is None
    assert await waiting(store) == set()


async def test_a_claim_is_both_or_neither(store: Store) -> None:
    await available(store, "1001")
    assert await store.claim(offer()) is None  # no such call
    assert (await store.agent("1001")).engagement is Engagement.IDLE
    await store.join(call("c1"))
    assert await store.claim(offer(agent="1002")) is None  # not logged in
    assert await waiting(store) == {"c1"}
    state = await store.claim(offer())
    assert state is not None
    assert (state.engagement, state.offer, state.deadline) == (Engagement.RESERVED, offer(), NOW + 2)
    assert await store.agent("1001") == state
    assert await waiting(store) == set()


async def test_neither_side_is_claimed_twice(store: Store) -> None:
    await available(store, "1001", "1002")
    await store.join(call("c1"))
    await store.join(call("c2"))
    assert await store.claim(offer())
    assert await store.claim(offer("c2", "1001", "t2")) is None
    assert await store.claim(offer("c1", "1002", "t3")) is None
    assert await store.claim(offer("c2", "1002", "t4"))


async def test_a_paused_agent_is_not_claimed(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    await store.set_presence("1001", PresenceEvent.PAUSE, now=NOW, reason="lunch")
    assert await store.claim(offer()) is None


async def test_of_many_claims_at_once_one_wins_each_agent_and_each_call(store: Store) -> None:
    agents = [f"10{n:02}" for n in range(8)]
    calls = [f"c{n}" for n in range(8)]
    await available(store, *agents)
    for call_id in calls:
        await store.join(call(call_id))
    offers = [offer(c, a, f"{a}-{c}") for a in agents for c in calls]
    won = [one for one in await asyncio.gather(*map(store.claim, offers)) if one is not None]
    held = [state.offer for state in won]
    assert len(won) == 8
    assert len({one.agent for one in held if one}) == len({one.call_id for one in held if one}) == 8
    assert await waiting(store) == set()


async def test_a_call_that_leaves_in_the_midst_of_claims_is_nobodys(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    claimed, left = await asyncio.gather(store.claim(offer()), store.leave("c1"))
    assert (left is None) == (claimed is None)  # whoever took the call out was told of the offer
    assert await waiting(store) == set()


async def test_only_the_token_moves_the_agent(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    await store.claim(offer())
    for event in E:
        assert await store.step(offer(token="other"), event, now=NOW, deadline=None) is None
    assert (await store.agent("1001")).engagement is Engagement.RESERVED


async def test_only_the_table_moves_the_agent(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    state = await store.claim(offer())
    for event in (E.ANSWER, E.END, E.RESERVE, E.WRAPPED_UP):
        assert await store.step(offer(), event, now=NOW, deadline=None) is None
    assert await store.agent("1001") == state
    assert await store.wrapped_up("1001", now=NOW) is None


async def test_the_whole_life_of_an_offer(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    await to_talk(store, offer())
    ended = await store.step(offer(), E.END, now=NOW + 60, deadline=NOW + 70)
    assert ended is not None
    assert (ended.engagement, ended.offer, ended.deadline) == (Engagement.WRAP_UP, None, NOW + 70)
    assert await store.leave("c1") is None  # the call went with it
    idle = await store.wrapped_up("1001", now=NOW + 70)
    assert idle is not None
    assert (idle.engagement, idle.deadline, idle.idle_since) == (Engagement.IDLE, None, NOW + 70)


FIRST, BESIDE, OTHER = offer(), offer("c1", "1002", "t2", beside="t1"), offer("c1", "1003", "t3", beside="t1")


async def test_several_phones_ring_and_the_first_to_answer_has_the_call(store: Store) -> None:
    await available(store, "1001", "1002", "1003")
    await store.join(call("c1"))
    assert await store.claim(BESIDE) is None  # beside nothing
    for one in (FIRST, BESIDE, OTHER):
        assert await store.claim(one)
        assert await store.step(one, E.RING, now=NOW, deadline=NOW + 15)
    assert await store.claim(offer("c1", "1004", "t4")) is None
    assert await store.step(BESIDE, E.ANSWER, now=NOW, deadline=NOW + 999)
    assert await store.step(FIRST, E.ANSWER, now=NOW, deadline=NOW + 999) is None
    assert await store.step(OTHER, E.ANSWER, now=NOW, deadline=NOW + 999) is None
    for one in (FIRST, OTHER):
        state = await store.step(one, E.WITHDRAW, now=NOW, deadline=None)
        assert state is not None
        assert (state.engagement, state.misses.total) == (Engagement.IDLE, 0)
    assert await waiting(store) == set()  # it is talked to
    assert await store.leave("c1") == BESIDE


async def test_who_rang_beside_does_not_bring_the_call_back(store: Store) -> None:
    await available(store, "1001", "1002")
    await store.join(call("c1"))
    for one in (FIRST, BESIDE):
        assert await store.claim(one)
        assert await store.step(one, E.RING, now=NOW, deadline=NOW + 15)
    assert await store.step(BESIDE, E.MISS, now=NOW, deadline=None)
    assert await waiting(store) == set()
    assert await store.step(FIRST, E.MISS, now=NOW, deadline=None)
    assert await waiting(store) == {"c1"}


async def test_a_miss_counts_and_costs_the_place(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    for misses in (1, 2):
        await store.claim(offer())
        state = await store.step(offer(), E.MISS, now=NOW + misses, deadline=None)
        assert state is not None
        assert (state.misses.total, state.idle_since, state.offer) == (misses, NOW + misses, None)
        assert await waiting(store) == {"c1"}
    await to_talk(store, offer())
    assert (await store.agent("1001")).misses.total == 2  # picked up is not yet joined: see acd/store.py
    state = await store.step(offer(), E.END, now=NOW + 9, deadline=NOW + 19)
    assert state is not None
    assert state.misses == Misses()


async def test_picked_up_and_gone_before_being_joined_is_a_miss(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    await to_talk(store, offer())
    state = await store.step(offer(), E.MISS, now=NOW + 3, deadline=None)
    assert state is not None
    assert (state.misses.total, state.engagement, state.offer) == (1, Engagement.IDLE, None)
    assert await waiting(store) == {"c1"}


async def test_a_withdrawal_neither_counts_nor_costs_the_place(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    await store.claim(offer())
    await store.step(offer(), E.MISS, now=NOW + 1, deadline=None)
    await store.claim(offer(token="t2"))
    state = await store.step(offer(token="t2"), E.WITHDRAW, now=NOW + 9, deadline=None)
    assert state is not None
    assert (state.misses.total, state.idle_since, state.engagement) == (1, NOW + 1, Engagement.IDLE)
    assert await waiting(store) == {"c1"}


async def test_a_call_that_left_does_not_wait_again_after_a_miss(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    await store.claim(offer())
    assert await store.leave("c1") == offer()
    assert (await store.agent("1001")).engagement is Engagement.RESERVED  # not released by this
    assert await store.step(offer(), E.WITHDRAW, now=NOW, deadline=None)
    assert await waiting(store) == set()


@pytest.mark.parametrize("last", [E.WITHDRAW, E.MISS, E.END])
async def test_an_old_offer_does_not_touch_the_calls_new_stay(store: Store, last: EngagementEvent) -> None:
    await available(store, "1001", "1002")
    await store.join(call("c1"))
    await store.claim(offer())
    if last is E.END:
        await store.step(offer(), E.RING, now=NOW, deadline=NOW)
        await store.step(offer(), E.ANSWER, now=NOW, deadline=NOW)
    await store.leave("c1")
    await store.join(call("c1"))
    new = offer("c1", "1002", "t2")
    assert await store.claim(new)
    assert await store.step(offer(), last, now=NOW, deadline=None)
    assert await waiting(store) == set()
    assert await store.leave("c1") == new


async def test_presence_goes_by_its_table_and_keeps_its_reason(store: Store) -> None:
    assert await store.set_presence("1001", PresenceEvent.PAUSE, now=NOW) is None
    await available(store, "1001")
    assert await store.set_presence("1001", PresenceEvent.LOG_IN, now=NOW) is None
    paused = await store.set_presence("1001", PresenceEvent.PAUSE, now=NOW, reason="lunch")
    assert paused is not None
    assert (paused.presence, paused.pause_reason) == (Presence.PAUSED, "lunch")
    back = await store.set_presence("1001", PresenceEvent.READY, now=NOW + 5)
    assert back is not None
    assert (back.presence, back.pause_reason, back.idle_since) == (Presence.AVAILABLE, "", NOW + 5)


async def test_presence_leaves_the_conversation_alone(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    await to_talk(store, offer())
    state = await store.set_presence("1001", PresenceEvent.LOG_OUT, now=NOW)
    assert state is not None
    assert (state.engagement, state.offer) == (Engagement.TALKING, offer())
    assert await store.step(offer(), E.END, now=NOW, deadline=NOW + 10)


async def test_a_return_forgives(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    await store.claim(offer())
    await store.step(offer(), E.MISS, now=NOW, deadline=None)
    await store.set_presence("1001", PresenceEvent.PAUSE, now=NOW, reason="rona")
    assert (await store.agent("1001")).misses.total == 1
    await store.set_presence("1001", PresenceEvent.READY, now=NOW)
    assert (await store.agent("1001")).misses.total == 0


async def test_a_wrap_up_with_another_end(store: Store) -> None:
    await available(store, "1001")
    begun = await store.wrap_up("1001", until=NOW + 30)
    assert begun is not None
    assert (begun.engagement, begun.deadline) == (Engagement.WRAP_UP, NOW + 30)
    longer = await store.wrap_up("1001", until=NOW + 90)
    assert longer is not None
    assert longer.deadline == NOW + 90
    await store.join(call("c1"))
    assert await store.claim(offer()) is None
    ended = await store.wrapped_up("1001", now=NOW + 90)
    assert ended is not None
    assert (ended.engagement, ended.busy_s) == (Engagement.IDLE, 60)


async def test_no_wrap_up_beside_a_call(store: Store) -> None:
    await available(store, "1001")
    await store.join(call("c1"))
    assert await store.claim(offer())
    assert await store.wrap_up("1001", until=NOW + 30) is None
