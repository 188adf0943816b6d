"""A caller passed on from one agent to the next by keys on the agent's own leg; judged by the phones' logs and ears."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hotline.sip.callers import Callers
from hotline.sip.ports import free_udp_port
from hotline.sip.scenario import PhoneManner
from tests.sip.carrier import Carrier
from tests.sip.live_site import LiveSite
from tests.sip.phones import ParkedPhone, PhonePark
from tests.sip.sound import RATE, samples_of, tone_share
from tests.sip.staff import log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "4008001001"
FLOW = """
start: line
default_way: bye
nodes:
  line: {kind: queue, queue: sales, attributes: {}, then: sorry}
  sorry: {kind: play, prompts: [queue_timeout], then: bye}
  bye: {kind: hangup}
"""
AGENTS = ("1001", "1002", "1004")
CARRIER, COURIER = "127.0.0.3", "+862155512345"
FIRST_HZ, OTHER_HZ = 440, 880  # what the agents' phones say
PURE = 0.9


@pytest.fixture(scope="module")
def carrier_port() -> int:
    return free_udp_port(CARRIER)


@pytest.fixture(scope="module")
def prepare_site(carrier_port: int) -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        away = {"match": [CARRIER], "host": CARRIER, "port": carrier_port}
        live.edit("trunk.yaml", lambda trunks: trunks.update(away=away))
        courier = {"number": COURIER, "trunk": "away", "name": "顺丰", "keypad": "91"}
        live.edit("outside.yaml", lambda outside: outside.update(courier=courier))
        for path in (live.folders.site / "flows").iterdir():
            path.unlink()
        (live.folders.site / "flows" / "line.yaml").write_text(FLOW, encoding="utf-8")
        live.edit("numbers.yaml", lambda book: [form.update(flow="line") for form in book.values()])
        live.edit("queues.yaml", _queues)
        live.edit("agents.yaml", _agents)
        live.edit("prompts.yaml", _no_whisper)

    return prepare


def _queues(queues: Any) -> None:
    for name in [name for name in queues if name not in ("sales", "service")]:
        del queues[name]
    for queue in queues.values():
        queue.update(steps=[{"require": "any"}], wrap_up_s=2, offer_s=10, preferred=[])


def _agents(agents: Any) -> None:
    for extension, agent in agents.items():
        agent.update(queues=["service"] if extension == "1004" else ["sales"], language="english")


def _no_whisper(prompts: Any) -> None:
    for key in [key for key in prompts if key.startswith("whisper_")]:
        del prompts[key]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def logged_in(shared_site: LiveSite) -> None:
    await log_in(shared_site, *AGENTS)


@asynccontextmanager
async def talking(
    site: LiveSite, park: PhonePark, *others: str
) -> AsyncIterator[tuple[str, Callers, ParkedPhone, int, list[ParkedPhone]]]:
    """A caller in conversation with 1001; the others' phones are there."""
    witness, ani = Witness(site), new_ani()
    first = await park.add_phone("1001", site.site.agents["1001"].sip_secret, tone_hz=FIRST_HZ)
    await witness.until_agent("1001", engagement="idle", phone="free")
    async with site.caller(NUMBER, ani=ani) as callers:
        rung = await first.wait("incoming")
        await first.wait("confirmed")
        await callers.answered()
        phones = [await park.add_phone(one, site.site.agents[one].sip_secret, tone_hz=OTHER_HZ) for one in others]
        for one in others:
            await witness.until_agent(one, phone="free")
        await hears(callers, FIRST_HZ)
        yield ani, callers, first, rung.call, phones


async def hears(callers: Callers, hertz: int, timeout_s: float = 8.0) -> None:
    """Whom, and no music."""

    def share() -> float:
        return tone_share(callers.only.sound.samples(0.4), hertz)

    await Witness.until(share, lambda found: found > PURE, timeout_s)


async def legs(site: LiveSite, ani: str) -> list[tuple[str, str, float]]:
    """Agent, outside, seconds; as the CRM has them."""
    row = await Witness(site).row(ani)
    with sqlite3.connect(f"file:{site.folders.var / 'crm.db'}?mode=ro", uri=True) as connection:
        query = "SELECT agent, outside, talked_s FROM legs WHERE call_id = ? ORDER BY seq"
        return [tuple(found) for found in connection.execute(query, (row.call_id,))]


