"""agent, transfer and what comes after a conversation: what the flow asks for, and what the check says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.flow.interpreter import HangUp, QueueFor, TransferTo
from ivr.flow.model import Flow
from ivr.flow.outside import Caller, NothingThere, Outside
from tests.flow.typed_voice import PaperWorld
from tests.flow.walking import flow, problems, walked

AGENT = {"kind": "agent", "agent": "1001", "queue": "desk", "then": "end"}
TRANSFER = {"kind": "transfer", "to": "courier", "then": "end"}
QUEUE = {"kind": "queue", "queue": "desk", "then": "end"}


@dataclass
class Books(NothingThere):
    owner: str = ""
    asked: list[str] = field(default_factory=list)

    async def caller(self, e164: str) -> Caller:
        self.asked.append(e164)
        return Caller(known=True, owner=self.owner)


def with_owner(owner: str) -> PaperWorld:
    world = PaperWorld()
    world.outside = Outside(crm=Books(owner))
    return world


def test_an_agent_by_extension() -> None:
    node = AGENT | {"wait_s": 12.5, "priority": 3, "after": "right"}
    found = walked(flow(a=node), attributes={"product": "laptop"})
    wishes = {"product": "laptop", "language": "mandarin"}
    assert found.leave == QueueFor("desk", 3, wishes, "end", "right", "1001", 12.5)
    assert found.state.queues == 1


def test_the_owner_of_the_account() -> None:
    found = walked(flow(a=AGENT | {"agent": "owner"}), world=with_owner("1004"), ani="+8613800138000")
    assert isinstance(found.leave, QueueFor)
    assert (found.leave.agent, found.leave.wait_s) == ("1004", 20)


def test_of_a_caller_whom_nobody_knows_the_value_owner_is_meant() -> None:
    """As a dealer's look-up leaves it."""
    found = walked(flow(a=AGENT | {"agent": "owner"}), world=with_owner(""), ani="+86138", attributes={"owner": "1006"})
    assert isinstance(found.leave, QueueFor)
    assert found.leave.agent == "1006"


@pytest.mark.parametrize(("agent", "values"), [("owner", {}), ("$who", {}), ("$who", {"owner": "1001"})])
def test_without_anybody_to_ask_for_the_way_is_then(agent: str, values: dict[str, str]) -> None:
    found = walked(flow(a=AGENT | {"agent": agent}), attributes=values, ani="+8613800138000")
    assert found.leave == HangUp()
    assert found.state.queues == 0


def test_a_value_that_is_no_extension_reaches_nobody_and_is_the_admins_to_see() -> None:
    told: list[str] = []
    given = flow(a=AGENT | {"agent": "$who"})
    for value in ("1001;x", "PJSIP", "1", "123456789", "1001@carrier"):
        found = walked(given, attributes={"who": value}, on_problem=lambda place, what: told.append(f"{place}: {what}"))
        assert found.leave == HangUp()
    assert told == ["a: what should name an agent is no extension"] * 5


def test_a_looked_up_text_names_no_agent() -> None:
    """Texts come from outside, and are there to be spoken."""
    assert walked(flow(a=AGENT | {"agent": "$who"}), texts={"who": "1001"}).leave == HangUp()


def test_a_transfer_says_a_name_and_no_number() -> None:
    found = walked(flow(a=TRANSFER | {"ring_s": 20, "after": "right"}))
    assert found.leave == TransferTo("courier", 20, "end", "right")
    with pytest.raises(ValidationError):
        flow(a=TRANSFER | {"to": "+8610555"})
    with pytest.raises(ValidationError):
        flow(a=TRANSFER | {"to": "$number"})


def test_a_queue_says_what_comes_after() -> None:
    assert walked(flow(a=QUEUE | {"after": "right"})).leave == QueueFor(
        "desk", attributes={"language": "mandarin"}, then="end", after="right"
    )


@pytest.mark.parametrize("node", [AGENT, TRANSFER, QUEUE])
def test_in_a_sub_flow_the_ways_are_places(node: dict[str, Any]) -> None:
    inner = flow(
        "sub", a=node | {"then": "back", "after": "thanks"}, thanks={"kind": "return"}, back={"kind": "return"}
    )
    found = walked(flow(a={"kind": "flow", "flow": "sub", "then": "end"}), flows={"sub": inner})
    assert isinstance(found.leave, QueueFor | TransferTo)
    assert (found.leave.then, found.leave.after) == ("a/back", "a/thanks")


@pytest.mark.parametrize("node", [AGENT, TRANSFER])
def test_a_flow_that_goes_round_in_attempts_comes_to_an_end(node: dict[str, Any]) -> None:
    given = flow(a=node, top={"limits": {"queues": 2}})
    assert isinstance(walked(given, queues=1).leave, QueueFor | TransferTo)
    assert walked(given, queues=2).leave == HangUp("overflow")


# ---- the check


@pytest.mark.parametrize(
    ("nodes", "path"),
    [
        ({"a": AGENT | {"agent": "1009"}}, ("nodes", "a", "agent")),
        ({"a": AGENT | {"agent": "$who"}}, ("nodes", "a", "agent")),
        ({"a": AGENT | {"queue": "desks"}}, ("nodes", "a", "queue")),
        ({"a": AGENT | {"after": "gone"}}, ("nodes", "a", "after")),
        ({"a": TRANSFER | {"to": "taxi"}}, ("nodes", "a", "to")),
        ({"a": TRANSFER | {"then": "gone"}}, ("nodes", "a", "then")),
        ({"a": QUEUE | {"after": "gone"}}, ("nodes", "a", "after")),
        ({"a": QUEUE | {"after": "b"}, "b": QUEUE}, ("nodes", "a", "after")),
        ({"a": AGENT | {"after": "b"}, "b": TRANSFER}, ("nodes", "a", "after")),
        (
            {"a": TRANSFER | {"after": "b"}, "b": {"kind": "play", "prompts": ["n"], "then": "a"}},
            ("nodes", "a", "after"),
        ),
        ({"a": QUEUE | {"after": "b"}, "b": {"kind": "flow", "flow": "rings", "then": "end"}}, ("nodes", "a", "after")),
        # Nobody waits there: it would spin.
        ({"a": TRANSFER | {"then": "b"}, "b": {"kind": "play", "prompts": ["n"], "then": "a"}}, ("nodes", "a")),
        ({"a": AGENT | {"then": "b"}, "b": {"kind": "play", "prompts": ["n"], "then": "a"}}, ("nodes", "a")),
    ],
)
def test_one_problem(nodes: dict[str, Any], path: tuple[str | int, ...]) -> None:
    rings = flow("rings", a=AGENT | {"then": "back"}, back={"kind": "return"})
    assert path in [problem.path for problem in problems(flow(**nodes), rings)]


def test_sound_flows_have_none() -> None:
    note = {"kind": "play", "prompts": ["n"], "then": "end"}
    survey = flow(
        "ask", a={"kind": "menu", "prompts": ["q"], "options": {1: "b"}, "otherwise": "b"}, b={"kind": "return"}
    )
    sound: list[Flow] = [
        flow(a=AGENT | {"after": "b", "then": "c"}, b=note, c=QUEUE),
        flow(a=TRANSFER | {"after": "b"}, b={"kind": "flow", "flow": "ask", "then": "end"}),
        flow(a=QUEUE | {"after": "end"}),
        flow(a={"kind": "set", "set": {"who": "1001"}, "then": "b"}, b=AGENT | {"agent": "$who"}),
        flow(a=AGENT | {"agent": "owner"}),
    ]
    for given in sound:
        assert problems(given, survey) == []
