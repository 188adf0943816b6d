"""A centre that protects itself, on the real Asterisk: from one caller with many calls, from a flow that fails, and a
PIN from being written anywhere. And a supervisor who closes a line from the phone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.pins import hash_pin
from crm_bridge.reports import CallRow
from hotline.sip.callers import CallPlan, KeyPress
from hotline.sip.scenario import Dial
from tests.asterisk.test_calls_menu import another_flow
from tests.sip.live_site import LiveSite
from tests.sip.sound import RATE, saved, which_prompt
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAIN_LINE, DEALER_LINE, FAULTY_LINE = "4008001001", "4008001002", "4008001003"
SUPERVISOR = "1006"
DEALER = "301"
# Eight digits, so that they are in a file because they were written there, and not by chance in some instant.
DESK_PIN, DEALER_PIN, WRONG = "60418273", "52907364", "91736405"
SHORT = {
    "desk_which_line": "哪条线路？",
    "desk_close_for": "关闭多久？",
    "desk_closed_today": "今天已关闭。",
    "desk_line_opened": "打开了。",
    "desk_refused": "不能操作。",
    "too_many_calls": "抱歉，来电过多。",
}

_LAST_S = 1.6  # the answer, which is shorter than this, and none of the number that was said before it

# No sound flow fails by itself: the engine is started with a node that does.
BREAK = """
import ivr.flow.nodes.hours as hours

sound = hours.HoursNode.run
words = "not for anybody's eyes"

async def run(node, visit):
    if node.line == "broken":
        raise ZeroDivisionError(words)
    return await sound(node, visit)

hours.HoursNode.run = run
"""


@pytest.fixture(scope="module")
def prepare_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[LiveSite], None]]:
    folder = tmp_path_factory.mktemp("break")
    (folder / "sitecustomize.py").write_text(BREAK)

    def prepare(live: LiveSite) -> None:
        live.edit("agents.yaml", lambda agents: agents[SUPERVISOR].update(pin=DESK_PIN, supervisor=True))
        live.edit("hours.yaml", lambda hours: hours.update(broken={"week": {}}))
        for key, text in SHORT.items():
            live.edit("prompts.yaml", lambda prompts, key=key, text=text: prompts[key]["text"].update(zh=text))
        another_flow(live, "dealers", DEALER_LINE, dealer_line)
        another_flow(live, "faulty", FAULTY_LINE, faulty_line)
        (live.folders.site / "crm.yaml").write_text(json.dumps({"dealers": {DEALER: dealer()}}))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        yield prepare


def dealer() -> dict[str, Any]:
    notice = {"zh": "现货充足。", "en": "In stock."}
    return {"name": "East", "region": "east", "tier": "gold", "pin_hash": hash_pin(DEALER_PIN), "stock_notice": notice}


def dealer_line(nodes: Any) -> None:
    """A known dealer's PIN, twice at most; who has it waits for an agent."""
    nodes.clear()
    nodes.update(
        welcome={"kind": "set", "set": {"dealer": DEALER}, "then": "ask"},
        ask=ask(then="prove"),
        prove=prove(missing="again"),
        again=ask(then="once_more"),
        once_more=prove(missing="bye"),
        anyone={"kind": "queue", "queue": "sales", "attributes": {}, "then": "bye"},
        bye={"kind": "hangup"},
    )


def ask(then: str) -> dict[str, Any]:
    prompts = ["whisper_queue_sales"]
    return {"kind": "gather", "what": "pin", "value": "pin", "prompts": prompts, "then": then, "otherwise": "bye"}


def prove(missing: str) -> dict[str, Any]:
    more = {"key": "{dealer}", "pin": "pin", "take": {"tier": "tier"}}
    return {"kind": "lookup", "what": "dealer", **more, "found": "anyone", "missing": missing}


def faulty_line(nodes: Any) -> None:
    nodes.clear()
    nodes.update(
        welcome={"kind": "hours", "line": "broken", "open": "bye", "closed": "bye"},
        anyone={"kind": "queue", "queue": "sales", "attributes": {}, "then": "bye"},
        bye={"kind": "hangup"},
    )


async def ended_rows(witness: Witness, ani: str, count: int) -> list[CallRow]:
    """All calls of this caller, as soon as ``count`` have an outcome."""
    async with asyncio.timeout(15):
        while True:
            rows = [row for row in await witness.rows() if row.ani == ani and row.outcome]
            if len(rows) >= count:
                return rows
            await asyncio.sleep(0.1)


async def test_the_sixth_call_of_one_number_hears_so_while_another_number_is_served(
    site: LiveSite, witness: Witness, tmp_path: Path
) -> None:
    ani, other = new_ani(), new_ani()
    async with site.callers([Dial(MAIN_LINE, ani)] * 5) as five:
        await five.answered(5)
        async with site.caller(MAIN_LINE, ani=ani) as sixth:
            await sixth.ended(timeout_s=15)
            assert sixth.only.ended == "peer"
            sixth.only.sound.save(tmp_path / "heard.wav")
        async with site.caller(MAIN_LINE, ani=other) as served:
            await witness.until_noted(other, "node:language")
            served.hang_up(served.only)
            await served.ended()
        assert not any(call.ended for call in five.calls.values())
        for call in five.calls.values():
            five.hang_up(call)
        await five.ended()
    assert which_prompt(saved(tmp_path / "heard.wav"), site.folders.prompts, "zh") == "too_many_calls"
    assert (await witness.row(other)).outcome == "abandoned_ivr"
    rows = await ended_rows(witness, ani, 6)
    assert sorted(str(row.outcome) for row in rows) == ["abandoned_ivr"] * 5 + ["rejected"]
    [refused] = [row for row in rows if row.outcome == "rejected"]
    assert refused.cause == "over the limit of calls per caller"
    assert refused.media_source == "tv_spot"
    async with site.caller(MAIN_LINE, ani=ani) as again:  # they have hung up, and the number is served again
        await again.answered()
        await witness.until(lambda: witness.story(ani).count("node:language"), lambda count: count == 6)


