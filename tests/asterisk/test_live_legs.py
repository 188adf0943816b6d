"""A caller passed on from one agent to the next, by keys on the agent's own leg, with every phone's own log and ears."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from hotline.sip.callers import Callers
from tests.sip.live_site import LiveSite
from tests.sip.phones import ParkedPhone, PhonePark
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
SOUND_DBFS = -40.0


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
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
    first = await park.add_phone("1001", site.site.agents["1001"].sip_secret, tone_hz=440)
    await witness.until_agent("1001", engagement="idle", phone="free")
    async with site.caller(NUMBER, ani=ani) as callers:
        rung = await first.wait("incoming")
        await first.wait("confirmed")
        await callers.answered()
        phones = [await park.add_phone(one, site.site.agents[one].sip_secret, tone_hz=880) for one in others]
        for one in others:
            await witness.until_agent(one, phone="free")
        await witness.until(lambda: callers.only.level_dbfs(0.4), lambda level: level > SOUND_DBFS, timeout_s=4)
        yield ani, callers, first, rung.call, phones


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
        taken = await second.wait("incoming", timeout_s=5)
        await second.wait("confirmed")
        await asyncio.sleep(1.5)
        assert callers.only.ended == ""
        assert callers.only.level_dbfs(0.5) > SOUND_DBFS
        await second.hang_up(taken.call)
        await callers.ended()
    row = await witness.row(ani)
    assert (row.outcome, row.agent) == ("answered", "1002")
    assert [leg[0] for leg in await legs(site, ani)] == ["1001", "1002"]
