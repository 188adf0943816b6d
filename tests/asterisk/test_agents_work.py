"""Which agents get calls: not who is paused, logged out, resting, wrapping up, on another call or without a phone. The
phones' own logs say who was rung, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from hotline.sip.callers import CallPlan, KeyPress
from hotline.sip.scenario import PhoneManner, Talk
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhoneEvent, PhonePark
from tests.sip.staff import at_desk, at_desks, log_in, queue_up
from tests.sip.witness import Witness

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "4008001001"
SERVICE = CallPlan(keys=(KeyPress(0.3, "2"), KeyPress(0.7, "2")))
WRAP_UP_S, OFFER_S = 2, 5
NOT_RUNG_S = 1.2  # a call that would come had come long before
AT_ONCE_S = 0.5
QUICK = PhoneManner(ring_s=0.1, talk=Talk(2.2, 2.2))


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    """Short offers, a wrap-up of two seconds, and a whisper of one word."""

    def prepare(live: LiveSite) -> None:
        live.edit("queues.yaml", lambda all_: [q.update(offer_s=OFFER_S, wrap_up_s=WRAP_UP_S) for q in all_.values()])
        too_long = ("whisper_lang_mandarin", "whisper_lang_english", "whisper_source_tv_spot")
        live.edit("prompts.yaml", lambda prompts: [prompts.pop(key) for key in too_long])

    return prepare


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def staff(shared_site: LiveSite) -> None:
    await log_in(shared_site, "1001", "1002", "1003", "1006")


async def test_a_paused_agent_gets_no_call_until_they_are_ready(
    site: LiveSite, witness: Witness, tmp_path: Path
) -> None:
    await at_desk(site, "1003", "*33", tmp_path)
    async with at_desks(site, ["1003"], QUICK) as phones, queue_up(site, NUMBER) as (ani, callers):
        await asyncio.sleep(NOT_RUNG_S)
        assert phones.calls() == []
        assert witness.offers(ani) == []
        async with site.desk("1003", "*34") as desk:
            await witness.until_agent("1003", presence="available")
            ready_at = time.time()
            (rung,) = await phones.wait_for_calls(1, timeout_s=8)  # when the phone is no longer at the desk
            await desk.ended()
        assert rung.invited_at - ready_at < 6
        await callers.ended()
    assert (await witness.row(ani)).agent == "1003"


@pytest.mark.parametrize(("agent", "code", "presence"), [("1006", "*32", "logged_out"), ("1001", "*33", "paused")])
async def test_what_is_asked_for_in_a_call_takes_effect_after_it(
    site: LiveSite, witness: Witness, tmp_path: Path, agent: str, code: str, presence: str
) -> None:
    manner = PhoneManner(ring_s=0.1, talk=Talk(5.5, 5.5))
    async with at_desks(site, [agent], manner) as phones, queue_up(site, NUMBER) as (ani, callers):
        await phones.wait_for_calls(1)
        await witness.until_noted(ani, "answered:" + agent)
        await at_desk(site, agent, code, tmp_path)
        view = await witness.agent(agent)
        assert (view["presence"], view["engagement"]) == (presence, "talking")
        assert callers.only.ended == ""  # they talk on
        async with queue_up(site, NUMBER) as (next_ani, _):
            await callers.ended()
            await witness.until_agent(agent, engagement="idle", timeout_s=WRAP_UP_S + 2)
            await asyncio.sleep(NOT_RUNG_S)
            assert len(phones.calls()) == 1
            assert witness.offers(next_ani) == []
    row = await witness.row(ani)
    assert (row.outcome, row.hangup_by, row.agent) == ("answered", "agent", agent)


async def test_the_wrap_up_is_kept_over_all_queues_and_ended_by_a_key(
    site: LiveSite, witness: Witness, tmp_path: Path
) -> None:
    async with at_desks(site, ["1002"], QUICK) as phones, queue_up(site, NUMBER) as (sold, first):
        await phones.wait_for_calls(1)
        async with queue_up(site, NUMBER, SERVICE, "queued:service") as (served, second):
            await first.ended()
            await witness.until_agent("1002", engagement="wrap_up")
            await phones.wait_for_calls(2)
            async with queue_up(site, NUMBER) as (_, third):
                await second.ended()
                ends_at = (await witness.until_agent("1002", engagement="wrap_up"))["until"]
                async with site.desk("1002", "*39") as more:
                    await more.answered()
                    await asyncio.sleep(0.5)
                    assert (await witness.agent("1002"))["until"] - ends_at == pytest.approx(60, abs=1)
                async with site.desk("1002", "*34"):
                    await witness.until_agent("1002", engagement=("idle", "reserved", "ringing"), timeout_s=1.5)
                await phones.wait_for_calls(3)
                await third.ended()
        calls = phones.calls()
    rests = [later.invited_at - (call.ended_at or 0) for call, later in pairwise(calls)]
    assert WRAP_UP_S <= rests[0] < WRAP_UP_S + AT_ONCE_S
    assert rests[1] < WRAP_UP_S + AT_ONCE_S  # and not the minute more
    assert (await witness.row(sold)).queue == "sales"
    assert (await witness.row(served)).queue == "service"


async def test_three_misses_of_a_kind_in_a_row_pause_the_agent(
    site: LiveSite, witness: Witness, park: PhonePark
) -> None:
    """Counted apart: the call that nobody answered is not one of the three that were rejected."""
    phone = await park.add_phone("1003", site.site.agents["1003"].sip_secret, answer="ignore")
    async with queue_up(site, NUMBER) as (ani, callers):
        rung = [await phone.wait("incoming")]
        await phone.set_answer("reject", ring_s=0.2)
        rung += [await phone.wait("incoming", timeout_s=14) for _ in range(3)]
        view = await witness.until_agent("1003", presence="paused")
        assert (view["pause_reason"], view["misses"], view["engagement"]) == ("rona", 4, "idle")
        await witness.until(lambda: witness.offers(ani), lambda offers: offers == ["1003"] * 4)
        whys = [entry.fields["why"] for entry in witness.entries(ani) if entry.kind == "offer_missed"]
        assert whys == ["no_answer", "rejected", "rejected", "rejected"]
        assert rung[1].at - rung[0].at > OFFER_S + 4  # a rest after each
        assert callers.only.ended == ""
        await phone.set_answer("auto")
        async with site.desk("1003", "*34"):
            back = await phone.wait("incoming", timeout_s=8)
        await phone.wait("confirmed")
        assert (await witness.agent("1003"))["pause_reason"] == ""
        await asyncio.sleep(1.5)
        await phone.hang_up(back.call)
        await callers.ended()
    row = await witness.row(ani)
    assert (row.outcome, row.agent) == ("answered", "1003")


async def test_answering_and_hanging_up_at_once_is_a_miss_like_any_other(site: LiveSite, witness: Witness) -> None:
    """The caller was joined to nobody, three times."""
    manner = PhoneManner(ring_s=0.1, talk=Talk(0.2, 0.2))
    async with at_desks(site, ["1002"], manner) as phones, queue_up(site, NUMBER) as (ani, callers):
        view = await witness.until_agent("1002", presence="paused", timeout_s=14)
        assert (view["pause_reason"], view["misses"]) == ("rona", 3)
        assert len(phones.calls()) == 3
        assert callers.only.ended == ""
        callers.hang_up(callers.only)
        await callers.ended()
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.answered_at, row.talked_s) == ("abandoned_queue", "", None, 0)


@pytest.mark.parametrize("called", ["2001", "1001"])
async def test_an_agent_on_another_call_gets_no_offer(
    site: LiveSite, witness: Witness, park: PhonePark, called: str
) -> None:
    other = site.site.phones.get(called) or site.site.agents[called]
    callee = await park.add_phone(called, other.sip_secret)
    agent = await park.add_phone("1003", site.site.agents["1003"].sip_secret)
    await witness.until_agent("1003", engagement="idle", phone="free")
    private = await agent.dial(called)
    await agent.wait("confirmed")
    await witness.until_agent("1003", phone="busy")
    async with queue_up(site, NUMBER) as (ani, callers):
        await asyncio.sleep(NOT_RUNG_S)
        assert witness.offers(ani) == []
        assert [event.caller for event in agent.events if event.name == "incoming"] == []
        assert len([event for event in callee.events if event.name == "incoming"]) == 1  # the private call
        await agent.hang_up(private)
        over = await agent.wait("disconnected")
        rung = await park.until(lambda: next(iter(rings(park, over.at)), None), 3, "a phone that is free is rung")
        assert rung.at - over.at < 1.0
        await asyncio.sleep(2)
        callers.hang_up(callers.only)
        await callers.ended()
    assert (await witness.row(ani)).outcome == "answered"


async def test_an_agent_without_a_phone_gets_no_offer_until_it_registers(site: LiveSite, witness: Witness) -> None:
    view = await witness.until_agent("1003", engagement="idle")
    assert (view["presence"], view["phone"]) == ("available", "unreachable")
    async with queue_up(site, NUMBER) as (ani, callers):
        await asyncio.sleep(NOT_RUNG_S)
        assert witness.offers(ani) == []
        async with at_desks(site, ["1003"], QUICK) as phones:
            await phones.wait_for_calls(1, timeout_s=2)
            await callers.ended()
    assert (await witness.row(ani)).agent == "1003"


def rings(park: PhonePark, after: float) -> list[PhoneEvent]:
    return [event for event in park.events if event.name == "incoming" and event.at > after]