async def test_a_pin_typed_by_a_caller_is_in_no_file(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with site.caller(DEALER_LINE, ani=ani) as callers:
        call = await callers.answered()
        await witness.until_noted(ani, "node:ask")
        await asyncio.sleep(1.5)
        await call.press(f"{WRONG}#")
        await witness.until_noted(ani, "node:again")
        await asyncio.sleep(1.5)
        await call.press(f"{DEALER_PIN}#")
        await witness.until_noted(ani, "queued:sales")
        [channel] = [line.split("!")[0] for line in (await site.asterisk("core show channels concise")).splitlines()]
        shown = await site.asterisk(f"core show channel {channel}")
        callers.hang_up(call)
        await callers.ended()
    assert (await witness.row(ani)).outcome == "abandoned_queue"
    assert "HOTLINE_CALL_ID" in shown
    written = [path for path in site.folders.site.rglob("*") if path.is_file()]
    names = {path.name for path in written}
    assert names >= {"crm.db", "engine.log", "asterisk.log", "messages.log", "crm.yaml"}, names
    assert site.folders.journal in written
    contents = {str(path): path.read_bytes() for path in (*written, site.up_log)}
    for name, content in {"channel": shown.encode(), **contents}.items():
        for digits in (DEALER_PIN, WRONG, DEALER_PIN[:-1], WRONG[1:]):
            assert digits.encode() not in content, name


async def test_a_node_that_fails_costs_the_caller_nothing_but_the_way_and_the_admin_sees_it(
    site: LiveSite, witness: Witness
) -> None:
    ani = new_ani()
    async with site.caller(FAULTY_LINE, ani=ani) as callers:
        await witness.until_noted(ani, "queued:sales")  # the default way
        callers.hang_up(callers.only)
        await callers.ended()
    row = await witness.row(ani)
    assert (row.outcome, row.last_node) == ("abandoned_queue", "anyone")
    [problem] = [json.loads(line) for line in (await site.cli("problems", "--json")).splitlines()]
    assert problem["flow"] == "faulty"
    assert problem["node"] == "welcome"
    assert problem["what"] == "the node failed: ZeroDivisionError"
    assert (problem["count"], problem["last_call"]) == (1, row.call_id)
    assert (await site.ask("status"))["flow_problems"] == 1
    log = (site.folders.var / "log" / "engine.log").read_text()
    assert f"the flow failed at welcome in call {row.call_id}: ZeroDivisionError" in log
    assert "not for anybody's eyes" not in log


async def at_lines_desk(site: LiveSite, code: str, work: Path, *keys: str, extension: str = SUPERVISOR) -> str:
    """Dial *52 or *53 and type, each when the question before it has been heard; what was said last."""
    presses = [KeyPress(0.5 + 4.0 * n, f"{typed}#") for n, typed in enumerate(keys)]
    async with site.desk(extension, code, CallPlan(keys=tuple(presses))) as desk:
        await desk.ended(timeout_s=40)
        assert desk.only.ended == "peer"
        desk.only.sound.save(work / "desk.wav")
    tail = saved(work / "desk.wav")[-round(_LAST_S * RATE) :]
    return which_prompt(tail, site.folders.prompts, "zh", begins="desk_")


async def meets(site: LiveSite, witness: Witness, node: str) -> bool:
    """A next caller of the main line comes to this node."""
    ani = new_ani()
    async with site.caller(MAIN_LINE, CallPlan(keys=(KeyPress(0.4, "2"),)), ani=ani) as callers:
        await witness.until(lambda: witness.nodes(ani), lambda nodes: len(nodes) == 4)
        callers.hang_up(callers.only)
        await callers.ended()
    return witness.nodes(ani)[3] == node


async def test_a_supervisor_closes_a_line_from_the_phone_and_opens_it_again(
    site: LiveSite, witness: Witness, tmp_path: Path
) -> None:
    assert await meets(site, witness, "topic")
    assert await at_lines_desk(site, "*52", tmp_path, DESK_PIN, "1", "") == "desk_closed_today"
    status = await site.ask("status")
    assert status["closed_lines"]["main"]["reason"] == f"by phone {SUPERVISOR}"
    assert await meets(site, witness, "closed_notice")
    assert await at_lines_desk(site, "*53", tmp_path, DESK_PIN, "1") == "desk_line_opened"
    assert await meets(site, witness, "topic")


async def test_a_wrong_pin_and_a_plain_agent_close_nothing(site: LiveSite, witness: Witness, tmp_path: Path) -> None:
    assert await at_lines_desk(site, "*52", tmp_path, WRONG, WRONG, WRONG) == "desk_refused"
    assert await at_lines_desk(site, "*52", tmp_path, extension="1001") == "desk_refused"
    assert (await site.ask("status"))["closed_lines"] == {}
    assert await meets(site, witness, "topic")
    for path in [path for path in site.folders.var.rglob("*") if path.is_file()]:
        for digits in (DESK_PIN, WRONG):
            assert digits.encode() not in path.read_bytes(), path
