"""A whole shift at once: twenty phones, good ones and bad ones, callers who wait and callers who leave. The phones' own
logs are the judge. `make soak` runs it with 1,000 calls; here it is HOTLINE_SOAK_CALLS, or 100."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from acd.event_log import read
from acd.events import EventKind
from crm_bridge.reports import CallRow
from hotline.sip.callers import Callers, CallPlan
from hotline.sip.scenario import NEVER, Dial, PhoneManner, Talk
from hotline.sip.timeline import PhoneCall, overlaps
from tests.sip.live_site import LiveSite
from tests.sip.staff import ANYONE, log_in
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = int(os.environ.get("HOTLINE_SOAK_CALLS", "100"))
RATE = 5.0
AGENTS = [str(extension) for extension in range(1001, 1021)]
GOOD, BUSY, DEAF = AGENTS[:16], AGENTS[16:18], AGENTS[18:]
OFFER_S = 5
TALK = Talk(1.5, 4.0)
IDLE_S = 0.5
JUST_LEFT_S = 0.3  # a caller who leaves while the phone is being answered


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    """Twenty agents, one queue for anybody, no whisper and no wrap-up: what the phones see is then the whole truth."""

    def prepare(live: LiveSite) -> None:
        live.edit("agents.yaml", _staff)
        live.edit("queues.yaml", _queues)
        live.edit("prompts.yaml", no_whisper)
        live.edit("site.yaml", lambda s: s["limits"].update(calls_per_caller=10_000, calls_per_caller_per_hour=10_000))

    return prepare


def _staff(agents: Any) -> None:
    for extension in AGENTS:
        agent = agents.setdefault(extension, {"name": f"Agent {extension}"})
        agent.setdefault("pin", "246810")
        agent.setdefault("sip_secret", secrets.token_urlsafe(24))
        agent.setdefault("queues", ["sales"])
        agent.setdefault("skills", {"english": 100, "mandarin": 100})
        if "sales" not in agent["queues"]:
            agent["queues"].append("sales")


def no_whisper(prompts: Any) -> None:
    for key in [key for key in prompts if key.startswith("whisper_")]:
        del prompts[key]


def _queues(queues: Any) -> None:
    queues["sales"].update(steps=[{"require": "any"}], offer_s=OFFER_S, wrap_up_s=0)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def staff(shared_site: LiveSite) -> None:
    await log_in(shared_site, *AGENTS)


@pytest.mark.timeout(180 + CALLS)
async def test_a_shift(site: LiveSite, witness: Witness) -> None:
    patient = [Dial("4008001001", new_ani()) for _ in range(CALLS * 4 // 5)]
    hasty = [Dial("4008001001", new_ani()) for _ in range(CALLS - len(patient))]
    async with AsyncExitStack() as stack:
        groups = [
            await stack.enter_async_context(site.agent_phones(extensions, manner))
            for extensions, manner in (
                (GOOD, PhoneManner(ring_s=0.2, talk=TALK)),
                (BUSY, PhoneManner(refuse=486)),
                (DEAF, PhoneManner(ring_s=NEVER)),
            )
        ]
        await asyncio.gather(*(witness.until_agent(extension, phone="free") for extension in AGENTS))
        async with _callers(site, patient, ANYONE, 0.8) as these, _callers(site, hasty, _LEAVING, 0.2) as those:
            for callers in (these, those):
                await callers.ended(timeout_s=60 + CALLS / RATE)
        rows = await one_row_each(witness, [dial.caller for dial in (*patient, *hasty)])
        rung = [call for phones in groups for call in phones.calls()]
        await nobody_is_stuck(site)
    assert overlaps(rung) == []
    each_answer_has_its_row(rung, rows)
    assert sum(row.outcome == "answered" for row in rows) > CALLS // 2
    _first_come_first_served(witness, [row for row in rows if row.queue])
    _nobody_waits_for_an_idle_agent(rung, rows)


_LEAVING = CallPlan(talk=Talk(1.2, 3.0), keys=ANYONE.keys)


def _callers(site: LiveSite, dials: Sequence[Dial], plan: CallPlan, share: float) -> Callers:
    return site.callers(dials, plan, rate=RATE * share)


async def one_row_each(witness: Witness, numbers: Sequence[str]) -> list[CallRow]:
    """Exactly one row for each caller, with its outcome."""
    wanted = Counter(numbers)

    def whole(rows: list[CallRow]) -> bool:
        return Counter(row.ani for row in rows if row.outcome) == wanted

    for _ in range(200):
        rows = [row for row in await witness.rows() if row.ani in wanted]
        if whole(rows):
            return rows
        await asyncio.sleep(0.05)
    raise AssertionError(f"rows and callers differ: {Counter(row.ani for row in rows) - wanted, wanted}")


def each_answer_has_its_row(rung: Sequence[PhoneCall], rows: Sequence[CallRow]) -> None:
    """Agent by agent; a caller who left in the moment of the answer may be either."""
    sure = Counter(call.phone for call in rung if talked_s(call) > JUST_LEFT_S)
    maybe = Counter(call.phone for call in rung if call.answered_at is not None)
    told = Counter(row.agent for row in rows if row.outcome == "answered")
    assert all(sure[agent] <= told[agent] <= maybe[agent] for agent in AGENTS), (sure, told, maybe)
    assert {row.outcome for row in rows} <= {"answered", "abandoned_queue", "abandoned_ivr"}


def talked_s(call: PhoneCall) -> float:
    if call.answered_at is None or call.ended_at is None:
        return 0.0
    return call.ended_at - call.answered_at


def _first_come_first_served(witness: Witness, rows: Sequence[CallRow]) -> None:
    """Whoever is offered, nobody who joined earlier stands in line without an offer: by the event log, at the instant
    of each decision. A phone that did not answer sends its call back to its place, not to the end of the line."""
    joined: dict[str, float] = {}
    unoffered: set[str] = set()  # and in line
    offered: set[str] = set()
    passed: list[tuple[str, str, float]] = []
    for event in read(witness.live.folders.events, 0, time.time() + 60):
        if event.kind is EventKind.QUEUED and event.call_id not in joined:
            joined[event.call_id] = float(str(event.fields["joined_at"]))
            unoffered.add(event.call_id)
        elif event.kind is EventKind.QUEUE_LEFT:
            unoffered.discard(event.call_id)
        elif event.kind is EventKind.OFFERED:
            unoffered.discard(event.call_id)
            offered.add(event.call_id)
            mine = joined[event.call_id]
            passed += [(event.call_id, other, mine - joined[other]) for other in unoffered if joined[other] < mine]
    assert passed == []
    assert sum(row.call_id in offered for row in rows) > CALLS // 2


def _nobody_waits_for_an_idle_agent(rung: Sequence[PhoneCall], rows: Sequence[CallRow]) -> None:
    """While a call waited without a phone ringing for it, no good phone was idle for more than a moment."""
    idle = [span for agent in GOOD for span in _idle_spans([call for call in rung if call.phone == agent])]
    late = [
        (row.ani, overlap)
        for row in rows
        if row.queued_at and row.offered_at and row.outcome == "answered"
        for begun, ended in idle
        if (overlap := min(ended, row.offered_at.timestamp()) - max(begun, row.queued_at.timestamp())) > IDLE_S
        and not _was_missed(row, rung)
    ]
    assert late == []


def _was_missed(row: CallRow, rung: Sequence[PhoneCall]) -> bool:
    """A bad phone rang for somebody while this call waited: it may have been this one."""
    if row.queued_at is None or row.offered_at is None:
        return False
    begun, ended = row.queued_at.timestamp(), row.offered_at.timestamp()
    return any(call.phone not in GOOD and begun <= call.invited_at <= ended for call in rung)


def _idle_spans(calls: Sequence[PhoneCall]) -> list[tuple[float, float]]:
    ordered = sorted(calls, key=lambda call: call.invited_at)
    return [
        (before.ended_at or before.cancelled_at or before.invited_at, after.invited_at)
        for before, after in pairwise(ordered)
    ]


async def nobody_is_stuck(site: LiveSite, among: Collection[str] = GOOD) -> None:
    for _ in range(150):
        views = (await site.ask("agents"))["agents"]
        if all(view["engagement"] == "idle" for view in views):
            break
        await asyncio.sleep(0.1)
    else:
        raise AssertionError([view for view in views if view["engagement"] != "idle"])
    by_extension = {view["extension"]: view for view in views}
    assert all(by_extension[extension]["presence"] == "available" for extension in among)
