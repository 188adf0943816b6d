"""Whole calls that ask the CRM and leave something in it: the site's book, the store, the journal and the relay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agi_scripts import variables
from crm_bridge import reports
from crm_bridge.directory import Directory
from crm_bridge.migrating import migrate
from crm_bridge.relay import Relay
from crm_bridge.seed import CustomerSeed, DealerSeed, OrderSeed, PromiseSeed, Seed, sow
from crm_bridge.store import CrmStore, sqlite_url
from crm_bridge.work_lists import open_tasks
from ivr.flow.interpreter import SiteWorld
from ivr.flow.model import Flow
from ivr.flow.outside import Outside
from ivr.spoken import Spoken
from tests.flow.centre import Caller, SampleCentre, open_centre, until

SAID = "menu_main"
QUEUED = ("WAIT", "FOR", "DIGIT", "20000")
FLOWS: Mapping[str, Mapping[str, Any]] = {
    "main": {
        "start": "source",
        "default_way": "end",
        "nodes": {
            "source": {
                "kind": "menu",
                "prompts": [SAID],
                "options": {
                    1: {"goto": "ask", "set_source": "newspaper"},
                    2: "dealer",
                    3: "back",
                    4: "ask",
                },
                "otherwise": "end",
            },
            "ask": {
                "kind": "gather",
                "what": "order_number",
                "value": "order",
                "prompts": [SAID],
                "then": "find",
                "otherwise": "end",
            },
            "find": {
                "kind": "lookup",
                "what": "order",
                "key": "{order}",
                "take": {"status": "status", "amount": "amount"},
                "found": "tell",
                "missing": "end",
                "failed": "desk",
            },
            "tell": {"kind": "say", "what": "money", "value": "{amount}", "then": "ask_again"},
            "ask_again": {"kind": "menu", "prompts": [SAID], "options": {1: "end"}, "otherwise": "end"},
            "dealer": {
                "kind": "gather",
                "what": "pin",
                "value": "pin",
                "prompts": [SAID],
                "then": "prove",
                "otherwise": "end",
            },
            "prove": {
                "kind": "lookup",
                "what": "dealer",
                "key": "301",
                "pin": "pin",
                "take": {"name": "dealer"},
                "found": "desk",
                "missing": "end",
            },
            "back": {
                "kind": "callback",
                "queue": "sales",
                "prompts": [SAID],
                "confirm": {"prompts": [SAID]},
                "then": "thanks",
                "otherwise": "end",
            },
            "thanks": {"kind": "menu", "prompts": [SAID], "options": {1: "end"}, "otherwise": "end"},
            "desk": {"kind": "queue", "queue": "sales", "then": "end"},
            "end": {"kind": "hangup"},
        },
    },
}
FOUND = {name: Flow.model_validate({"name": name, **flow}) for name, flow in FLOWS.items()}
SEED = Seed(
    customers=[CustomerSeed("80001", "王芳", ("+8613800138000",), "gold")],
    promises=[PromiseSeed("call_wang", "80001", "call her", date(2020, 1, 1))],
    orders=[OrderSeed("20260042", "80001", "shipped", Decimal("205.05"), "CNY", date(2026, 1, 1))],
    dealers=[DealerSeed("301", "华东数码", "east", pin="246810")],
)


@dataclass
class Crm:
    """A sample centre with a store behind it. ``relay``: only when it is told to."""

    centre: SampleCentre
    store: CrmStore

    def equip(self) -> None:
        """Every number has the flow above, and what it asks is there; again for each new engine."""

        async def utter(spoken: Spoken, language: str) -> str | None:
            return f"/said/{spoken.text}"

        here = self.centre.centre
        directory = Directory(
            self.store, region="CN", codes={"mandarin": "zh"}, zone=ZoneInfo("UTC"), clock=self.centre.clock
        )
        self.centre.centre = replace(
            here,
            flows=FOUND,
            numbers={number: replace(spec, flow="main") for number, spec in here.numbers.items()},
            world=SiteWorld({}, self.centre.clock, outside=Outside(crm=directory)),
            utter=utter,
            country="CN",
        )

    async def restart(self) -> None:
        await self.centre.restart()
        self.equip()

    async def relayed(self) -> None:
        await self.centre.written()
        relay = Relay(self.centre.journal, self.store)
        while await relay.once():
            pass


@pytest.fixture
async def crm(tmp_path: Path) -> AsyncIterator[Crm]:
    async with AsyncExitStack() as ends:
        centre = await ends.enter_async_context(open_centre(tmp_path / "site"))
        url = sqlite_url(tmp_path / "crm.db")
        await migrate(url)
        store = CrmStore(url)
        ends.push_async_callback(store.close)
        await sow(store, SEED)
        crm = Crm(centre, store)
        crm.equip()
        yield crm


async def test_an_order_of_the_book_is_told(crm: Crm) -> None:
    caller = await crm.centre.see_out(await crm.centre.dial("420260042#1"))
    assert "/said/205.05" in caller.played
    assert (await crm.centre.outcome(caller))["outcome"] == "self_served"


async def test_an_order_that_is_in_no_book(crm: Crm) -> None:
    caller = await crm.centre.see_out(await crm.centre.dial("499999999#1"))
    assert not [file for file in caller.played if file.startswith("/said/205")]
    assert (await crm.centre.story(caller))[-3::2] == ["node end", "outcome self_served system"]


async def test_a_store_that_is_away_costs_the_caller_nothing_but_the_answer(crm: Crm, tmp_path: Path) -> None:
    crm.store = CrmStore(sqlite_url(tmp_path / "nothing.db"))
    crm.equip()
    caller = await crm.centre.dial("420260042#1")
    await caller.said(*QUEUED)
    told = [entry for entry in await crm.centre.story(caller) if entry.startswith("flow_problem")]
    assert told == ["flow_problem"] * 2  # the look-up, and who the caller is for the queue
    caller.hang_up()
    await crm.centre.see_out(caller)
    await crm.store.close()


@pytest.mark.parametrize(("pin", "node"), [("246810", "node desk"), ("246811", "node end")])
async def test_a_dealer_proves_themselves_and_the_pin_is_nowhere(crm: Crm, pin: str, node: str) -> None:
    caller = await crm.centre.dial(f"2{pin}#")
    await until(lambda: caller.let_go or QUEUED in caller.commands)
    caller.hang_up()
    await crm.centre.see_out(caller)
    assert node in await crm.centre.story(caller)
    assert pin not in str(crm.centre.on_disk()) + str(caller.commands)


# ---- an engine that dies


async def arrived(crm: Crm, keys: str, node: str) -> Caller:
    """The caller hears the node, and says nothing more."""
    caller = await crm.centre.dial(keys, hurry=1)
    await until(lambda: node in {record.left_off.node for record in crm.centre.live.by_id.values()})
    return caller


async def orphaned(crm: Crm, keys: str, node: str) -> Caller:
    """Its engine is dead, and another one is there."""
    caller = await arrived(crm, keys, node)
    await crm.restart()
    return caller


async def test_the_source_that_the_caller_named_is_kept(crm: Crm) -> None:
    caller = await orphaned(crm, "1", "ask")
    back = await crm.centre.knock(caller, keys="", hurry=1)
    await until(lambda: caller.call_id in crm.centre.live.by_id and crm.centre.live.left_off == {})
    assert crm.centre.live.by_id[caller.call_id].tag.source == "newspaper"  # what a branch and a whisper go by
    back.press("20260042#1")
    await crm.centre.see_out(back)
    sources = [entry.fields["source"] for entry in crm.centre.on_disk(back.call_id) if entry.kind == "source"]
    assert sources == ["newspaper"]  # said once, and not taken back
    await crm.relayed()
    [call] = await reports.calls(crm.store)
    assert call.media_source == "newspaper"


async def test_who_asked_to_be_called_back_is_called_back_although_the_engine_died(crm: Crm) -> None:
    caller = await orphaned(crm, "31", "thanks")
    await crm.centre.see_out(await crm.centre.knock(caller, keys="1", hurry=0.001))
    assert (await crm.centre.outcome(caller))["outcome"] == "callback"
    await crm.relayed()
    [task] = await open_tasks(crm.store, "callback")
    assert (task.call_id, task.number, task.queue) == (caller.call_id, "+8613800138000", "sales")


async def test_who_hung_up_while_no_engine_was_there_has_asked_all_the_same(crm: Crm) -> None:
    caller = await orphaned(crm, "31", "thanks")
    await (await crm.centre.knock(caller, "ended")).over()
    assert (await crm.centre.outcome(caller))["outcome"] == "callback"


async def test_a_line_that_is_cut_loses_neither_while_the_engine_lives(crm: Crm) -> None:
    caller = await arrived(crm, "1", "ask")
    caller.cut()
    await caller.over()
    left = crm.centre.live.left_off[caller.call_id]
    assert (left.node, left.source) == ("ask", "newspaper")
    back = await crm.centre.knock(caller, keys="20260042#1", hurry=0.001)
    await crm.centre.see_out(back)
    await crm.relayed()
    assert (await reports.calls(crm.store))[0].media_source == "newspaper"


@pytest.mark.parametrize(
    ("number", "heard"),
    [
        ("13800138000", ["whisper_caller", "王芳", "whisper_tier_gold", "whisper_broken_promise"]),
        ("13900139000", []),
        ("", []),
    ],
)
async def test_the_agent_hears_who_calls(crm: Crm, number: str, heard: list[str]) -> None:
    """Their name, their tier and a promise that we have broken; of a stranger nothing."""
    caller = await crm.centre.dial("2246810#", number=number)
    await caller.said(*QUEUED)
    whispered = [file.rpartition("/")[2] for file in caller.variables[variables.WHISPER].split("&")]
    assert whispered[3:] == heard


async def test_a_name_that_cannot_be_said_costs_nothing_but_itself(crm: Crm) -> None:
    async def dumb(spoken: Spoken, language: str) -> str | None:
        return None

    crm.centre.centre = replace(crm.centre.centre, utter=dumb)
    caller = await crm.centre.dial("2246810#")
    await caller.said(*QUEUED)
    whispered = caller.variables[variables.WHISPER]
    assert whispered.endswith("whisper_broken_promise")
    assert "whisper_caller" not in whispered


async def test_a_name_that_takes_a_moment_is_said_before_the_place_in_line_counts(crm: Crm) -> None:
    """Else a caller whom we do not know, and who came later, would be in line before them, and be offered first."""

    async def slow(spoken: Spoken, language: str) -> str | None:
        crm.centre.clock.now += 0.25
        return f"/said/{spoken.text}"

    crm.centre.centre = replace(crm.centre.centre, utter=slow)
    caller = await crm.centre.dial("2246810#")
    await caller.said(*QUEUED)
    assert "/said/王芳" in caller.variables[variables.WHISPER]
    assert int(caller.variables[variables.JOINED]) == int(crm.centre.clock() * 1000)
