"""From the queue to an agent: who is rung, who is rung next, in what order callers are served, and how a call that has
reached a phone ends. A phone's own log says when it was rung."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
import pytest_asyncio

from hotline.sip.phones import AgentPhones
from hotline.sip.scenario import NEVER, PhoneManner, Talk
from hotline.sip.timeline import PhoneCall, overlaps
from tests.sip.live_site import LiveSite
from tests.sip.sound import HUSH_DBFS
from tests.sip.staff import ANYONE, at_desks, log_in, queue_up
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "4008001001"
OFFER_S = 5
RINGING_FOR_EVER = PhoneManner(ring_s=NEVER)
LEG_S = 1.0  # an agent's leg is gone within this when its caller has gone
STAFF = ("1001", "1002", "1003", "1005", "1006")


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    """Phones ring for five seconds, there is no wrap-up, and the whisper is one word."""

    def prepare(live: LiveSite) -> None:
        live.edit("queues.yaml", lambda queues: [q.update(offer_s=OFFER_S, wrap_up_s=0) for q in queues.values()])
        live.edit("prompts.yaml", lambda prompts: [prompts.pop(f"whisper_{what}") for what in TOO_LONG])

    return prepare


TOO_LONG = ("lang_mandarin", "lang_english", "source_tv_spot")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def staff(shared_site: LiveSite) -> None:
    await log_in(shared_site, *STAFF)


async def test_when_all_are_busy_callers_are_served_in_the_order_they_came(site: LiveSite, witness: Witness) -> None:
    manner = PhoneManner(ring_s=0.1, talk=Talk(3, 3))
    async with at_desks(site, ["1003"], manner) as phones, queue_up(site, NUMBER) as (ani, first):
        await phones.wait_for_calls(1)
        async with queue_up(site, NUMBER) as (second_ani, second), queue_up(site, NUMBER) as (third_ani, third):
            await asyncio.gather(*(one.ended(timeout_s=20) for one in (first, second, third)))
            assert [one.only.ended for one in (first, second, third)] == ["peer"] * 3
        calls = phones.calls()
    assert len(calls) == 3
    assert overlaps(calls) == []
    rows = [await witness.row(ani) for ani in (ani, second_ani, third_ani)]
    answers = [row.answered_at.timestamp() for row in rows if row.answered_at]
    assert answers == sorted(answers)
    assert len(answers) == 3
    for served, call in zip(answers, calls, strict=True):
        assert call.invited_at < served < (call.ended_at or 0)
    gaps = [later.invited_at - (earlier.ended_at or 0) for earlier, later in pairwise(calls)]
    assert max(gaps) < 0.5, gaps  # work-conserving


async def test_the_longest_idle_agent_is_rung_first(site: LiveSite, witness: Witness) -> None:
    order = await longest_idle(witness, "1001", "1005")
    manner = PhoneManner(ring_s=0.1, talk=Talk(1.6, 1.6))
    rung = []
    async with at_desks(site, order, manner) as phones:
        for count in range(1, 4):
            async with site.caller(NUMBER, ANYONE, ani=new_ani()) as callers:
                rung.append((await phones.wait_for_calls(count))[-1].phone)
                await callers.ended()
            await witness.until_agent(rung[-1], engagement="idle")
    assert rung == [*order, order[0]]


async def test_a_caller_who_leaves_takes_the_ringing_with_them(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with at_desks(site, ["1002"], RINGING_FOR_EVER) as phones, site.caller(NUMBER, ANYONE, ani=ani) as callers:
        (rung,) = await phones.wait_for_calls(1)
        await asyncio.sleep(1.0)
        left_at = time.time()
        callers.hang_up(callers.only)
        await witness.until_noted(ani, "outcome", timeout_s=1.0)
        cancelled_at = (await cancelled(witness, phones))[0].cancelled_at
        assert cancelled_at is not None
        assert cancelled_at - left_at < LEG_S
        await callers.ended()
        assert callers.only.ended == "caller"
    row = await witness.row(ani)
    assert (row.outcome, row.hangup_by, row.agent, row.answered_at) == ("abandoned_queue", "caller", "", None)
    assert row.offered_s == pytest.approx(left_at - rung.invited_at, abs=0.3)
    assert row.waited_s == pytest.approx(row.offered_s, abs=0.5)
    view = await witness.agent("1002")
    assert (view["misses"], view["resting_until"], view["engagement"]) == (0, None, "idle")  # not their doing


async def test_who_hangs_up_in_a_conversation_is_known(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with at_desks(site, ["1002"]) as phones, site.caller(NUMBER, ANYONE, ani=ani) as callers:
        await witness.until_noted(ani, "answered:1002")
        await asyncio.sleep(2.5)
        left_at = time.time()
        callers.hang_up(callers.only)
        await witness.until_noted(ani, "outcome", timeout_s=1.0)
        await callers.ended()
        (rung,) = await witness.until(phones.calls, lambda calls: calls[0].ended_at is not None, 2)
        assert rung.ended_by == "peer"
        assert rung.ended_at - left_at < LEG_S
    row = await witness.row(ani)
    assert (row.outcome, row.hangup_by, row.agent) == ("answered", "caller", "1002")
    assert row.answered_at is not None
    assert row.queued_at is not None
    assert row.talked_s == pytest.approx(left_at - row.answered_at.timestamp(), abs=0.3)
    assert row.waited_s == pytest.approx((row.answered_at - row.queued_at).total_seconds(), abs=0.3)
    assert 1.0 < row.talked_s < left_at - rung.answered_at


async def test_a_caller_who_sends_a_knock_of_their_own_changes_nothing(site: LiveSite, witness: Witness) -> None:
    async with queue_up(site, NUMBER) as (ani, callers):
        before = witness.story(ani)
        await callers.only.press("D5D#D")
        await asyncio.sleep(1.0)
        assert witness.story(ani) == before
        assert callers.only.level_dbfs(0.5) > HUSH_DBFS  # the music goes on
        async with at_desks(site, ["1006"], PhoneManner(talk=Talk(2, 2))) as phones:
            await callers.ended(timeout_s=10)
            assert len(phones.calls()) == 1
    row = await witness.row(ani)
    assert (row.outcome, row.agent) == ("answered", "1006")


MISSES = {  # how the first phone misses the call, what that is called, how long the next one waits for it
    "no answer": (RINGING_FOR_EVER, "no_answer", OFFER_S),
    "486": (PhoneManner(refuse=486, ring_s=0.2), "rejected", 0.2),
    "480": (PhoneManner(refuse=480, ring_s=0.2), "no_answer", 0.2),  # as Asterisk counts it
    "302 to a toll number": (PhoneManner(refuse=302, ring_s=0.2, forward_to="0900123456"), "rejected", 0.2),
    "hangs up in the whisper": (PhoneManner(ring_s=0.2, talk=Talk(0.2, 0.2)), "rejected", 0.4),
}


@pytest.mark.parametrize(("manner", "why", "rings_s"), MISSES.values(), ids=MISSES.keys())
async def test_a_phone_that_does_not_take_the_call_is_followed_by_the_next(
    site: LiveSite, witness: Witness, manner: PhoneManner, why: str, rings_s: float
) -> None:
    first, *_, second = await longest_idle(witness, *STAFF)
    misses = (await witness.agent(first))["misses"]
    ani, processed = new_ani(), await site.calls_processed()
    good = PhoneManner(ring_s=0.3, talk=Talk(2.0, 2.0))
    async with at_desks(site, [first], manner) as bad_phones, at_desks(site, [second], good) as phones:
        async with site.caller(NUMBER, ANYONE, ani=ani) as callers:
            await phones.wait_for_calls(1, timeout_s=OFFER_S + 6)
            assert callers.only.level_dbfs(0.3) > HUSH_DBFS  # music all the while
            await callers.ended(timeout_s=6)
        (missed,), (rung,) = bad_phones.calls(), phones.calls()
    assert rung.invited_at - missed.invited_at == pytest.approx(rings_s, abs=0.6)
    assert witness.offers(ani) == [first, second]
    (miss,) = [entry for entry in witness.entries(ani) if entry.kind == "offer_missed"]
    assert miss.fields == {"agent": first, "why": why}
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.hangup_by) == ("answered", second, "agent")
    assert row.answered_at is not None
    assert rung.answered_at is not None
    assert row.answered_at.timestamp() >= rung.answered_at
    assert (await witness.agent(first))["misses"] == misses + 1
    assert await site.calls_processed() == processed + 1  # nothing was dialled elsewhere


async def longest_idle(witness: Witness, *extensions: str) -> list[str]:
    """The longest idle first, as the router has it; without those who rest, or would be paused for one more miss."""
    views = [await witness.agent(extension) for extension in extensions]
    fit = [view for view in views if view["misses"] < 2 and not view["resting_until"] and view["engagement"] == "idle"]
    return [view["extension"] for view in sorted(fit, key=lambda view: view["idle_since"])]


async def cancelled(witness: Witness, phones: AgentPhones) -> list[PhoneCall]:
    found: list[PhoneCall] = await witness.until(phones.calls, lambda calls: calls[0].cancelled_at is not None, 2)
    return found
