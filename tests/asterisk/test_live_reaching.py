"""Somebody in particular, on the real Asterisk: one agent by name, a number outside of the house, and what is asked of
a caller who is still there when the other side has hung up."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hotline.sip.callers import LiveCall
from hotline.sip.ports import free_udp_port
from hotline.sip.scenario import PhoneManner, Talk
from tests.sip.carrier import Carrier
from tests.sip.live_site import LiveSite
from tests.sip.sound import RATE, saved, which_prompt
from tests.sip.staff import at_desks, log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

DIRECT, QUEUE, OUT = "4008001001", "4008001002", "4008001003"
CARRIER, COURIER = "127.0.0.3", "+862155512345"
LEG_S = 1.0  # the other leg is gone within this

DIRECT_FLOW = """
start: mine
default_way: bye
nodes:
  mine: {kind: agent, agent: "1002", queue: sales, wait_s: 20, then: sorry, after: thanks}
  sorry: {kind: play, prompts: [queue_timeout], then: bye}
  thanks: {kind: play, prompts: [goodbye], then: bye}
  bye: {kind: hangup}
"""
QUEUE_FLOW = """
start: anyone
default_way: bye
nodes:
  anyone: {kind: queue, queue: sales, attributes: {}, after: thanks}
  thanks: {kind: play, prompts: [goodbye], then: bye}
  bye: {kind: hangup}
"""
OUT_FLOW = """
start: courier
default_way: bye
nodes:
  courier: {kind: transfer, to: courier, ring_s: 20, then: sorry, after: thanks}
  sorry: {kind: play, prompts: [queue_timeout], then: bye}
  thanks: {kind: play, prompts: [goodbye], then: bye}
  bye: {kind: hangup}