async def test_blind_to_an_agent(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    async with talking(site, park, "1002") as (ani, callers, first, call, (second,)):
        await first.press(call, "*41")
        await asyncio.sleep(1.5)
        await first.press(call, "1002#")
        await first.wait("disconnected", timeout_s=8)
        taken = await second.wait("incoming")
        await second.wait("confirmed")
        await asyncio.sleep(1.5)
        assert callers.only.ended == ""
        await hears(callers, OTHER_HZ)
        await second.hang_up(taken.call)
        await callers.ended()
    row = await witness.row(ani)
    assert (row.outcome, row.agent) == ("answered", "1002")
    assert [leg[0] for leg in await legs(site, ani)] == ["1001", "1002"]


async def test_blind_to_a_queue(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    async with talking(site, park, "1004") as (ani, callers, first, call, (fourth,)):
        await first.press(call, "*41")
        await asyncio.sleep(1.5)
        await first.press(call, "82#")
        taken = await fourth.wait("incoming", timeout_s=12)
        await fourth.wait("confirmed")
        await asyncio.sleep(1.0)
        callers.hang_up(callers.only)
        await fourth.wait("disconnected")
        assert taken.caller
    row = await witness.row(ani)
    assert (row.outcome, row.queue, row.agent, row.hangup_by) == ("answered", "service", "1004", "caller")
    assert [leg[0] for leg in await legs(site, ani)] == ["1001", "1004"]


@pytest.mark.parametrize("code", ["*41", "*42"])
async def test_to_a_listed_number(
    site: LiveSite, witness: Witness, park: PhonePark, carrier_port: int, tmp_path: Path, code: str
) -> None:
    """Blind, and asked first: the caller and the number outside hear each other, the agent is free."""
    takes = PhoneManner(ring_s=0.2)
    async with (
        talking(site, park) as (ani, callers, first, call, _),
        Carrier(site, CARRIER, carrier_port, tmp_path / "carrier", takes) as carrier,
    ):
        await first.press(call, code)
        await asyncio.sleep(1.5)
        await first.press(call, "91#")
        assert (await carrier.rung()).phone == COURIER
        if code == "*42":
            await asyncio.sleep(1.5)
            await first.hang_up(call)
        await first.wait("disconnected", timeout_s=8)
        await asyncio.sleep(1.5)
        assert callers.only.ended == ""
        before = carrier.ear.sound(carrier.far).packets
        for _ in range(50):
            callers.only._ear.breathe(callers.only._up())
            await asyncio.sleep(0.02)
        assert carrier.ear.sound(carrier.far).packets - before > 30
        await witness.until_agent("1001", engagement=("wrap_up", "idle"))
        callers.hang_up(callers.only)
        await carrier.ended()
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.hangup_by) == ("answered", "1001", "caller")  # the last one of the house
    assert [leg[:2] for leg in await legs(site, ani)] == [("1001", ""), ("", "courier")]


async def test_nobody_there_leads_back_to_the_caller(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    """A number that leads nowhere, an agent who is out, and oneself: each time the two hear each other again."""
    async with talking(site, park) as (ani, callers, first, call, _):
        for typed in ("7777#", "1003#", "1001#"):
            await first.press(call, "*41")
            await asyncio.sleep(1.5)
            await first.press(call, typed)
            await asyncio.sleep(len(typed) * 0.4 + 4.5)
            assert callers.only.ended == ""
            await hears(callers, FIRST_HZ)
        await first.hang_up(call)
        await callers.ended()
    row = await witness.row(ani)
    assert (row.agent, row.hangup_by) == ("1001", "agent")


async def test_a_blind_transfer_that_nobody_takes_comes_back(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    async with talking(site, park, "1002") as (ani, callers, first, call, (second,)):
        await second.set_answer("reject")
        await first.press(call, "*41")
        await asyncio.sleep(1.5)
        await first.press(call, "1002#")
        await second.wait("incoming", timeout_s=12)
        again = await first.wait("incoming", timeout_s=12)
        await first.wait("confirmed")
        await asyncio.sleep(1)
        await first.hang_up(again.call)
        assert callers.only.ended == ""
    assert [leg[0] for leg in await legs(site, ani)] == ["1001", "1001"]


async def test_asked_first_and_handed_over(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    async with talking(site, park, "1002") as (ani, callers, first, call, (second,)):
        await first.press(call, "*42")
        await asyncio.sleep(1.5)
        await first.press(call, "1002#")
        asked = await second.wait("incoming", timeout_s=8)
        await second.wait("confirmed")
        await asyncio.sleep(1.5)
        assert tone_share(samples_of(park.recording(asked.call))[-RATE // 2 :], FIRST_HZ) > PURE
        await first.hang_up(call)
        await asyncio.sleep(2)
        assert callers.only.ended == ""
        await hears(callers, OTHER_HZ)
        await second.hang_up(asked.call)
        await witness.until_agent("1002", engagement="wrap_up")
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.hangup_by) == ("answered", "1002", "agent")
    told = await legs(site, ani)
    assert [leg[0] for leg in told] == ["1001", "1002"]
    assert 1.0 < told[1][2] < 4.0


async def test_asked_first_and_back(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    """By *0, and by the other one's hanging up."""
    async with talking(site, park, "1002") as (ani, callers, first, call, (second,)):
        for back_by_key in (True, False):
            await first.press(call, "*42")
            await asyncio.sleep(1.5)
            await first.press(call, "1002#")
            asked = await second.wait("incoming", timeout_s=8)
            await second.wait("confirmed")
            await asyncio.sleep(0.5)
            await (first.press(call, "*0") if back_by_key else second.hang_up(asked.call))
            await second.wait("disconnected")
            await asyncio.sleep(3.5)
            await hears(callers, FIRST_HZ)
        callers.hang_up(callers.only)
        await first.wait("disconnected")
    assert [leg[0] for leg in await legs(site, ani)] == ["1001"] * 3  # before, between and after


async def test_the_caller_leaves_in_a_consultation(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    async with talking(site, park, "1002") as (ani, callers, first, call, (second,)):
        await first.press(call, "*42")
        await asyncio.sleep(1.5)
        await first.press(call, "1002#")
        await second.wait("incoming", timeout_s=8)
        await second.wait("confirmed")
        callers.hang_up(callers.only)
        row = await witness.row(ani)
        assert (row.outcome, row.agent, row.hangup_by) == ("answered", "1001", "caller")
        await first.hang_up(call)
        await second.wait("disconnected")
        await witness.until_agent("1001", engagement=("wrap_up", "idle"), phone="free")


async def test_the_caller_s_own_keys_pass_nobody_on(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    async with talking(site, park) as (ani, callers, first, call, _):
        await callers.only.press("*41")
        await asyncio.sleep(2)
        await callers.only.press("1002#")
        await asyncio.sleep(1.5)
        await hears(callers, FIRST_HZ)
        await first.hang_up(call)
    assert [leg[0] for leg in await legs(site, ani)] == ["1001"]


async def test_a_queue_is_asked_first(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    """The agent waits in it, talks to whom it gives, and hands the caller over."""
    async with talking(site, park, "1004") as (ani, callers, first, call, (fourth,)):
        await first.press(call, "*42")
        await asyncio.sleep(1.5)
        await first.press(call, "82#")
        asked = await fourth.wait("incoming", timeout_s=8)
        await fourth.wait("confirmed")
        await witness.until_agent("1004", engagement="talking", queue="service")
        await asyncio.sleep(1.5)
        assert tone_share(samples_of(park.recording(asked.call))[-RATE // 2 :], FIRST_HZ) > PURE
        await first.hang_up(call)
        await asyncio.sleep(2)
        assert callers.only.ended == ""
        await hears(callers, OTHER_HZ)
        await witness.until_agent("1004", engagement="talking")
        await fourth.hang_up(asked.call)
        await witness.until_agent("1004", engagement="wrap_up")
    row = await witness.row(ani)
    assert (row.outcome, row.queue, row.agent, row.hangup_by) == ("answered", "service", "1004", "agent")
    assert [leg[0] for leg in await legs(site, ani)] == ["1001", "1004"]


@pytest.mark.parametrize("by", ["key", "star", "asked"])
async def test_a_queue_is_asked_and_the_agent_goes_back(
    site: LiveSite, witness: Witness, park: PhonePark, by: str
) -> None:
    """By a key while nobody is free, by *0 in mid-talk, or because whom it gave hangs up."""
    async with talking(site, park, "1004") as (ani, callers, first, call, (fourth,)):
        if by == "key":
            await fourth.unregister()
            await witness.until_agent("1004", phone="unreachable")
        await first.press(call, "*42")
        await asyncio.sleep(1.5)
        await first.press(call, "82#")
        if by == "key":
            await asyncio.sleep(4)
            await first.press(call, "1")
        else:
            asked = await fourth.wait("incoming", timeout_s=8)
            await fourth.wait("confirmed")
            await asyncio.sleep(0.5)
            await (first.press(call, "*0") if by == "star" else fourth.hang_up(asked.call))
            await fourth.wait("disconnected")
            await witness.until_agent("1004", engagement=("wrap_up", "idle"))
        await asyncio.sleep(3.5)
        await hears(callers, FIRST_HZ)
        await first.hang_up(call)
    row = await witness.row(ani)
    assert (row.agent, row.queue) == ("1001", "sales")
    assert [leg[0] for leg in await legs(site, ani)] == ["1001", "1001"]


async def test_the_agent_hangs_up_in_the_queue_that_is_asked(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    """Then it is a blind transfer: the caller has the place."""
    async with talking(site, park, "1004") as (ani, _callers, first, call, (fourth,)):
        await fourth.unregister()
        await witness.until_agent("1004", phone="unreachable")
        await first.press(call, "*42")
        await asyncio.sleep(1.5)
        await first.press(call, "82#")
        await asyncio.sleep(3)
        await first.hang_up(call)
        await witness.until_noted(ani, "queued:service")
        again = await park.add_phone("1004", site.site.agents["1004"].sip_secret)
        rung = await again.wait("incoming", timeout_s=8)
        await again.wait("confirmed")
        await asyncio.sleep(1)
        await again.hang_up(rung.call)
    assert [leg[0] for leg in await legs(site, ani)] == ["1001", "1004"]


async def test_the_caller_leaves_while_a_queue_is_asked(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    async with talking(site, park, "1004") as (ani, callers, first, call, (fourth,)):
        await fourth.unregister()
        await witness.until_agent("1004", phone="unreachable")
        await first.press(call, "*42")
        await asyncio.sleep(1.5)
        await first.press(call, "82#")
        await asyncio.sleep(3)
        callers.hang_up(callers.only)
        await first.wait("disconnected", timeout_s=6)
    assert (await witness.row(ani)).hangup_by == "caller"
    assert (await site.ask("queues"))["queues"][0]["waiting"] == 0
