"""Calls that go well: what is written down, who is let in, what strange callers cannot do, what each side hears.
Judged by the phones' own logs and by what the journal, the CDR and the CRM store say afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import pytest_asyncio

from hotline.sip.callers import CallPlan, KeyPress
from hotline.sip.rtp import level_dbfs
from hotline.sip.scenario import Dial, PhoneManner, Talk
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhonePark
from tests.sip.sound import HUSH_DBFS, RATE, quietest_dbfs, samples_of, saved, tone_share
from tests.sip.staff import ANYONE, at_desks, log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENGLISH_SALES = CallPlan(keys=(KeyPress(0.3, "2"), KeyPress(0.7, "1")))
SHORT = PhoneManner(ring_s=0.3, talk=Talk(5, 5))  # the whisper takes three seconds of it
CALLER_HZ, AGENT_HZ = 1000, 620
PURE = 0.8
RING_S = 4.0  # a ringing tone would have been silent for at least a second of it, in any country


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def staff(shared_site: LiveSite) -> None:
    await log_in(shared_site, "1003")


async def test_a_call_is_tagged_served_and_written_down(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with at_desks(site, ["1003"], SHORT) as phones, site.caller("4008001001", ENGLISH_SALES, ani=ani) as callers:
        caller = await callers.answered()
        started = witness.entries(ani)[0]  # durable before the answer, and so before the first prompt
        said_yes = next(m.at for m in callers.messages() if m.status == 200)
        assert started.at < said_yes
        assert (started.fields["source"], started.fields["campaign"]) == ("tv_spot", "autumn_laptops")
        shown = await site.asterisk(f"core show channel {started.fields['channel']}")
        assert "HOTLINE_SOURCE=tv_spot" in shown
        assert "HOTLINE_CAMPAIGN=autumn_laptops" in shown
        await callers.ended(timeout_s=12)
        (rung,) = phones.calls()
        assert caller.ended == "peer"
    row = await witness.row(ani)
    assert (row.dnis, row.media_source, row.campaign) == ("4008001001", "tv_spot", "autumn_laptops")
    assert (row.language, row.queue, row.agent) == ("english", "sales", "1003")
    assert (row.outcome, row.hangup_by) == ("answered", "agent")
    assert rung.answered_at is not None
    assert rung.ended_at is not None
    assert row.answered_at is not None
    assert row.ended_at is not None
    assert row.talked_s is not None
    assert 0.5 < row.talked_s < rung.ended_at - rung.answered_at  # the whisper is no conversation
    assert abs(row.ended_at.timestamp() - rung.ended_at) < 0.5
    assert witness.nodes(ani) == ["welcome", "language", "office_hours", "topic", "sales"]
    assert witness.cdr(started.fields["uniqueid"])["userfield"] == "tv_spot"


async def test_a_customer_keeps_the_first_source_and_each_call_its_own(site: LiveSite, witness: Witness) -> None:
    ani, other = new_ani(), new_ani()
    for number, who in (("4008001002", ani), ("4008001003", ani), ("4008001003", other)):
        async with site.caller(number, CallPlan(talk=Talk(0.2, 0.2)), ani=who) as callers:
            await callers.ended()
        await witness.until_noted(who, "outcome")
    last = await witness.row(other)  # and so the others are there too
    rows = {row.media_source: row for row in await witness.rows() if row.ani == ani}
    assert set(rows) == {"newspaper", "web_search"}
    assert {row.outcome for row in rows.values()} == {"abandoned_ivr"}
    (customer,) = {row.customer_id for row in rows.values()}
    assert witness.first_source(customer) == ("newspaper", "autumn_laptops")
    assert witness.first_source(last.customer_id) == ("web_search", "printers_online")


@pytest.mark.parametrize("number", ["4008001099", "400800100", "40080010010", "s", "h", "1003", "*31", "+4008001001"])
async def test_a_number_that_is_not_ours_is_404_and_no_channel(site: LiveSite, witness: Witness, number: str) -> None:
    processed = await site.calls_processed()
    calls_before = len(await witness.rows())
    async with site.caller(number, ani=new_ani()) as callers:
        await callers.ended()
        assert list(callers.final_codes().values()) == [404]
        assert callers.only.ended == "refused"
    assert await site.calls_processed() == processed
    assert len(await witness.rows()) == calls_before


NAMES = {
    "quotes": ('Eve\\" DROP', 'Eve\\" DROP'),  # Asterisk leaves SIP's own escape in
    "a variable": ("${SHELL(id)} ${HOTLINE_CALL_ID}", "${SHELL(id)} ${HOTLINE_CALL_ID}"),
    "an expression": ("$[1+1]", "$[1+1]"),
    "a formula": ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    "commas": ("a,b&c|d=cmd", "a,b&c|d=cmd"),
    "markup": ("<img src=x>", "<img src=x>"),
    "right to left": ("\u202eabc\u202c", "abc"),
    "emoji": ("张三 📞", "张三 📞"),
    "broken utf-8": ("ab\udcff\udcfecd", "ab��cd"),
    "too long": ("x" * 300, "x" * 79),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("name", "kept"), NAMES.values(), ids=NAMES.keys())
async def test_a_strange_name_is_served_and_harmless(site: LiveSite, witness: Witness, name: str, kept: str) -> None:
    ani = new_ani()
    async with site.callers([Dial("4008001001", ani, name=name)], CallPlan(talk=Talk(0.2, 0.2))) as callers:
        await callers.ended()
    row = await witness.row(ani)
    assert (row.outcome, row.last_node) == ("abandoned_ivr", "welcome")
    assert row.caller_name == kept


NUMBERS = {
    "a variable": ("%24%7BSHELL(id)%7D71", "71"),
    "letters": ("anna.72", "72"),
    "300 digits": ("7" * 300, "7" * 32),
    "a formula": ("=cmd%7C%27%20/C%2074", "74"),
    "markup": ("%3Cimg%20src=x%3E75", "75"),
    "a plus": ("+8613900000001", "+8613900000001"),
    "anonymous": ("anonymous", ""),
}


@pytest.mark.parametrize(("number", "kept"), NUMBERS.values(), ids=NUMBERS.keys())
async def test_a_strange_number_is_served_and_cut_to_digits(
    site: LiveSite, witness: Witness, number: str, kept: str
) -> None:
    async with site.callers([Dial("4008001001", number)], CallPlan(talk=Talk(0.2, 0.2))) as callers:
        await callers.ended()
        assert list(callers.final_codes().values()) == [200]
    row = await witness.row(kept)
    assert row.outcome == "abandoned_ivr"
    assert (row.customer_id is not None) == (kept == "+8613900000001")  # only a number that can be is a customer's


async def test_a_waiting_caller_hears_music_and_goes_on_hearing_it_while_the_phone_rings(
    site: LiveSite, witness: Witness, tmp_path: Path
) -> None:
    ani = new_ani()
    async with site.caller("4008001001", ANYONE, ani=ani) as callers:
        caller = await callers.answered()
        await witness.until_noted(ani, "queued:sales")
        await asyncio.sleep(0.5)  # the last prompt's end
        waits_from = caller.sound.seconds
        await asyncio.sleep(2.5)
        rings_from = caller.sound.seconds
        async with at_desks(site, ["1003"], PhoneManner(ring_s=60)) as phones:
            await phones.wait_for_calls(1)
            await asyncio.sleep(RING_S)
            caller.sound.save(tmp_path / "heard.wav")
            callers.hang_up(caller)
            await callers.ended()
        assert not [m for m in callers.messages() if m.status in (180, 183) and m.at > (caller.answered_at or 0)]
    heard = saved(tmp_path / "heard.wav")
    waiting, ringing = heard[round(waits_from * RATE) : round(rings_from * RATE)], heard[round(rings_from * RATE) :]
    assert len(ringing) > (RING_S - 0.5) * RATE
    assert quietest_dbfs(waiting) > HUSH_DBFS + 10
    assert quietest_dbfs(ringing) > HUSH_DBFS + 10
    for tone in (425, 440, 450, 480):  # of ringing, in most countries
        assert tone_share(ringing, tone) < 0.5
    assert (await witness.row(ani)).outcome == "abandoned_queue"


async def test_the_agent_hears_a_whisper_and_then_both_hear_each_other(
    site: LiveSite, witness: Witness, park: PhonePark
) -> None:
    secret = site.site.phones["2001"].sip_secret
    customer = await park.add_phone("2001", secret, answer="ignore", tone_hz=CALLER_HZ)
    agent = await park.add_phone("1003", site.site.agents["1003"].sip_secret, ring_s=0.5, tone_hz=AGENT_HZ)
    await witness.until_agent("1003", phone="free")
    call = await customer.dial("4008001001")
    await customer.wait("confirmed")
    await asyncio.sleep(0.5)
    await customer.press(call, "20")
    rung = await agent.wait("incoming")
    await agent.wait("confirmed")
    joined = await until_tone(park, rung.call, CALLER_HZ)
    whispered = samples_of(park.recording(rung.call))[: joined - RATE // 2]
    assert len(whispered) > 1.5 * RATE
    assert level_dbfs(whispered) > -35
    assert tone_share(whispered, CALLER_HZ) < 0.2  # the caller is not heard yet
    await until_tone(park, call, AGENT_HZ)
    await asyncio.sleep(0.8)
    assert tone_share(samples_of(park.recording(call))[-RATE // 2 :], AGENT_HZ) > PURE
    assert tone_share(samples_of(park.recording(rung.call))[-RATE // 2 :], CALLER_HZ) > PURE
    await customer.hang_up(call)
    await agent.wait("disconnected")
    row = await witness.row("2001")
    assert (row.outcome, row.hangup_by, row.agent) == ("answered", "caller", "1003")


async def until_tone(park: PhonePark, call: int, hertz: int, timeout_s: float = 8.0) -> int:
    """The sample at which ``hertz`` was first all that this call heard, for half a second."""
    for _ in range(round(timeout_s / 0.1)):
        heard = samples_of(park.recording(call))
        for start in range(0, len(heard) - RATE // 2, RATE // 4):
            if tone_share(heard[start : start + RATE // 2], hertz) > PURE:
                return start
        await asyncio.sleep(0.1)
    raise AssertionError(f"call {call} did not hear {hertz} Hz within {timeout_s} s")
