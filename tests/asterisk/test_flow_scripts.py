"""The admin's own in a flow, on the real Asterisk: AGI scripts that it runs inside of our session, functions, texts."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from hotline.sip.callers import CallPlan, KeyPress
from tests.sip.live_site import LiveSite
from tests.sip.phones import PhonePark
from tests.sip.sound import breaths, samples_of
from tests.sip.witness import Witness, new_ani

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINE = "4008001002"
SCRIPTS = {
    "greeter": """
from asterisk.agi import AGI
agi = AGI()
dialled = agi.get_variable("HOTLINE_SCRIPT_DNIS")
agi.say_digits("4242")
agi.set_variable("HOTLINE_SCRIPT_TIER", "gold" if dialled == "4008001002" else dialled)
""",
    "sleeper": """
import subprocess, time
from asterisk.agi import AGI
AGI().set_variable("HOTLINE_SCRIPT_TIER", "gold")
subprocess.Popen(["sleep", "31.7"])
time.sleep(60)
""",
    "broken": """
from asterisk.agi import AGI
agi = AGI()
raise LookupError("what a caller has typed")
""",
    "listener": """
from asterisk.agi import AGI
agi = AGI()
agi.wait_for_digit(30000)
agi.wait_for_digit(30000)
""",
    "double": """
print("not for the pipe")
def run(values):
    print("nor this")
    return {"twice": values["dnis"] * 2, "notice": "您好, \\"${EXTEN}\\"", "unasked": "x"}
""",
    "late": """
import time
def run(values):
    time.sleep(60)
""",
}


def script(**fields: Any) -> dict[str, Any]:
    return {"kind": "script", "then": "decide", "failed": "sorry", "limit_s": 1.5, **fields}


# The key says what is tried.
TOOLS = {
    "start": "welcome",
    "default_way": "anyone",
    "nodes": {
        "welcome": {"kind": "play", "prompts": ["whisper_queue_sales"], "then": "which"},
        "which": {
            "kind": "menu",
            "prompts": ["whisper_queue_service"],
            "options": {"1": "greet", "2": "sleep", "3": "listen", "4": "double", "5": "break", "6": "late"},
            "first_digit_s": 6,
            "otherwise": "anyone",
        },
        "greet": script(agi="greeter", give=["dnis"], take=["tier"], limit_s=10),
        "sleep": script(agi="sleeper", take=["tier"]),
        "break": script(agi="broken"),
        "listen": script(agi="listener", limit_s=60),
        "late": script(python="late"),
        "double": script(python="double", give=["dnis"], take=["twice", "notice"], limit_s=10, then="text"),
        "text": {
            "kind": "sms",
            "text": {"zh": "{notice} {twice}", "en": "{notice} {twice}"},
            "then": "golden",
            "failed": "sorry",
        },
        "decide": {
            "kind": "branch",
            "cases": [{"when": {"value": "tier", "equals": "gold"}, "goto": "golden"}],
            "otherwise": "bye",
        },
        "golden": {"kind": "hangup", "outcome": "self_served"},
        "bye": {"kind": "hangup", "outcome": "rejected"},
        "sorry": {"kind": "play", "prompts": ["whisper_queue_service"], "then": "anyone"},
        "anyone": {"kind": "hangup", "outcome": "timeout"},
    },
}


@pytest.fixture(scope="module")
def prepare_site() -> Callable[[LiveSite], None]:
    def prepare(live: LiveSite) -> None:
        (live.folders.site / "flows" / "tools.yaml").write_text(json.dumps(TOOLS))  # JSON is YAML, too
        live.edit("numbers.yaml", lambda numbers: numbers[LINE].update(flow="tools"))
        folder = live.folders.site / "scripts"
        folder.mkdir(exist_ok=True)
        for name, text in SCRIPTS.items():
            (folder / f"{name}.py").write_text(text, "utf-8")

    return prepare


async def walk(site: LiveSite, witness: Witness, key: str, outcome: str) -> tuple[str, float]:
    """Press the key, wait for the end. The caller's number, and how long the call was."""
    ani, begun = new_ani(), time.monotonic()
    async with site.caller(LINE, CallPlan(keys=(KeyPress(1.5, key),)), ani=ani) as callers:
        await callers.ended(timeout_s=25)
        assert callers.only.ended == "peer"
    assert (await witness.row(ani)).outcome == outcome
    return ani, time.monotonic() - begun