"""


@pytest.fixture(scope="module")
def carrier_port() -> int:
    return free_udp_port(CARRIER)


@pytest.fixture(scope="module")
def prepare_site(carrier_port: int) -> Callable[[LiveSite], None]:
    """A flow for each number and no others, few prompts, a trunk that carries calls out, and a number outside."""

    def prepare(live: LiveSite) -> None:
        for path in (live.folders.site / "flows").iterdir():
            path.unlink()
        for name, text in {"direct": DIRECT_FLOW, "queue": QUEUE_FLOW, "out": OUT_FLOW}.items():
            (live.folders.site / "flows" / f"{name}.yaml").write_text(text, encoding="utf-8")
        flows = {QUEUE: "queue", OUT: "out"}
        live.edit("numbers.yaml", lambda book: [form.update(flow=flows.get(n, "direct")) for n, form in book.items()])
        live.edit("queues.yaml", lambda queues: [queue.update(wrap_up_s=0, offer_s=5) for queue in queues.values()])
        live.edit("prompts.yaml", few_prompts)
        away = {"match": [CARRIER], "host": CARRIER, "port": carrier_port}
        live.edit("trunk.yaml", lambda trunks: trunks.update(away=away))
        courier = {"number": COURIER, "trunk": "away", "name": "顺丰"}
        live.edit("outside.yaml", lambda outside: outside.update(courier=courier))

    return prepare


def few_prompts(prompts: Any) -> None:
    """No whisper: agent and caller are joined at once."""
    used = ("goodbye", "queue_timeout", "desk_", "hold_", "voicemail_")
    for key in [key for key in prompts if not key.startswith(used)]:
        del prompts[key]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def staff(shared_site: LiveSite) -> None:
    """1001 has been idle for longer."""
    await log_in(shared_site, "1001")
    await log_in(shared_site, "1002")


@asynccontextmanager
async def carrier_at(live: LiveSite, port: int, work: Path, manner: PhoneManner) -> AsyncIterator[Carrier]:
    async with Carrier(live, CARRIER, port, work / "carrier", manner) as carrier:
        yield carrier


def last_said(live: LiveSite, call: LiveCall, work: Path) -> str:
    """The prompt at the end of what the caller heard. Another one may end in the same words: only those of the flows
    here are looked at."""
    call.sound.save(work / "heard.wav")
    heard = saved(work / "heard.wav")[-8 * RATE :]
    return which_prompt(heard, live.folders.prompts, "zh", among=("goodbye", "queue_timeout"))


# ---- one agent


async def test_a_direct_call_rings_that_agent_although_another_has_been_idle_for_longer(
    site: LiveSite, witness: Witness, tmp_path: Path
) -> None:
    """And when the agent hangs up, the caller hears what comes after."""
    assert (await witness.agent("1001"))["idle_since"] < (await witness.agent("1002"))["idle_since"]
    ani = new_ani()
    async with at_desks(site, ["1001", "1002"], PhoneManner(ring_s=0.1, talk=Talk(2, 2))) as phones:
        async with site.caller(DIRECT, ani=ani) as callers:
            await callers.ended(timeout_s=20)
            assert callers.only.ended == "peer"
            assert last_said(site, callers.only, tmp_path) == "goodbye"
        (call,) = phones.calls()
    assert (call.phone, call.ended_by) == ("1002", "phone")
    await witness.until_noted(ani, "node:bye")
    assert witness.nodes(ani) == ["mine", "thanks", "bye"]
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.queue, row.hangup_by) == ("answered", "1002", "sales", "agent")
    assert 1.0 < (row.talked_s or 0) < 3.0
    assert sum(word == "outcome" for word in witness.story(ani)) == 1


async def test_an_agent_who_does_not_answer_is_not_waited_for_again(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with at_desks(site, ["1001", "1002"], PhoneManner(ring_s=0.1, refuse=486)) as phones:
        async with site.caller(DIRECT, ani=ani) as callers:
            await callers.ended(timeout_s=20)
        assert [call.phone for call in phones.calls()] == ["1002"]
    await witness.until_noted(ani, "node:bye")
    assert witness.nodes(ani) == ["mine", "sorry", "bye"]


async def test_of_an_agent_who_is_logged_out_the_way_on_comes_at_once(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with site.desk("1002", "*32") as desk:
        await desk.ended()
    try:
        async with at_desks(site, ["1001"]) as phones, site.caller(DIRECT, ani=ani) as callers:
            await callers.ended(timeout_s=20)
            assert phones.calls() == []
    finally:
        await log_in(site, "1002")
    await witness.until_noted(ani, "node:bye")
    story = [entry for entry in witness.entries(ani) if entry.kind == "node"]
    assert [entry.fields["name"] for entry in story] == ["mine", "sorry", "bye"]
    assert story[1].at - story[0].at < 0.5


async def test_a_caller_of_a_queue_who_is_still_there_hears_what_comes_after(
    site: LiveSite, witness: Witness, tmp_path: Path
) -> None:
    ani = new_ani()
    manner = PhoneManner(ring_s=0.1, talk=Talk(1.5, 1.5))
    async with at_desks(site, ["1001"], manner), site.caller(QUEUE, ani=ani) as callers:
        await witness.until_noted(ani, "node:thanks", timeout_s=10)
        view = await witness.agent("1001")
        assert view["engagement"] == "idle"  # free while the caller still listens
        await callers.ended(timeout_s=20)
        assert last_said(site, callers.only, tmp_path) == "goodbye"
    assert (await witness.row(ani)).hangup_by == "agent"


# ---- outside


async def test_a_transferred_caller_talks_with_somebody_outside(
    site: LiveSite, witness: Witness, carrier_port: int, tmp_path: Path
) -> None:
    """Only the listed number is dialled; they see the number that the caller dialled, and nothing of the caller's."""
    ani = new_ani()
    async with carrier_at(site, carrier_port, tmp_path, PhoneManner(ring_s=0.3, talk=Talk(4, 4))) as carrier:
        async with site.caller(OUT, ani=ani) as callers:
            rung = await carrier.rung()
            assert rung.phone == COURIER
            call = await callers.answered()
            await asyncio.sleep(2.0)  # rung, picked up, joined
            before = (carrier.ear.sound(carrier.far).packets, call.sound.packets)
            for _ in range(50):
                carrier.ear.breathe(carrier.far)
                call._ear.breathe(call._up())
                await asyncio.sleep(0.02)
            after = (carrier.ear.sound(carrier.far).packets, call.sound.packets)
            await callers.ended(timeout_s=20)
            assert callers.only.ended == "peer"
            assert last_said(site, callers.only, tmp_path) == "goodbye"
        invite = carrier.invite()
    heard = [late - early for early, late in zip(before, after, strict=True)]
    assert min(heard) > 30, (before, after)  # both ways
    assert invite.startswith(f"INVITE sip:{COURIER}@{CARRIER}")
    assert f"<sip:{OUT}@" in invite
    assert ani not in invite
    await witness.until_noted(ani, "node:bye")
    assert witness.nodes(ani) == ["courier", "thanks", "bye"]
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.queue, row.hangup_by) == ("answered", "", "", "agent")
    assert 3.0 < (row.talked_s or 0) < 5.0
    [told] = [entry.fields for entry in witness.entries(ani) if entry.kind == "transferred"]
    assert told["outside"] == "courier"
    assert told["talked_s"] == pytest.approx(row.talked_s, abs=0.01)


