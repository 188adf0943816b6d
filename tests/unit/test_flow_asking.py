"""The example of docs/flows.md that asks: sound in the sample site, and what its callers come to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hotline.site.init import init_site
from hotline.site.loading import judge_site
from ivr.flow.interpreter import CallerGone, CallState, HangUp, QueueFor, walk
from ivr.flow.model import Flow
from ivr.flow.outside import NOBODY, Caller, Outside, OutsideFailed, QueueLook, WebRequest
from tests.flow.typed_voice import PaperWorld, TypedVoice
from tests.flow.walking import Walked
from tests.unit.test_flow_lookup import PaperCrm, PaperWeb

DOCS = Path(__file__).resolve().parents[2] / "docs" / "flows.md"
[EXAMPLE] = re.findall(r"```yaml\n# flows/service_line.yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
PROMPTS = "".join(
    f"{key}: {{ text: {{ zh: 好, en: good }} }}\n"
    for key in ("delivery_dealer_or_stock", "ask_order", "it_comes", "ask_code", "ask_pin", "not_proved")
)
FLOW = Flow.model_validate({"name": "service_line", **YAML(typ="safe").load(EXAMPLE)})
RECORDS = {
    ("order", "1024"): {"status": "shipped", "amount": "205.50", "expected_on": "2026-03-05"},
    ("order", "5000"): {"status": "paid", "amount": "5000.00", "expected_on": "2026-03-05"},
    ("dealer", "301"): {"name": "华东数码", "stock_notice": "十四寸笔记本现货充足。"},
}
HERE = QueueLook(staffed=1, idle=1)


class Book(PaperCrm):
    who: Caller = NOBODY

    async def caller(self, e164: str) -> Caller:
        return self.who


def spoil(site: Path, old: str, new: str) -> None:
    text = (site / "flows/service_line.yaml").read_text("utf-8")
    assert old in text
    (site / "flows/service_line.yaml").write_text(text.replace(old, new, 1), "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    init_site(site)
    (site / "flows/service_line.yaml").write_text(EXAMPLE, "utf-8")
    with (site / "prompts.yaml").open("a") as prompts:
        prompts.write(PROMPTS)
    return site


def test_the_example_is_sound(folder: Path) -> None:
    assert judge_site(folder).problems == ()


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("holiday: main", "holiday: mian", "nodes.who.cases.0.when.holiday", "no line of hours 'mian'"),
        ("broken_promise: true", "broken_promise: 1", "nodes.who.cases.1.when.caller.broken_promise", "boolean"),
        ("name: sales, staffed", "name: sails, staffed", "nodes.who.cases.3.when.queue.name", "no queue 'sails'"),
        ("at_least: 5000", "at_least: much", "nodes.how_much.cases.0.when.at_least", "neither a number nor a date"),
        ("above: 2026-12-24", "above: 2026-12-32", "nodes.how_much.cases.1.when.above", "neither a number nor"),
        ("total_s: 60", "total_s: 1", "nodes.topic.total_s", "greater than or equal to 5"),
        ("if_silent: bye", "if_silent: by", "nodes.topic.if_silent.goto", "no node 'by'"),
        ('"{order_number}"', '"{order_numbre}"', "nodes.order.key", "no value 'order_numbre'"),
        ("status: order_status", "state: order_status", "nodes.order", "'order' has no field 'state'"),
        ("pin: dealer_pin", "pin: dealer_pni", "nodes.dealer.pin", "no secret 'dealer_pni'"),
        ("stock.example.com/", "{source}/", "nodes.stock.http.url", "behind the host only"),
        ("/of/{source}", "/of/{sauce}", "nodes.stock.http.url", "no value 'sauce'"),
        ("$.shops[?", "$.shops[", "nodes.stock", "is no JSON path"),
        ("X-Key: a long word", "X-Key: '{source}'", "nodes.stock.http.headers.X-Key", "into a header"),
        ("{dealer_name}: {notice}", "{dealer_name: {notice}", "nodes.notice.value", "cannot stand here"),
    ],
)
def test_each_mistake_is_told_with_its_place(folder: Path, old: str, new: str, key: str, message: str) -> None:
    line = (folder / "flows/service_line.yaml").read_text("utf-8").split(old, 1)[0].count("\n") + 1
    spoil(folder, old, new)
    found = [problem for problem in judge_site(folder).problems if problem.file == "flows/service_line.yaml"]
    assert any(problem.key == key and message in problem.message for problem in found), found
    assert abs(found[0].line - line) <= 1 or key in ("nodes.order", "nodes.stock")


def call(*acts: str, who: Caller = NOBODY, look: QueueLook = HERE, web: Any = None, holiday: bool = False) -> Walked:
    crm = Book(RECORDS, {"301": "246810"})
    crm.who = who
    outside = Outside(crm=crm, web=web or PaperWeb(), queue_look=lambda name: look)
    world = PaperWorld(outside=outside, holidays=frozenset({"main"} if holiday else ()))
    voice = TypedVoice(world, acts)
    state = CallState("english", country="CN", source="tv_spot", ani="+8613800138000")
    return Walked(asyncio.run(walk(FLOW, None, state, voice, world)), state, voice, world)


def test_where_an_order_is() -> None:
    found = call("", "1", "1024#")
    assert found.said == ["delivery_dealer_or_stock", "ask_order", "it_comes", "March fifth, twenty twenty-six"]
    assert found.leave == HangUp()


def test_a_large_order_is_for_an_agent() -> None:
    assert isinstance(call("", "1", "5000#").leave, QueueFor)


def test_a_dealer_hears_the_notice() -> None:
    found = call("", "2", "301#", "246810#")
    assert found.said[-1] == "华东数码: 十四寸笔记本现货充足。"


@pytest.mark.parametrize(("code", "pin"), [("301", "111111"), ("999", "246810")])
def test_who_does_not_prove_it_hears_the_same(code: str, pin: str) -> None:
    found = call("", "2", f"{code}#", f"{pin}#", "", "hang up")
    assert found.said == ["delivery_dealer_or_stock", "ask_code", "ask_pin", "not_proved", "ask_code"]


def test_the_stock_in_another_house() -> None:
    web = PaperWeb({"shops": [{"open": False, "count": 1}, {"open": True, "count": 12}]})
    assert call("", "3", web=web).said[-1] == "twelve"
    question = WebRequest("GET", "https://stock.example.com/of/tv_spot?language=english", {"X-Key": "a long word"})
    assert web.asked == [question]
    assert isinstance(call("", "3", web=PaperWeb(away=OutsideFailed("away"))).leave, QueueFor)


@pytest.mark.parametrize(
    ("more", "second"),
    [
        ({}, "topic"),
        ({"holiday": True}, "closed_notice"),
        ({"who": Caller(known=True, broken_promises=1)}, "anyone"),
        ({"who": Caller(known=True, tier="gold", open_orders=1)}, "topic"),
        ({"look": QueueLook()}, "closed_notice"),
    ],
)
def test_who_is_sent_where(more: Mapping[str, Any], second: str) -> None:
    assert call(**more).state.path[1] == second


ACTS = st.one_of(
    st.text("0123456789*#", max_size=8), st.sampled_from(["", "D", "hang up", "1", "2", "3", "1024#", "301#"])
)


@given(st.lists(ACTS, max_size=30), st.booleans(), st.sampled_from([OutsideFailed("away"), None]))
def test_every_caller_comes_out_of_the_example(acts: list[str], known: bool, away: Exception | None) -> None:
    """A leave, within the caps; what plays when the time is up may play to its end."""
    who = Caller(known=known, tier="gold", open_orders=1)
    found = call(*acts, who=who, web=PaperWeb({"shops": []}, away=away))
    assert isinstance(found.leave, HangUp | CallerGone | QueueFor)
    assert found.leave != CallerGone() or "hang up" in acts
    assert (found.world.at - PaperWorld().at).total_seconds() <= FLOW.limits.seconds + 10