def problem(witness: Witness, ani: str) -> str:
    (found,) = [entry.fields["what"] for entry in witness.entries(ani) if entry.kind == "flow_problem"]
    return str(found)


async def test_an_agi_script_speaks_reads_a_value_and_sets_one(
    site: LiveSite, witness: Witness, park: PhonePark
) -> None:
    customer = await park.add_phone("2001", site.site.phones["2001"].sip_secret, answer="ignore")
    call = await customer.dial(LINE)
    await customer.wait("confirmed")
    await asyncio.sleep(1.5)
    await customer.press(call, "1")
    await witness.until_noted("2001", "outcome", timeout_s=25)
    assert (await witness.row("2001")).outcome == "self_served"
    assert witness.nodes("2001") == ["welcome", "which", "greet", "decide", "golden"]
    heard = breaths(samples_of(park.recording(call)), pause_s=0.8)
    assert heard[-1][1] - heard[-1][0] > 1.2, heard  # four digits
    kept = [entry.fields.get("attributes") for entry in witness.entries("2001") if entry.kind == "node"]
    assert kept[-1] == "tier=gold"


async def test_a_script_that_hangs_is_ended_with_all_that_it_started(site: LiveSite, witness: Witness) -> None:
    ani, lasted_s = await walk(site, witness, "2", "timeout")
    assert witness.nodes(ani)[2:] == ["sleep", "sorry", "anyone"]
    assert problem(witness, ani) == "the script 'sleeper' failed: its 1.5 s were over"
    assert lasted_s < 12
    sleepers = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "31.7"]]
    assert not psutil.wait_procs(sleepers, timeout=5)[1]


async def test_a_script_that_raises_tells_no_more_than_what(site: LiveSite, witness: Witness) -> None:
    ani, _ = await walk(site, witness, "5", "timeout")
    assert problem(witness, ani) == "the script 'broken' failed: it ended with 1 (LookupError)"
    assert "typed" not in site.up_log.read_text("utf-8", "replace")


async def test_the_caller_hangs_up_inside_of_a_script(site: LiveSite, witness: Witness) -> None:
    ani = new_ani()
    async with site.caller(LINE, CallPlan(keys=(KeyPress(1.5, "3"),)), ani=ani) as callers:
        await witness.until_noted(ani, "node:listen", timeout_s=10)
        await witness.until(listeners, lambda seen: len(seen) == 1)
        callers.hang_up(callers.only)
        await callers.ended()
    row = await witness.row(ani)
    assert (row.outcome, row.hangup_by) == ("abandoned_ivr", "caller")
    assert witness.nodes(ani)[-1] == "listen"
    await witness.until(listeners, lambda seen: not seen)


def listeners() -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if (p.info["cmdline"] or [""])[-1].endswith("/listener.py")]


async def test_a_function_gives_values_and_a_text_is_in_the_outbox(site: LiveSite, witness: Witness) -> None:
    ani, _ = await walk(site, witness, "4", "self_served")
    assert witness.nodes(ani)[2:] == ["double", "text", "golden"]
    outbox = site.folders.outbox
    (line,) = outbox.read_text("utf-8").splitlines()
    message = json.loads(line)
    assert (message["to"], message["text"]) == (f"+86{ani}", f'您好, "${{EXTEN}}" {LINE * 2}')
    (kept,) = [entry for entry in witness.entries(ani) if entry.kind == "sms"]
    assert kept.fields == {"to": f"+86{ani}", "text": message["text"], "sent": True}
    assert kept.call_id == message["call_id"]
    assert outbox.stat().st_mode & 0o777 == 0o600


async def test_a_function_that_hangs_holds_up_nobody_but_its_caller(site: LiveSite, witness: Witness) -> None:
    (late, lasted_s), _ = await asyncio.gather(
        walk(site, witness, "6", "timeout"), walk(site, witness, "1", "self_served")
    )
    assert problem(witness, late) == "the script 'late' failed: its 1.5 s were over"
    assert lasted_s < 12
