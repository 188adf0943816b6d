"""The engine dies again and again in mid-shift, at each step of a call. The phones' own logs are the judge."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import pytest_asyncio

from hotline.sip.phones import AgentPhones
from hotline.sip.scenario import Dial, PhoneManner, Talk
from hotline.sip.timeline import PhoneCall, overlaps
from tests.asterisk.failing import engine_of, kill_9, until
from tests.asterisk.test_live_legs import FLOW, NUMBER
from tests.asterisk.test_live_soak import each_answer_has_its_row, no_whisper, nobody_is_stuck, one_row_each, talked_s
from tests.sip.live_site import LiveSite
from tests.sip.staff import log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENTS = ["1001", "1002", "1003", "1004"]
CALLS = 50
MOMENTS: Sequence[Callable[[PhoneCall], float | None]] = (
    lambda call: call.invited_at,  # the agent is reserved, and Dial begins
    lambda call: call.answered_at,
    lambda call: call.ended_at,  # the outcome, the release, and the next match
)
KILLS, BETWEEN_S = 6, 4.0
AT_ONCE_S = 0.008
TALKED_S = 1.5  # longer than any ring that nobody took


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    """Straight into one queue for anybody: where a call is, it is by the engine's doing and not by its caller's."""

    def prepare(live: LiveSite) -> None:
        for path in (live.folders.site / "flows").iterdir():
            path.unlink()
        (live.folders.site / "flows" / "line.yaml").write_text(FLOW, encoding="utf-8")
        live.edit("numbers.yaml", lambda book: [form.update(flow="line") for form in book.values()])
        live.edit("queues.yaml", _queues)
        live.edit("agents.yaml", lambda agents: [agent.update(queues=["sales"]) for agent in agents.values()])
        live.edit("prompts.yaml", no_whisper)
        live.edit("site.yaml", lambda site: site["fail_open"].update(knocks=60, knock_s=1))

    return prepare


def _queues(queues: Any) -> None:
    for name in [name for name in queues if name != "sales"]:
        del queues[name]
    queues["sales"].update(steps=[{"require": "any"}], wrap_up_s=0, offer_s=8, preferred=[])


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def staff(shared_site: LiveSite) -> None:
    await log_in(shared_site, *AGENTS)


@pytest.mark.timeout(240)
async def test_a_shift_in_which_the_engine_dies(site: LiveSite, witness: Witness) -> None:
    """kill -9 within milliseconds of a phone's INVITE, answer and BYE, twice each. Whoever talks goes on talking, every
    caller is served and has one row, and no phone ever has two calls."""
    dials = [Dial(NUMBER, new_ani()) for _ in range(CALLS)]
    draw = random.Random(4)
    async with site.agent_phones(AGENTS, PhoneManner(ring_s=0.2, talk=Talk(2.0, 4.0))) as phones:
        await asyncio.gather(*(witness.until_agent(extension, phone="free") for extension in AGENTS))
        async with site.callers(dials, rate=1.5) as callers:
            for kill in range(KILLS):
                await _another(phones, MOMENTS[kill % len(MOMENTS)])
                await asyncio.sleep(draw.uniform(0.0, AT_ONCE_S))
                await kill_9(engine_of(site))
                await site.until_up()
                await asyncio.sleep(BETWEEN_S)
            await callers.ended(timeout_s=120)
        rows = await one_row_each(witness, [dial.caller for dial in dials])
        rung = phones.calls()
        await nobody_is_stuck(site, AGENTS)
    assert overlaps(rung) == []
    talked = [call for call in rung if talked_s(call) > TALKED_S]
    assert len(talked) == CALLS
    assert {row.outcome for row in rows} == {"answered"}
    assert {call.ended_by for call in talked} == {"phone"}
    each_answer_has_its_row(rung, rows)


async def _another(phones: AgentPhones, moment: Callable[[PhoneCall], float | None]) -> None:
    def count() -> int:
        return sum(moment(call) is not None for call in phones.calls())

    before = count()
    await until(lambda: count() > before, 60, "another moment at a phone")
