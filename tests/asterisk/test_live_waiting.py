"""What a caller hears and may do while they wait, on the real Asterisk: announcements that yield, anyone instead of a
specialist, several phones that ring at once, and a call back that keeps the place in line."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hotline.sip.ports import free_udp_port
from hotline.sip.scenario import PhoneManner, Talk
from tests.asterisk.test_live_legs import FLOW
from tests.sip.carrier import Carrier
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhonePark
from tests.sip.staff import at_desk, log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER, RINGS_BOTH = "4008001001", "4008001002"
CARRIER = "127.0.0.3"
SPECIALIST, ANYONE = "1001", "1003"


@pytest.fixture(scope="module")
def carrier_port() -> int:
    return free_udp_port(CARRIER)


@pytest.fixture(scope="module")
def prepare_site(carrier_port: int) -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        for path in (live.folders.site / "flows").iterdir():
            path.unlink()
        (live.folders.site / "flows" / "line.yaml").write_text(FLOW, encoding="utf-8")
        (live.folders.site / "flows" / "both.yaml").write_text(FLOW.replace("sales", "both"), encoding="utf-8")
        live.edit("numbers.yaml", lambda book: [form.update(flow="line") for form in book.values()])
        live.edit("numbers.yaml", lambda book: book[RINGS_BOTH].update(flow="both"))
        live.edit("queues.yaml", _queues)
        live.edit("agents.yaml", _agents)
        live.edit("prompts.yaml", _few_prompts)
        away = {"match": [CARRIER], "host": CARRIER, "port": carrier_port}
        live.edit("trunk.yaml", lambda trunks: trunks.update(away=away))

    return prepare


def _queues(queues: Any) -> None:
    for name in [name for name in queues if name != "sales"]:
        del queues[name]
    queues["sales"].clear()
    queues["sales"].update(
        steps=[{"require": "laptop >= 80", "for_s": 300}, {"require": "any"}],
        wrap_up_s=1,
        offer_s=8,
        announce={"first_s": 1, "every_s": 8, "choice": True},
        keypad="81",
        alarm={"waiting": 1},
        callback={"trunk": "away", "after_s": 1, "from_hour": 0, "to_hour": 24, "tries": 2, "again_s": 1, "ring_s": 5},
    )
    queues["both"] = {"steps": [{"require": "any"}], "wrap_up_s": 1, "offer_s": 8, "parallel": 2}


def _agents(agents: Any) -> None:
    for extension, agent in agents.items():
        agent.update(queues=["sales", "both"], skills={"laptop": 90 if extension == SPECIALIST else 10})


def _few_prompts(prompts: Any) -> None:
    for key in [key for key in prompts if key.startswith("whisper_") and key != "whisper_confirm"]:
        del prompts[key]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def logged_in(shared_site: LiveSite) -> None:
    await log_in(shared_site, SPECIALIST, ANYONE)


def _events(site: LiveSite, call_id: str) -> list[Any]:
    from acd.event_log import read

    return [event for event in read(site.folders.events, 0, time.time() + 60) if event.call_id == call_id]


async def test_an_announcement_yields_to_the_agent(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    ani = new_ani()
    async with site.caller(NUMBER, ani=ani) as callers:
        await callers.answered()
        call_id = (await witness.until(lambda: witness.entries(ani), bool))[0].call_id
        await witness.until(lambda: [e.kind for e in _events(site, call_id)], lambda kinds: "announced" in kinds)
        told = next(e for e in _events(site, call_id) if e.kind == "announced")
        assert told.fields["position"] == 1
        assert told.fields["low_s"] < told.fields["expected_s"] < told.fields["high_s"]
        phone = await park.add_phone(SPECIALIST, site.site.agents[SPECIALIST].sip_secret)
        free_at = time.time()
        rung = await phone.wait("incoming")
        assert rung.at - free_at < 1.5  # the announcement is longer
        await witness.until_agent(SPECIALIST, engagement="talking")  # "confirmed" is too soon to hang up: no bridge yet
        await phone.hang_up(rung.call)
    assert (await witness.row(ani)).outcome == "answered"


async def test_anyone_now_instead_of_a_specialist(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    phone = await park.add_phone(ANYONE, site.site.agents[ANYONE].sip_secret)
    await witness.until_agent(ANYONE, phone="free")
    ani = new_ani()
    async with site.caller(NUMBER, ani=ani) as callers:
        caller = await callers.answered()
        await asyncio.sleep(2.5)
        assert witness.offers(ani) == []
        await caller.press("1")
        rung = await phone.wait("incoming", timeout_s=3)
        await witness.until_agent(ANYONE, engagement="talking")
        await phone.hang_up(rung.call)
    assert (await witness.row(ani)).agent == ANYONE


async def test_several_phones_ring_and_a_key_takes_the_call(site: LiveSite, witness: Witness, park: PhonePark) -> None:
    """The first picks up and presses nothing, as a mailbox would: the caller waits on, and another has the call."""
    secrets = {extension: agent.sip_secret for extension, agent in site.site.agents.items()}
    mailbox = await park.add_phone(SPECIALIST, secrets[SPECIALIST], ring_s=0.5)
    other = await park.add_phone(ANYONE, secrets[ANYONE], answer="ignore")
    for extension in (SPECIALIST, ANYONE):
        await witness.until_agent(extension, phone="free")
    ani = new_ani()
    async with site.caller(RINGS_BOTH, ani=ani) as callers:
        await callers.answered()
        for phone in (mailbox, other):
            await phone.wait("incoming", timeout_s=3)
        await mailbox.wait("confirmed")
        await other.wait("disconnected", timeout_s=2)
        await other.set_answer("auto")
        await mailbox.wait("disconnected", timeout_s=15)
        rung = await other.wait("incoming")
        await other.wait("confirmed")
        await other.press(rung.call, "1")
        await witness.until_agent(ANYONE, engagement="talking")
        await asyncio.sleep(1)
        assert not callers.only.ended
        await other.hang_up(rung.call)
    row = await witness.row(ani)
    assert (row.outcome, row.agent) == ("answered", ANYONE)
    missed = [entry.fields for entry in witness.entries(ani) if entry.kind == "offer_missed"]
    assert [(fields["agent"], fields["why"]) for fields in missed] == [(SPECIALIST, "rejected")]


async def test_a_call_back_keeps_its_place_and_is_dialled_once(
    site: LiveSite, witness: Witness, park: PhonePark, carrier_port: int, tmp_path: Path
) -> None:
    first, second = new_ani(), new_ani()
    async with site.caller(NUMBER, ani=first) as callers:
        caller = await callers.answered()
        await asyncio.sleep(2)
        await caller.press("2")
        await asyncio.sleep(1)
        await caller.press("1")
        await callers.ended()  # "we will call you", and we hang up
    assert (await witness.row(first)).outcome == "callback"
    manner = PhoneManner(ring_s=0.5, talk=Talk(60, 60))
    async with (
        site.caller(NUMBER, ani=second),  # who came later
        Carrier(site, CARRIER, carrier_port, tmp_path / "carrier", manner) as carrier,
    ):
        await witness.until_noted(second, "queued:sales")
        site.process("hotline.app").kill()  # the place is kept over an engine's death
        await site.until_up()
        await witness.until(lambda: witness.story(second), lambda story: "returned" in " ".join(story))
        phone = await park.add_phone(SPECIALIST, site.site.agents[SPECIALIST].sip_secret)
        rung = await carrier.rung()
        assert f"{first}@" in carrier.invite()
        await asyncio.sleep(2)
        assert [event.name for event in phone.events if event.name == "incoming"] == []
        await carrier.ear.press(carrier.far, "1", tone_s=0.1, gap_s=0.1)
        offered = await phone.wait("incoming")
        await phone.wait("confirmed")
        await witness.until(lambda: witness.offers(second), lambda offers: offers == [], timeout_s=1)
        await asyncio.sleep(1)
        assert rung.ended_at is None
        await phone.hang_up(offered.call)
        await carrier.ended()
        again = await phone.wait("incoming")  # and now the one who came later
        await witness.until_agent(SPECIALIST, engagement="talking")
        await phone.hang_up(again.call)
        assert len(carrier.calls()) == 1
    for number in (f"+86{first}", second):
        row = await witness.row(number)
        assert (row.outcome, row.agent) == ("answered", SPECIALIST)


async def test_nobody_picks_up_and_it_becomes_a_task(
    site: LiveSite, witness: Witness, park: PhonePark, carrier_port: int, tmp_path: Path
) -> None:
    ani = new_ani()
    async with site.caller(NUMBER, ani=ani) as callers:
        caller = await callers.answered()
        await asyncio.sleep(2)
        await caller.press("2")
        await asyncio.sleep(1)
        await caller.press("1")
        await callers.ended()
    busy = PhoneManner(ring_s=0.2, refuse=486)
    async with Carrier(site, CARRIER, carrier_port, tmp_path / "carrier", busy) as carrier:
        phone = await park.add_phone(SPECIALIST, site.site.agents[SPECIALIST].sip_secret)
        look = lambda: _open_tasks(site, f"+86{ani}")  # noqa: E731
        assert await witness.until(look, bool, timeout_s=30) == [("callback", "open")]
        assert len(carrier.calls()) == 2
    assert [event.name for event in phone.events if event.name == "incoming"] == []


def _open_tasks(site: LiveSite, number: str) -> list[tuple[str, str]]:
    with sqlite3.connect(f"file:{site.folders.var / 'crm.db'}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT kind, state FROM tasks WHERE number = ?", (number,)).fetchall()


async def test_an_agent_rings_back_who_gave_up(
    site: LiveSite, witness: Witness, carrier_port: int, tmp_path: Path
) -> None:
    ani = new_ani()
    async with site.caller(NUMBER, ani=ani) as callers:
        await witness.until_noted(ani, "queued:sales")
        callers.hang_up(callers.only)
        await callers.ended()
    assert (await witness.row(ani)).outcome == "abandoned_queue"
    manner = PhoneManner(ring_s=0.2, talk=Talk(1, 1))
    async with Carrier(site, CARRIER, carrier_port, tmp_path / "carrier", manner) as carrier:
        async with site.desk(ANYONE, "*38") as desk:
            await carrier.rung(timeout_s=15)
            assert f"+86{ani}@" in carrier.invite()
            await carrier.ended()
            await desk.ended()
        # Nobody rings the same caller twice: the desk says that there is nobody.
        assert await at_desk(site, ANYONE, "*38", tmp_path) == "desk_nobody_left", carrier.calls()
        assert len(carrier.calls()) == 1


async def test_lamps_show_who_is_here_and_who_waits(site: LiveSite, witness: Witness) -> None:
    async def lamp(extension: str) -> str:
        line = next(line for line in (await site.asterisk("core show hints")).splitlines() if f"{extension}@" in line)
        return line.split("State:")[1].split()[0]

    async def until_lamp(extension: str, state: str) -> None:
        deadline = time.monotonic() + 5
        while (seen := await lamp(extension)) != state:
            assert time.monotonic() < deadline, f"{extension} is {seen}"
            await asyncio.sleep(0.2)

    await until_lamp(f"*31{ANYONE}", "InUse")
    await until_lamp("*311002", "Idle")
    async with site.desk(ANYONE, "*331") as desk:
        await desk.ended()
    await until_lamp(f"*33{ANYONE}", "InUse")
    await until_lamp("*3581", "Idle")
    async with site.caller(NUMBER, ani=new_ani()):
        await until_lamp("*3581", "Ringing")
    async with site.desk(ANYONE, "*34") as desk:
        await desk.ended()
    await until_lamp(f"*33{ANYONE}", "Idle")
