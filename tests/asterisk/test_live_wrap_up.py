"""What an agent's phone may do beside talking: say what a call came to, pause a recording, and, a supervisor's, listen,
whisper, barge in, take over and log somebody out. Judged by ears, files and rows."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import wave
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hotline.sip.callers import Callers
from hotline.sip.rtp import level_dbfs
from tests.asterisk.test_live_legs import FLOW
from tests.sip.live_site import LiveSite
from tests.sip.phones import ParkedPhone, PhonePark
from tests.sip.sound import RATE, samples_of, tone_share
from tests.sip.staff import log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "4008001001"
SUPERVISOR = "1006"
SOUND_DBFS = -40.0


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        for path in (live.folders.site / "flows").iterdir():
            path.unlink()
        (live.folders.site / "flows" / "line.yaml").write_text(FLOW, encoding="utf-8")
        live.edit("numbers.yaml", lambda book: [form.update(flow="line") for form in book.values()])
        live.edit("queues.yaml", _queues)
        live.edit(
            "agents.yaml", lambda agents: [one.update(queues=["sales"], language="english") for one in agents.values()]
        )
        live.edit("prompts.yaml", _few_prompts)

    return prepare


def _queues(queues: Any) -> None:
    for name in [name for name in queues if name != "sales"]:
        del queues[name]
    queues["sales"].update(
        steps=[{"require": "any"}],
        wrap_up_s=2,
        offer_s=10,
        preferred=[],
        dispositions={"1": {"code": "sale", "amount": True}, "2": {"code": "lead"}},
        record={"consent": "recording_notice", "pause_s": 5},
    )


def _agents(agents: Any) -> None:
    for agent in agents.values():
        agent.update(queues=["sales"], language="english")


def _few_prompts(prompts: Any) -> None:
    for key in [key for key in prompts if key.startswith("whisper_")]:
        del prompts[key]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def logged_in(shared_site: LiveSite) -> None:
    await log_in(shared_site, "1001")


@asynccontextmanager
async def talking(site: LiveSite, park: PhonePark) -> AsyncIterator[tuple[str, Callers, ParkedPhone, int]]:
    """A caller in conversation with 1001, who says a tone; after the notice that it is recorded."""
    witness, ani = Witness(site), new_ani()
    agent = await park.add_phone("1001", site.site.agents["1001"].sip_secret, tone_hz=440)
    await witness.until_agent("1001", engagement="idle", phone="free")
    async with site.caller(NUMBER, ani=ani) as callers:
        rung = await agent.wait("incoming", timeout_s=15)
        await agent.wait("confirmed")
        await witness.until(lambda: callers.only.level_dbfs(0.4), lambda level: level > SOUND_DBFS)
        yield ani, callers, agent, rung.call


def _one(site: LiveSite, query: str, *values: object) -> Any:
    with sqlite3.connect(f"file:{site.folders.var / 'crm.db'}?mode=ro", uri=True) as connection:
        return connection.execute(query, values).fetchone()


async def test_a_sale_is_typed_right_after_the_call(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    async with talking(site, park) as (ani, callers, agent, call):
        callers.hang_up(callers.only)
        row = await witness.row(ani)
        await agent.press(call, "1")
        await asyncio.sleep(1.5)
        await agent.press(call, "199*90#")
        await asyncio.sleep(5)
        await agent.press(call, "1")
        await agent.wait("disconnected", timeout_s=10)
    look = lambda: _one(site, "SELECT agent, code, amount FROM dispositions WHERE call_id = ?", row.call_id)  # noqa: E731
    assert await witness.until(look, bool) == ("1001", "sale", 1999000)  # ten-thousandths
    async with site.desk("1001", "*36") as desk:  # said again, later
        caller = await desk.answered()
        await asyncio.sleep(0.5)
        await caller.press("2")
        await desk.ended()
    assert await witness.until(look, lambda found: found[1] == "lead") == ("1001", "lead", None)


async def test_each_side_is_recorded_apart_and_a_pause_is_silence(
    site: LiveSite, witness: Witness, park: PhonePark
) -> None:
    async with talking(site, park) as (ani, _, agent, call):
        await asyncio.sleep(1.5)
        await agent.press(call, "*37")
        paused = await witness.until(lambda: witness.entries(ani), lambda found: found[-1].kind == "recording_paused")
        resumed = await witness.until(lambda: witness.entries(ani), lambda found: found[-1].kind == "recording_resumed")
        assert 4.5 < resumed[-1].at - paused[-1].at < 6.5
        assert resumed[-1].fields["why"] == "time is up"
        await asyncio.sleep(1.5)
        await agent.hang_up(call)
    row = await witness.row(ani)
    look = lambda: _one(site, "SELECT agent, file FROM recordings WHERE call_id = ?", row.call_id)  # noqa: E731
    who, file = await witness.until(look, bool)
    assert who == "1001"
    mine = _levels(site.folders.conversations / f"{file}-agent.wav")
    theirs = _levels(site.folders.conversations / f"{file}-caller.wav")
    assert max(mine[:3]) > SOUND_DBFS  # before
    assert min(mine[4:]) < -80  # within
    assert max(mine[-3:]) > SOUND_DBFS  # after
    assert max(theirs) < SOUND_DBFS  # a caller who says nothing


def _levels(path: Path) -> list[float]:
    """dBFS of each half second."""
    with wave.open(str(path)) as sound:
        samples = array("h", sound.readframes(sound.getnframes()))
    return [level_dbfs(list(samples[at : at + 4000])) for at in range(0, len(samples) - 4000, 4000)]


async def test_a_supervisor_listens_whispers_barges_in_and_takes_over(
    site: LiveSite, witness: Witness, park: PhonePark
) -> None:
    secret = site.site.agents[SUPERVISOR].sip_secret
    boss = await park.add_phone(SUPERVISOR, secret)
    agent = await park.add_phone("1001", site.site.agents["1001"].sip_secret, tone_hz=440)
    caller = await park.add_phone("2001", site.site.phones["2001"].sip_secret)  # who sends sound, if only silence
    theirs = await caller.dial(NUMBER)
    call = (await agent.wait("incoming", timeout_s=15)).call
    await agent.wait("confirmed")
    mine = await boss.dial("*401001")
    await boss.wait("confirmed")
    await asyncio.sleep(0.5)
    await boss.press(mine, f"{site.site.agents[SUPERVISOR].pin}#")
    await asyncio.sleep(2.5)
    await boss.press(mine, "1")
    await asyncio.sleep(2)
    assert park.heard_level(mine, 0.5) > SOUND_DBFS  # the agent's tone
    await boss.press(mine, "*")
    await asyncio.sleep(1)
    await agent.speak(call, 0)
    await boss.press(mine, "2")
    await asyncio.sleep(0.5)
    await boss.speak(mine, 880)
    await asyncio.sleep(1.5)
    assert park.heard_level(call, 0.5) > SOUND_DBFS  # the agent hears the whisper
    assert park.heard_level(theirs, 0.5) < SOUND_DBFS  # the caller does not
    await boss.press(mine, "*")
    await asyncio.sleep(1)
    await boss.press(mine, "3")
    await asyncio.sleep(1.5)
    assert park.heard_level(theirs, 0.5) > SOUND_DBFS  # now both do
    await boss.press(mine, "*")
    await asyncio.sleep(1)
    await boss.press(mine, "4")
    await agent.wait("disconnected")
    await asyncio.sleep(1.5)
    assert tone_share(samples_of(park.recording(theirs))[-RATE // 2 :], 880) > 0.9  # and no music
    await boss.hang_up(mine)
    row = await witness.row("2001")
    assert (row.outcome, row.agent) == ("answered", SUPERVISOR)
    with sqlite3.connect(f"file:{site.folders.var / 'crm.db'}?mode=ro", uri=True) as connection:
        audits = connection.execute("SELECT agent, fields FROM agent_events WHERE kind = 'supervised' ORDER BY seq")
        told = [(who, json.loads(fields)) for who, fields in audits]
    assert [fields["act"] for _, fields in told] == ["listen", "whisper", "barge", "take_over"]
    assert {(who, fields["whom"], fields["call"]) for who, fields in told} == {(SUPERVISOR, "1001", row.call_id)}


async def test_a_supervisor_logs_an_agent_out_and_nobody_else_may(
    site: LiveSite, witness: Witness, park: PhonePark
) -> None:
    async with site.desk("1002", "*401001") as desk:
        await desk.ended(timeout_s=10)
    assert (await witness.agent("1001"))["presence"] == "available"
    async with site.desk(SUPERVISOR, "*401001") as desk:
        caller = await desk.answered()
        await asyncio.sleep(0.4)
        await caller.press(f"{site.site.agents[SUPERVISOR].pin}#")
        await asyncio.sleep(0.6)
        await caller.press("5")
        await witness.until_agent("1001", presence="logged_out")
        await desk.ended(timeout_s=10)
    await log_in(site, "1001")
