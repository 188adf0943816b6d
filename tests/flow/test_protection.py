"""What a centre must survive: one caller with many calls, hours in menus, a flow that fails, a PIN that must not be
found anywhere. Everything real but Asterisk."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agi_scripts.admission import Admission, CallLimits, Refusal
from crm_bridge.migrating import migrate
from crm_bridge.problems import flow_problems
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore, sqlite_url
from hotline.cli import app
from hotline.site.init import init_site
from ivr.flow.interpreter import HangUp, QueueFor, SiteWorld, walk
from ivr.flow.model import Flow
from ivr.flow.outside import NOBODY, Outside, Subject
from ivr.flow.outside import Caller as KnownCaller
from ivr.flow.state import CallState
from tests.flow.centre import SampleCentre, first_words, open_centre, until
from tests.flow.typed_voice import PaperWorld, TypedVoice
from tests.flow.walking import flow

PIN, WRONG = "60418273", "91736405"
ANN, BOB = "13800138000", "13900139000"


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[SampleCentre]:
    async with open_centre(tmp_path) as centre:
        yield centre


def limit(centre: SampleCentre, **limits: int) -> None:
    centre.centre = replace(centre.centre, country="CN", admission=Admission(CallLimits(**limits)))


# One caller with many calls.


async def test_the_sixth_call_of_a_number_hears_so_and_others_are_served(centre: SampleCentre):
    limit(centre, per_caller=5)
    waiting = [await centre.dial_and_wait(number=ANN, hurry=1) for _ in range(5)]
    sixth = await centre.dial(number=f"0086{ANN}", extension="4008001002")
    await sixth.over()
    assert sixth.played == ["/prompts/mandarin/too_many_calls"]
    assert sixth.next == "hangup"
    assert await centre.story(sixth) == ["call_started 4008001002 newspaper", "outcome rejected system"]
    assert (await centre.outcome(sixth))["cause"] == Refusal.CALLER
    other = await centre.dial_and_wait(number=BOB, hurry=1)
    waiting[0].hang_up()
    await waiting[0].over()
    again = await centre.dial_and_wait(number=ANN, hurry=1)
    for caller in (*waiting[1:], other, again):
        caller.hang_up()
        await caller.over()
        assert (await centre.outcome(caller))["outcome"] == "abandoned_queue"
    assert not centre.centre.admission._now


async def test_who_hangs_up_in_the_notice_is_rejected_all_the_same(centre: SampleCentre):
    limit(centre, calls=1)
    first = await centre.dial_and_wait(number=ANN, hurry=1)
    second = await centre.dial("", number=BOB, prompt_s=1.0, hurry=1)
    await second.said("STREAM", "FILE")
    second.hang_up()
    await second.over()
    told = await centre.outcome(second)
    assert (told["outcome"], told["hangup_by"], told["cause"]) == ("rejected", "caller", Refusal.ALL)
    first.hang_up()
    await first.over()


async def test_calls_that_come_back_from_a_dead_engine_are_never_refused(centre: SampleCentre):
    callers = [await centre.dial_and_wait(number=ANN, hurry=1) for _ in range(3)]
    await centre.restart()
    limit(centre, per_caller=1)
    back = [await centre.knock(caller, hurry=1) for caller in callers]
    for caller in back:
        await caller.said("WAIT", "FOR", "DIGIT")
    new = await centre.dial(number=ANN)
    await new.over()
    assert (await centre.outcome(new))["cause"] == Refusal.CALLER
    for caller in back:
        caller.hang_up()
        await caller.over()
        assert (await centre.outcome(caller))["outcome"] == "abandoned_queue"
    assert not centre.centre.admission._now


async def test_a_phone_of_the_house_may_call_as_often_as_it_likes(centre: SampleCentre):
    limit(centre, per_caller=1, per_caller_per_hour=1)
    for n in range(3):
        phone = await centre.dial_and_wait(number="2001", channel=f"PJSIP/2001-0000000{n}", hurry=1)
        phone.hang_up()
        await phone.over()
        assert (await centre.outcome(phone))["outcome"] == "abandoned_queue"


# Hours in menus.

ROUND = flow(
    a={"kind": "menu", "prompts": ["q"], "options": {1: "desk"}, "tries": 5, "first_digit_s": 30, "otherwise": "desk"},
    desk={"kind": "queue", "queue": "desk", "attributes": {}, "then": "a"},
    way={"kind": "queue", "queue": "desk", "attributes": {}, "then": "a"},
    top={"default_way": "way", "limits": {"seconds": 300, "queues": 100}},
)


def menus(menu_s: float, given: Flow = ROUND) -> tuple[list[str], float, CallState]:
    """Every queue gives up at once. The places of all walks, the time in menus, and the state at the end."""
    world = PaperWorld()
    voice, state, begun = TypedVoice(world), CallState("mandarin", menu_left_s=menu_s), world.at
    leave = asyncio.run(walk(given, None, state, voice, world))
    for _ in range(200):
        if not isinstance(leave, QueueFor):
            break
        leave = asyncio.run(walk(given, leave.then, state, voice, world))
    assert leave == HangUp("overflow")
    return state.path, (world.at - begun).total_seconds(), state


def test_a_call_that_goes_from_menu_to_queue_and_back_has_one_time_for_all_its_menus():
    """Each walk is within its own 300 s; without the cap it would be a hundred of them."""
    path, spent_s, _ = menus(900.0)
    assert path[-2:] == ["a", "way"]  # cut off in the menu, the default way is taken, and then it is over
    assert 900 <= spent_s <= 900 + 30 + 2 * 2  # the question that is being asked is asked to its end
    assert path.count("way") == 1


def test_without_the_cap_only_the_queues_are_counted():
    path, spent_s, _ = menus(float("inf"))
    assert path.count("desk") > 90
    assert spent_s > 9000


def test_the_time_in_a_queue_does_not_count():
    world = PaperWorld()
    voice, state = TypedVoice(world, ["1", "1"]), CallState("mandarin", menu_left_s=60)
    leave = asyncio.run(walk(ROUND, None, state, voice, world))
    world.at += timedelta(hours=2)
    assert isinstance(leave, QueueFor)
    leave = asyncio.run(walk(ROUND, leave.then, state, voice, world))
    assert isinstance(leave, QueueFor)
    assert state.menu_left_s == 60 - 2 * 2


# A flow that fails.


class Broken(SiteWorld):
    def is_open(self, line: str) -> bool:
        raise ValueError(f"the clock of {line} says {PIN}")


async def test_a_node_that_fails_is_told_with_flow_node_and_call_and_the_caller_goes_the_default_way(
    centre: SampleCentre,
):
    centre.centre = replace(centre.centre, world=Broken({}, centre.clock))
    caller = await centre.dial_and_wait("1", hurry=1)
    story = [word for word in await centre.story(caller) if not word.startswith("language")]
    assert story[-4:] == ["node office_hours", "flow_problem", "node anyone", "queued sales"]
    [problem] = await flow_problems(centre.journal, 0.0)
    assert (problem.flow, problem.node, problem.what) == ("main", "office_hours", "the node failed: ValueError")
    assert (problem.count, problem.last_call) == (1, caller.call_id)
    caller.hang_up()
    await caller.over()
    [line] = [line for line in centre.lines if "the flow failed" in line.getMessage()]
    assert caller.call_id in line.getMessage()
    assert "office_hours" in line.getMessage()
    assert "in is_open" in line.getMessage()  # where it was; not what it said, which may be anything
    assert PIN not in line.getMessage()
    assert line.exc_info is None
    centre.lines.remove(line)


async def test_in_a_sub_flow_it_is_that_flow_which_is_named(centre: SampleCentre):
    below = flow("below", a={"kind": "hours", "line": "main", "open": "back", "closed": "back"}, back=BACK)
    above = flow(a={"kind": "flow", "flow": "below", "then": "end"})
    centre.centre = replace(centre.centre, flows={"main": above, "below": below}, world=Broken({}, centre.clock))
    caller = await centre.dial("")
    await caller.over()
    [problem] = await flow_problems(centre.journal, 0.0)
    assert (problem.flow, problem.node) == ("below", "a/a")
    centre.lines[:] = [line for line in centre.lines if "the flow failed" not in line.getMessage()]


BACK = {"kind": "return", "result": "ok"}

# A PIN.


class Accounts:
    """A CRM that knows one order. ``leaks``: it breaks, and its words are the worst that they could be."""

    def __init__(self, *, leaks: bool = False) -> None:
        self.leaks = leaks

    async def caller(self, e164: str) -> KnownCaller:
        return NOBODY

    async def look_up(self, what: Subject, key: str, language: str) -> Mapping[str, str] | None:
        return {"number": key, "status": "shipped"}

    async def prove(self, what: Subject, key: str, pin: str) -> bool:
        if self.leaks:
            raise ValueError(f"cannot compare {pin!r}")
        return pin == PIN


def order_line() -> Flow:
    """An order number is known; its PIN is asked for, twice at most."""

    def ask(then: str) -> dict[str, Any]:
        prompts = ["desk_pin"]
        return {"kind": "gather", "what": "pin", "value": "pin", "prompts": prompts, "then": then, "otherwise": "end"}

    def prove(missing: str) -> dict[str, Any]:
        more = {"key": "{order}", "pin": "pin", "take": {"status": "status"}}
        return {"kind": "lookup", "what": "order", **more, "found": "wait", "missing": missing}

    return flow(
        a={"kind": "set", "set": {"order": "4711"}, "then": "ask"},
        ask=ask("prove"),
        prove=prove("again"),
        again=ask("second"),
        second=prove("end"),
        wait={"kind": "queue", "queue": "sales", "attributes": {"language": "$language"}, "then": "end"},
        top={"default_way": "end"},
    )


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


async def all_that_is_written(centre: SampleCentre, tmp_path: Path) -> dict[str, bytes]:
    """Journal, CRM store, logs of every level, what was said to Asterisk, what the channel knows: each whole."""
    url = sqlite_url(tmp_path / "crm.db")
    await migrate(url)
    store, relay = CrmStore(url), None
    relay = Relay(centre.journal, store)
    while await relay.once():
        pass
    await store.close()
    files = {str(path): path.read_bytes() for path in files_of(tmp_path)}
    logs = [f"{line.getMessage()} {line.__dict__} {line.exc_info}" for line in centre.lines]
    commands = [f"{caller.commands} {caller.variables} {caller.env}" for caller in centre.callers]
    events = [f"{event}" for event in centre.events]
    own = {"logs": logs, "commands": commands, "events": events, "centre": [f"{centre.centre!r}"]}
    return files | {name: "\n".join(lines).encode() for name, lines in own.items()}


@pytest.mark.parametrize(
    ("keys", "leaks", "end"),
    [
        (f"{PIN}#", False, "queue"),
        (f"{WRONG}#{PIN}#", False, "queue"),
        (f"{WRONG}#{WRONG}#", False, "self_served"),
        (f"{PIN}#", True, "self_served"),
        (PIN[:-1], False, "gone"),
    ],
)
async def test_the_digits_of_a_pin_are_written_nowhere(
    centre: SampleCentre, tmp_path: Path, keys: str, leaks: bool, end: str
):
    world = SiteWorld({}, centre.clock, outside=Outside(crm=Accounts(leaks=leaks)))
    centre.centre = replace(centre.centre, flows={"main": order_line()}, world=world)
    caller = await centre.dial(keys, hurry=1 if end == "queue" else 0.001)
    if end == "queue":
        await caller.said("SET", "MUSIC", "ON")
        caller.hang_up()
    await caller.over()
    story = await centre.story(caller)
    assert ("queued sales" in story) is (end == "queue"), story
    written = await all_that_is_written(centre, tmp_path)
    assert {os.path.basename(name) for name in written} >= {"journal.db", "crm.db", "logs", "commands"}
    assert b"4711" in written[str(tmp_path / "journal.db")] + written.get(str(tmp_path / "journal.db-wal"), b"")
    for name, content in written.items():
        for digits in (PIN, WRONG, PIN[:-1], PIN[1:]):
            assert digits.encode() not in content, name
    centre.lines[:] = [line for line in centre.lines if "the flow failed" not in line.getMessage()]


async def test_wrong_pins_lock_the_account_for_all_callers(centre: SampleCentre):
    """From many numbers, five tries in all; then the right one is no use, either, until its time is over."""
    world = SiteWorld({}, centre.clock, outside=Outside(crm=Accounts()))
    centre.centre = replace(centre.centre, flows={"main": order_line()}, world=world)

    async def call(keys: str, n: int) -> bool:
        caller = await centre.dial(keys, number=f"1390013900{n}")
        await until(lambda: caller.let_go or "SET MUSIC" in first_words(caller.commands))
        served = not caller.let_go
        if served:
            caller.hang_up()
        await caller.over()
        return served

    assert [await call(f"{WRONG}#{WRONG}#", n) for n in range(2)] == [False] * 2
    assert await call(f"{WRONG}#{PIN}#", 2) is False  # the fifth wrong one
    assert await call(f"{PIN}#", 3) is False
    centre.clock.now += 899
    assert await call(f"{PIN}#", 4) is False
    centre.clock.now += 2
    assert await call(f"{PIN}#", 5) is True


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_the_terminal_does_not_show_it_either(tmp_path: Path, words: tuple[str, ...]):
    init_site(tmp_path / "site")
    flows = tmp_path / "site" / "flows"
    content = order_line().model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"name"})
    content["nodes"] = {name: node for name, node in content["nodes"].items() if name not in ("right", "wrong")}
    (flows / "main.yaml").write_text(json.dumps(content), "utf-8")
    keys = f"{WRONG}#,{PIN}#"
    command = ["try", "4008001001", "--site", str(tmp_path / "site"), "--keys", keys, *words]
    result = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert "again" in result.output, result.output
    for digits in (PIN, WRONG, PIN[:-1], PIN[1:]):
        assert digits not in result.output