async def test_of_a_busy_number_outside_the_flow_goes_on(
    site: LiveSite, witness: Witness, carrier_port: int, tmp_path: Path
) -> None:
    ani = new_ani()
    busy = PhoneManner(ring_s=0.1, refuse=486)
    async with carrier_at(site, carrier_port, tmp_path, busy), site.caller(OUT, ani=ani) as callers:
        await callers.ended(timeout_s=20)
        assert last_said(site, callers.only, tmp_path) == "queue_timeout"
    [missed] = [entry.fields for entry in witness.entries(ani) if entry.kind == "transfer_missed"]
    assert missed == {"outside": "courier", "why": "BUSY"}
    row = await witness.row(ani)
    assert (row.outcome, row.answered_at, row.talked_s) == ("self_served", None, 0)


async def test_a_redirection_by_the_other_side_is_not_followed(
    site: LiveSite, witness: Witness, carrier_port: int, tmp_path: Path
) -> None:
    """302 to a dear number: no second call leaves the house."""
    ani = new_ani()
    manner = PhoneManner(ring_s=0.1, refuse=302, forward_to="+8816900001")
    async with carrier_at(site, carrier_port, tmp_path, manner) as carrier:
        async with site.caller(OUT, ani=ani) as callers:
            await callers.ended(timeout_s=20)
        assert [call.phone for call in carrier.calls()] == [COURIER]
    await witness.until_noted(ani, "node:bye")
    assert witness.nodes(ani) == ["courier", "sorry", "bye"]


async def test_a_caller_who_hangs_up_takes_the_outside_leg_with_them(
    site: LiveSite, witness: Witness, carrier_port: int, tmp_path: Path
) -> None:
    ani = new_ani()
    takes = carrier_at(site, carrier_port, tmp_path, PhoneManner(ring_s=0.1))
    async with takes as carrier, site.caller(OUT, ani=ani) as callers:
        await carrier.rung()
        await asyncio.sleep(2.0)
        left_at = time.time()
        callers.hang_up(callers.only)
        call = await carrier.ended()
        assert (call.ended_at or 0) - left_at < LEG_S
    row = await witness.row(ani)
    assert (row.outcome, row.agent, row.hangup_by) == ("answered", "", "caller")
    assert witness.nodes(ani) == ["courier"]


async def test_a_name_in_from_opens_no_trunk(site: LiveSite) -> None:
    """An outgoing trunk is an endpoint without a secret: only its address makes it."""
    text = await site.asterisk("pjsip show endpoint away")
    assert "identify_by" in text
    assert "username" not in next(line for line in text.splitlines() if "identify_by" in line)


async def test_a_transferred_talk_outlives_its_engine(
    site: LiveSite, witness: Witness, carrier_port: int, tmp_path: Path
) -> None:
    ani = new_ani()
    takes = carrier_at(site, carrier_port, tmp_path, PhoneManner(ring_s=0.1))
    async with takes as carrier, site.caller(OUT, ani=ani) as callers:
        await carrier.rung()
        await asyncio.sleep(1.5)
        os.kill(site.process("hotline.app").pid, signal.SIGKILL)
        await asyncio.sleep(0.5)
        await site.until_up()
        carrier.hang_up()
        await callers.ended()
    row = await witness.row(ani, timeout_s=20)
    assert (row.outcome, row.agent, row.queue, row.hangup_by) == ("answered", "", "", "agent")
    [told] = [entry.fields for entry in witness.entries(ani) if entry.kind == "transferred"]
    assert told["outside"] == "courier"
    assert told["talked_s"] == pytest.approx(row.talked_s, abs=0.01)
