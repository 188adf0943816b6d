"""Whole calls through the newer nodes: what reaches the journal, the queue and the next engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agi_scripts import variables
from ivr.flow.model import Flow
from ivr.spoken import Spoken
from tests.flow.centre import SampleCentre, open_centre, until

END = {"kind": "hangup"}
QUESTION = {"kind": "gather", "prompts": ["menu_main"], "otherwise": "end"}
FLOWS: Mapping[str, Mapping[str, Any]] = {
    "main": {
        "start": "pin",
        "default_way": "end",
        "nodes": {
            "pin": QUESTION | {"what": "pin", "value": "pin", "then": "status", "max_digits": 6},
            "status": {"kind": "flow", "flow": "order_status", "then": "end", "returns": {"agent": "desk"}},
            "desk": {"kind": "queue", "queue": "sales", "then": "end"},
            "end": END,
        },
    },
    "order_status": {
        "start": "ask",
        "nodes": {
            "ask": QUESTION | {"what": "order_number", "value": "order", "then": "read", "otherwise": "none"},
            "read": {"kind": "say", "what": "digits", "value": "{order}", "then": "choose"},
            "choose": {
                "kind": "menu",
                "prompts": ["menu_main"],
                "options": {1: "wait", 0: "to_agent"},
                "otherwise": "none",
            },
            "wait": {"kind": "queue", "queue": "service", "attributes": {}, "then": "remind"},
            "remind": {"kind": "say", "what": "digits", "value": "{order}", "then": "none", "missing": "ask"},
            "to_agent": {"kind": "return", "result": "agent"},
            "none": {"kind": "return"},
        },
    },
}
FOUND = {name: Flow.model_validate({"name": name, **flow}) for name, flow in FLOWS.items()}
PIN, ORDER = "471147", "20260042"


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[SampleCentre]:
    async with AsyncExitStack() as ends:
        centre = await ends.enter_async_context(open_centre(tmp_path))
        equip(centre)
        yield centre


def equip(centre: SampleCentre) -> None:
    """Every number has the flow above, and spoken values have words."""

    async def utter(spoken: Spoken, language: str) -> str | None:
        return f"/said/{language}/{spoken.text}"

    numbers = {number: replace(spec, flow="main") for number, spec in centre.centre.numbers.items()}
    centre.centre = replace(centre.centre, flows=FOUND, numbers=numbers, utter=utter)


async def test_a_pin_is_nowhere_and_an_order_number_is(centre: SampleCentre) -> None:
    """Not in the journal (nor its write-ahead log), not in a log line, not on the channel, not in the queue."""
    caller = await centre.dial(f"{PIN}{ORDER}#0")
    await caller.said("WAIT", "FOR", "DIGIT", "20000")
    places = [entry for entry in await centre.story(caller) if entry.startswith(("node", "queued"))]
    assert places == [
        "node pin",
        "node status",
        "node status/ask",
        "node status/read",
        "node status/choose",
        "node status/to_agent",
        "node desk",
        "queued sales",
    ]
    assert f"/said/mandarin/{ORDER}" in caller.played
    written = b"".join(file.read_bytes() for file in centre.journal.path.parent.glob("journal.db*"))
    told = "\n".join([*(line.getMessage() for line in centre.lines), *map(str, caller.variables.values())])
    assert ORDER.encode() in written
    assert ORDER in told
    assert PIN.encode() not in written
    assert PIN not in told
    assert PIN not in str(caller.commands)
    caller.hang_up()
    await centre.see_out(caller)


async def test_a_call_in_a_sub_flow_goes_on_there_in_the_next_engine(centre: SampleCentre) -> None:
    """It knows what was typed; what was secret is forgotten."""
    caller = await centre.dial(f"{PIN}{ORDER}#", hurry=1)
    await caller.said("STREAM", "FILE", f"/said/mandarin/{ORDER}")
    await until(lambda: caller.played[-1:] == ["/prompts/mandarin/menu_main"])
    await centre.restart()
    equip(centre)
    back = await centre.knock(caller, keys="0", hurry=0.001)
    await back.said("WAIT", "FOR", "DIGIT", "20000")
    assert back.played == ["/prompts/mandarin/menu_main"]
    nodes = [entry for entry in await centre.story(back) if entry.startswith(("node", "queued"))]
    assert nodes[-5:] == ["node status/choose"] * 2 + ["node status/to_agent", "node desk", "queued sales"]
    assert back.variables[variables.ATTRIBUTES] == f"language=mandarin;order={ORDER}"
    back.hang_up()
    await centre.see_out(back)
    assert (await centre.outcome(back))["outcome"] == "abandoned_queue"


@pytest.mark.parametrize("dies", [False, True])
async def test_a_queue_in_a_sub_flow_gives_up_into_it(centre: SampleCentre, dies: bool) -> None:
    caller = await centre.dial(f"{PIN}{ORDER}#1", hurry=0.001)
    await caller.said("WAIT", "FOR", "DIGIT", "20000")
    if dies:
        await centre.restart()
        equip(centre)
        caller = await centre.knock(caller)
        await caller.said("WAIT", "FOR", "DIGIT", "20000")
    await centre.pass_time(3600)
    await centre.see_out(caller)
    story = await centre.story(caller)
    assert caller.played == [f"/said/mandarin/{ORDER}"] if dies else caller.played[-1] == f"/said/mandarin/{ORDER}"
    assert story[-4:] == ["node status/remind", "node status/none", "node end", "outcome self_served system"]
