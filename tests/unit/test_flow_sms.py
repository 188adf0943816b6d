"""The sms node: to whom, what, how many, and what is kept of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from ivr.flow.interpreter import CallState, walk
from ivr.flow.nodes.sms import LONGEST
from ivr.flow.outside import Outside, OutsideFailed, TextMessage
from ivr.may_text import textable
from tests.flow.keeping import Shelf
from tests.flow.typed_voice import PaperWorld, TypedVoice
from tests.flow.walking import flow, problems

TEXT = {"zh": "订单 {order} 已发货", "en": "Order {order} is on its way"}
NODE = {"kind": "sms", "text": TEXT, "then": "right", "failed": "wrong"}


@dataclass
class PaperGateway:
    fault: Exception | None = None
    sent: list[TextMessage] = field(default_factory=list)

    async def send(self, message: TextMessage) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append(message)


@dataclass
class Sent:
    state: CallState
    gateway: PaperGateway
    shelf: Shelf
    told: list[str]

    @property
    def only(self) -> TextMessage:
        (message,) = self.gateway.sent
        return message


def sent(node: dict[str, Any], fault: Exception | None = None, **state: Any) -> Sent:
    gateway, shelf, told = PaperGateway(fault), Shelf(), []
    world = PaperWorld(outside=Outside(texts=gateway))
    fields = {"language": "english", "country": "CN", "ani": "+8613800138000", "call_id": "c-1", "keep": shelf.keep}
    fields |= {"attributes": {"order": "4711"}, "codes": {"mandarin": "zh", "english": "en"}, **state}
    call = CallState(**fields)
    call.on_problem = lambda place, what: told.append(what)
    given = node if "nodes" in node else {"a": node}
    asyncio.run(walk(flow(**given.get("nodes", given)), None, call, TypedVoice(world), world))
    return Sent(call, gateway, shelf, told)


def test_the_caller_gets_the_text_in_their_language_and_it_is_kept() -> None:
    found = sent(NODE)
    assert found.only == TextMessage("+8613800138000", "Order 4711 is on its way", "c-1")
    assert found.shelf.kept == [("sms", {"to": "+8613800138000", "text": "Order 4711 is on its way", "sent": True})]
    assert (found.state.path, found.told) == (["a", "right"], [])
    assert sent(NODE, language="mandarin").only.text == "订单 4711 已发货"
    assert sent({**NODE, "text": {"zh": "好"}}).only.text == "好"  # the first that is there


def test_to_a_number_that_the_call_knows() -> None:
    found = sent({**NODE, "to": "{friend}"}, attributes={"order": "1", "friend": "13912345678"})
    assert found.only.to == "+8613912345678"


@pytest.mark.parametrize("fault", [OutsideFailed("away"), TimeoutError()])
def test_a_gateway_that_does_not_take_it(fault: Exception) -> None:
    found = sent(NODE, fault)
    assert found.state.path == ["a", "wrong"]
    assert found.shelf.only["sent"] is False
    assert found.told == [f"the text message was not sent: {str(fault) or 'the gateway is too slow'}"]


@pytest.mark.parametrize(
    "state",
    [
        {"ani": ""},
        {"ani": "+861062345678"},  # a fixed line
        {"ani": "+14155552671"},  # abroad
        {"attributes": {}},
    ],
)
def test_no_number_or_no_text_is_no_message(state: dict[str, Any]) -> None:
    found = sent(NODE, **state)
    assert (found.gateway.sent, found.shelf.kept, found.state.path) == ([], [], ["a", "wrong"])
    assert len(found.told) == 1


def test_failed_is_then_where_it_is_not_written() -> None:
    assert sent({key: value for key, value in NODE.items() if key != "failed"}, ani="").state.path == ["a", "right"]


def test_abroad_only_where_the_flow_says_so() -> None:
    assert sent({**NODE, "abroad": True}, ani="+447911123456").only.to == "+447911123456"


def test_a_call_has_three_messages_whatever_the_flow_says() -> None:
    names = ["a", "b", "c", "d", "right"]
    nodes = {here: {**NODE, "then": there} for here, there in pairwise(names)}
    found = sent({"nodes": nodes})
    assert len(found.gateway.sent) == 3
    assert found.state.path == ["a", "b", "c", "d", "wrong"]


def test_values_are_put_in_once_and_what_breaks_a_line_becomes_a_space() -> None:
    texts = {"order": "{dnis}\r\nBcc\u202e " + "长" * 900}
    text = sent(NODE, attributes={}, texts=texts).only.text
    assert text.startswith("Order {dnis} \nBcc  长")
    assert len(text) == LONGEST


def test_a_secret_is_no_value_of_a_text() -> None:
    assert sent({**NODE, "text": {"en": "{pin}"}}, secrets={"pin": "1234"}).gateway.sent == []


def test_check_knows_its_values() -> None:
    found = problems(flow(a=NODE))
    assert sorted(problem.path for problem in found) == [("nodes", "a", "text", "en"), ("nodes", "a", "text", "zh")]


@pytest.mark.parametrize(
    ("number", "country", "abroad", "to"),
    [
        ("13800138000", "CN", False, "+8613800138000"),
        ("+8613800138000", "CN", False, "+8613800138000"),
        ("4008001001", "CN", False, None),
        ("+14155552671", "US", False, "+14155552671"),  # fixed or mobile: nobody can tell there
        ("+8612345", "CN", True, None),  # no such number
        ("+8613800138000", "DE", True, "+8613800138000"),
        ("", "CN", True, None),
        ("1001", "CN", True, None),
    ],
)
def test_numbers(number: str, country: str, abroad: bool, to: str | None) -> None:
    assert textable(number, country, abroad=abroad) == to
