"""Agents' phones as they really are: a transfer key that dials abroad, a flat battery, two telephones with one number,
an answer without sound. What they do to others is nothing, and what they cost the house is nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import pytest_asyncio

from hotline.sip.scenario import PhoneManner, Talk
from tests.asterisk.test_calls_offers import OFFER_S
from tests.asterisk.test_live_legs import FIRST_HZ, FLOW, NUMBER, OTHER_HZ, hears
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhonePark
from tests.sip.staff import at_desks, log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENTS = ("1001", "1002")
TOLL = "0900123456"
MISSES = 2  # of a kind in a row, and an agent is paused


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        for path in (live.folders.site / "flows").iterdir():
            path.unlink()
        (live.folders.site / "flows" / "line.yaml").write_text(FLOW, encoding="utf-8")
        live.edit("numbers.yaml", lambda book: [form.update(flow="line") for form in book.values()])
        live.edit("queues.yaml", lambda queues: [queues.pop(name) for name in list(queues) if name != "sales"])
        steps = {
            "steps": [{"require": "any"}],
            "wrap_up_s": 0,
            "offer_s": OFFER_S,
            "preferred": [],
            "strategy": "linear",
        }
        live.edit("queues.yaml", lambda queues: queues["sales"].update(steps))
        live.edit("agents.yaml", lambda agents: [agent.update(queues=["sales"]) for agent in agents.values()])
        kinds = {kind: {"misses": MISSES, "rest_s": 0} for kind in ("no_answer", "rejected", "unreachable")}
        live.edit("site.yaml", lambda site: site["routing"].update(rona=kinds))

    return prepare


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def logged_in(shared_site: LiveSite) -> None:
    await log_in(shared_site, *AGENTS)


async def test_a_transfer_key_that_dials_a_toll_number_dials_nothing(
    site: LiveSite, witness: Witness, park: PhonePark
) -> None:
    """REFER in mid-talk: refused, no second call leaves the house, and the two go on talking."""
    first = await park.add_phone("1001", site.site.agents["1001"].sip_secret, tone_hz=FIRST_HZ)
    await witness.until_agent("1001", phone="free")
    processed, ani = await site.calls_processed(), new_ani()
    async with site.caller(NUMBER, ani=ani) as callers:
        rung = await first.wait("incoming")
        await first.wait("confirmed")
        await hears(callers, FIRST_HZ)
        await first.refer(rung.call, TOLL)
        told = await first.wait("refer_told")
        assert told.code >= 400
        await hears(callers, FIRST_HZ)
        assert await site.calls_processed() == processed + 1
        assert await site.channels() == 2
        await first.hang_up(rung.call)
        await callers.ended()
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.hangup_by) == ("answered", "1001", "agent")


async def test_a_phone_that_loses_power_while_it_rings_is_followed_by_the_next(
    site: LiveSite, witness: Witness, park: PhonePark, tmp_path: Path
) -> None:
    """No BYE, no unregistration. The caller hears music up to the next agent, who is rung once."""
    ani = new_ani()
    async with PhonePark(site.pbx, tmp_path / "flat", host=site.site.bind) as flat:
        dying = await flat.add_phone("1001", site.site.agents["1001"].sip_secret, answer="ignore")
        await witness.until_agent("1001", phone="free")
        second = await park.add_phone("1002", site.site.agents["1002"].sip_secret, tone_hz=OTHER_HZ)
        await witness.until_agent("1002", phone="free")
        async with site.caller(NUMBER, ani=ani) as callers:
            await dying.wait("incoming")
            await flat.kill()
            rung = await second.wait("incoming", timeout_s=OFFER_S + 6)
            await second.wait("confirmed")
            await hears(callers, OTHER_HZ)
            await second.hang_up(rung.call)
            await callers.ended()
    assert witness.offers(ani) == ["1001", "1002"], witness.story(ani)
    assert (await witness.row(ani)).agent == "1002"
    await witness.until_agent("1001", engagement="idle", timeout_s=15)
    await site.until_no_channels()


async def test_of_two_telephones_with_one_number_the_last_one_rings(
    site: LiveSite, witness: Witness, park: PhonePark, tmp_path: Path
) -> None:
    """An agent logs a softphone in and leaves the desk phone on: one call, one telephone."""
    secret, ani = site.site.agents["1001"].sip_secret, new_ani()
    at_desk = await park.add_phone("1001", secret, answer="ignore")
    async with PhonePark(site.pbx, tmp_path / "soft", host=site.site.bind) as other:
        soft = await other.add_phone("1001", secret, tone_hz=FIRST_HZ)
        await witness.until_agent("1001", phone="free")
        async with site.caller(NUMBER, ani=ani) as callers:
            rung = await soft.wait("incoming")
            await soft.wait("confirmed")
            await hears(callers, FIRST_HZ)
            assert not [event for event in at_desk.events if event.name == "incoming"]
            await soft.hang_up(rung.call)
            await callers.ended()
        await soft.unregister()
    assert (await witness.row(ani)).agent == "1001"


@pytest.mark.parametrize(
    ("extension", "manner"),
    [("1001", PhoneManner(with_sdp=False, talk=Talk(5, 5))), ("1002", PhoneManner(ring_s=0.2, talk=Talk(0.0, 0.0)))],
    ids=["answers without a word on sound", "answers and hangs up at once"],
)
async def test_a_phone_nobody_can_talk_over_is_paused_after_so_many_misses(
    site: LiveSite, witness: Witness, extension: str, manner: PhoneManner
) -> None:
    ani = new_ani()
    async with site.caller(NUMBER, ani=ani), at_desks(site, [extension], manner):
        view = await witness.until_agent(extension, presence="paused", timeout_s=20)
        assert view["pause_reason"] == "rona"
        await asyncio.sleep(1)
        assert witness.offers(ani) == [extension] * MISSES
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.hangup_by) == ("abandoned_queue", "", "caller")
