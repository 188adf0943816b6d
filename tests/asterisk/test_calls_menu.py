"""Callers and their keys: wrong ones, none, too many, too early; closed hours; and leaving before an agent was found.

Nobody is logged in here, so who comes through the menu waits in a queue; what the menu made of the keys is the path
through the flow's nodes, as the journal has it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest

from hotline.sip.callers import CallPlan, KeyPress, LiveCall
from ivr.flow.company import ways
from ivr.flow.model import Flow
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhonePark
from tests.sip.sound import HUSH_DBFS, breaths, samples_of
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER, CLOSED_NUMBER, BRIEF_NUMBER = "4008001001", "4008001003", "4008001002"
GONE_S = 1.0  # a caller who has left is written down within this


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    """A queue that gives up after ten seconds, one number whose line is always closed, and one of few words."""

    def prepare(live: LiveSite) -> None:
        live.edit("queues.yaml", lambda queues: queues["service"].update(max_wait_s=10))
        live.edit("hours.yaml", lambda hours: hours.update(night={"week": {}}))
        another_flow(live, "night", CLOSED_NUMBER, closed)
        another_flow(live, "brief", BRIEF_NUMBER, brief)

    return prepare


def another_flow(live: LiveSite, name: str, number: str, change: Callable[[Any], None]) -> None:
    """A copy of the main flow, changed, for one number. Nodes that the change has cut off are left out."""
    flows = live.folders.site / "flows"
    shutil.copyfile(flows / "main.yaml", flows / f"{name}.yaml")
    live.edit(f"flows/{name}.yaml", lambda flow: (change(flow["nodes"]), without_the_unreached(name, flow)))
    live.edit("numbers.yaml", lambda numbers: numbers[number].update(flow=name))


def without_the_unreached(name: str, flow: Any) -> None:
    lost = True
    while lost:
        known = Flow.model_validate({**json.loads(json.dumps(flow)), "name": name})
        reached = {known.start, known.default_way}.union(*(ways(known, node) for node in known.nodes.values()))
        lost = [node for node in flow["nodes"] if node not in reached]
        for node in lost:
            del flow["nodes"][node]


def closed(nodes: Any) -> None:
    nodes["office_hours"]["line"] = "night"


def brief(nodes: Any) -> None:
    """Prompts of half a second, so that a test can wait until all have been said."""
    for node in ("welcome", "language", "topic"):
        nodes[node]["prompts"] = ["whisper_queue_sales"]
    nodes["topic"]["silent"] = "whisper_queue_service"
    nodes["sorry"]["prompts"] = ["goodbye"]
    for node in ("language", "topic"):
        nodes[node]["first_digit_s"] = 1.0


def keys(*presses: tuple[float, str]) -> CallPlan:
    """Each at so many seconds after the answer."""
    return CallPlan(keys=tuple(KeyPress(at, key) for at, key in presses))


IN_TOPIC = ["welcome", "language", "office_hours", "topic"]
# Name → keys, and the nodes they lead through. 2 is English; after three tries the topic is `anyone`.
ENTRIES: dict[str, tuple[CallPlan, list[str]]] = {
    "wrong three times": (keys((0.4, "2"), (0.9, "9"), (1.4, "8"), (1.9, "7")), [*IN_TOPIC, "anyone"]),
    "wrong twice, then right": (keys((0.4, "2"), (0.9, "9"), (1.4, "8"), (1.9, "1")), [*IN_TOPIC, "sales"]),
    "hash only": (keys((0.4, "#"), (0.9, "#"), (1.4, "#"), (1.9, "#"), (2.4, "#"), (2.9, "#")), [*IN_TOPIC, "anyone"]),
    "wrong language": (keys((0.4, "7"), (0.9, "2"), (1.4, "2")), [*IN_TOPIC, "service"]),
    "one key for two menus": (keys((0.4, "21")), [*IN_TOPIC, "sales"]),
    "letters of no keypad": (keys((0.4, "2"), (0.9, "ABCD"), (1.7, "1")), [*IN_TOPIC, "sales"]),
}


@pytest.mark.parametrize(("plan", "path"), ENTRIES.values(), ids=ENTRIES.keys())
async def test_keys_lead_where_they_should(site: LiveSite, witness: Witness, plan: CallPlan, path: list[str]) -> None:
    ani = new_ani()
    async with site.caller(NUMBER, plan, ani=ani) as callers:
        caller = await callers.answered()
        await witness.until(lambda: witness.nodes(ani), lambda nodes: nodes[len(IN_TOPIC) :], timeout_s=8)
        story = witness.story(ani)
        assert witness.nodes(ani) == path
        # A barge-in that works is quick: all prompts together would be ten seconds and more.
        assert witness.entries(ani)[-1].at - (caller.answered_at or 0) < plan.keys[-1].after_s + 0.6
        await leave(callers, caller)
    row = await witness.row(ani)
    assert (row.outcome, row.hangup_by, row.last_node) == ("abandoned_queue", "caller", path[-1]), story
    assert row.language == "english" or plan is ENTRIES["hash only"][0]


async def test_who_presses_nothing_is_asked_so_often_and_then_served(
    site: LiveSite, witness: Witness, park: PhonePark
) -> None:
    customer = await park.add_phone("2001", site.site.phones["2001"].sip_secret, answer="ignore")
    call = await customer.dial(BRIEF_NUMBER)
    await witness.until_noted("2001", "queued:sales", timeout_s=20)
    heard = breaths(samples_of(park.recording(call)), pause_s=0.7)
    await customer.hang_up(call)
    heard = [(begin, end) for begin, end in heard if end - begin > 0.5]  # the first of the music is no breath
    # Welcome and language in one breath, language again, topic, and twice the excuse with the topic.
    assert len(heard) == 5, heard
    assert witness.nodes("2001") == [*IN_TOPIC, "anyone"]
    row = await witness.row("2001")
    assert (row.outcome, row.language, row.queue) == ("abandoned_queue", "mandarin", "sales")


async def test_a_hundred_keys_in_a_second_hurt_nobody(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with site.caller(NUMBER, ani=ani) as callers:
        caller = await callers.answered()
        await asyncio.sleep(0.4)
        began = time.monotonic()
        await asyncio.gather(*(caller.press("15799" * 5, tone_s=0.02, gap_s=0.0) for _ in range(4)))
        assert time.monotonic() - began < 3  # two thirds of one, on a machine that is not busy
        await witness.until(lambda: witness.story(ani), lambda story: "queued:sales" in story, timeout_s=10)
        assert len(witness.nodes(ani)) == len(IN_TOPIC) + 1
        # Asterisk works the keys off, 0.1 s each; then the music plays.
        await witness.until(lambda: caller.level_dbfs(0.4), lambda level: level > HUSH_DBFS)
        await leave(callers, caller)
    assert (await witness.row(ani)).outcome == "abandoned_queue"


async def test_a_key_pressed_before_the_first_prompt_counts(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with site.caller(NUMBER, keys((0.0, "2")), ani=ani) as callers:
        caller = await callers.answered()
        await witness.until_noted(ani, "node:topic")
        await leave(callers, caller)
    row = await witness.row(ani)
    assert (row.language, row.last_node) == ("english", "topic")


async def test_when_we_are_closed_the_caller_is_told_so(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with site.caller(CLOSED_NUMBER, keys((0.4, "2")), ani=ani) as callers:
        caller = await callers.answered()
        await witness.until_noted(ani, "node:closed_notice")
        await asyncio.sleep(2)
        assert caller.level_dbfs(1.5) > -35  # a notice, not silence
        await callers.ended(timeout_s=15)
        assert caller.ended == "peer"
    row = await witness.row(ani)
    assert (row.outcome, row.hangup_by, row.last_node) == ("rejected", "system", "refused")
    assert (row.queue, row.agent, row.answered_at, row.media_source) == ("", "", None, "web_search")
    assert row.talked_s == 0


LEAVING = {  # where, after which keys, with what outcome
    "the welcome": (keys(), "node:welcome", "abandoned_ivr"),
    "the language menu": (keys((0.4, "9")), "node:language", "abandoned_ivr"),
    "the topic menu": (keys((0.4, "2")), "node:topic", "abandoned_ivr"),
    "the queue": (keys((0.4, "2"), (0.9, "1")), "queued:sales", "abandoned_queue"),
}


@pytest.mark.parametrize(("plan", "where", "outcome"), LEAVING.values(), ids=LEAVING.keys())
async def test_who_leaves_is_written_down_at_once(
    site: LiveSite, witness: Witness, plan: CallPlan, where: str, outcome: str
) -> None:
    ani = new_ani()
    async with site.caller(NUMBER, plan, ani=ani) as callers:
        caller = await callers.answered()
        await witness.until_noted(ani, where)
        queued_at = witness.entries(ani)[-1].at
        await asyncio.sleep(0.7)
        left_at = await leave(callers, caller)
        await witness.until_noted(ani, "outcome", timeout_s=GONE_S)
        assert (await site.ask("status"))["calls"] == 0
    row = await witness.row(ani)
    assert (row.outcome, row.hangup_by, row.agent, row.answered_at) == (outcome, "caller", "", None)
    assert row.ended_at is not None
    assert abs(row.ended_at.timestamp() - left_at) < 0.5
    waited_s = left_at - queued_at if outcome == "abandoned_queue" else 0.0
    assert row.waited_s == pytest.approx(waited_s, abs=0.3)
    assert row.talked_s == 0


async def test_a_queue_that_gives_up_says_so_and_ends_the_call(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with site.caller(BRIEF_NUMBER, keys((0.2, "2"), (0.7, "2")), ani=ani) as callers:
        caller = await callers.answered()
        await witness.until_noted(ani, "queued:service")
        await witness.until_noted(ani, "node:sorry", timeout_s=13)
        await asyncio.sleep(1)
        assert caller.level_dbfs(0.8) > -35  # it is said
        await callers.ended()
        assert caller.ended == "peer"
    row = await witness.row(ani)
    assert (row.outcome, row.hangup_by, row.queue, row.last_node) == ("timeout", "system", "service", "gave_up")
    entries = {entry.kind: entry for entry in witness.entries(ani)}
    nodes = [entry for entry in witness.entries(ani) if entry.kind == "node" and entry.fields["name"] == "sorry"]
    assert nodes[0].at - entries["queued"].at == pytest.approx(10, abs=0.5)
    assert row.waited_s == pytest.approx(10, abs=0.5)


async def leave(callers: Any, caller: LiveCall) -> float:
    """The caller hangs up; when."""
    callers.hang_up(caller)
    left_at = time.time()
    await callers.ended()
    assert caller.ended == "caller"
    return left_at
