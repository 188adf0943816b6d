"""The interpreter's own laws, on flows of a few nodes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.flow.interpreter import CallState, HangUp, Leave, QueueFor, walk
from ivr.flow.model import Flow
from tests.flow.typed_voice import PaperWorld, TypedVoice

END = {"kind": "hangup"}
DESK = {"kind": "queue", "queue": "desk", "then": "desk"}


def flow(start: str = "a", default_way: str = "end", limits: dict[str, Any] | None = None, **nodes: Any) -> Flow:
    return Flow.model_validate(
        {
            "name": "test",
            "start": start,
            "default_way": default_way,
            "limits": limits or {},
            "nodes": {"end": END, **nodes},
        }
    )


def run(given: Flow, *acts: str, start: str | None = None, state: CallState | None = None) -> Leave:
    world = PaperWorld()
    state = state or CallState(language="mandarin")
    return asyncio.run(walk(given, start, state, TypedVoice(world, acts), world))


def menu(**changes: Any) -> dict[str, Any]:
    return {"kind": "menu", "prompts": ["q"], "options": {1: "end"}, "otherwise": "end", **changes}


def test_a_loop_ends_at_the_step_cap_by_the_default_way() -> None:
    looped = flow(a={"kind": "hours", "line": "x", "open": "a", "closed": "a"}, limits={"steps": 7})
    state = CallState(language="mandarin")
    assert run(looped, state=state) == HangUp("self_served")
    assert state.path == ["a"] * 7 + ["end"]


def test_hours_in_a_menu_end_at_the_time_cap_by_the_default_way() -> None:
    """Each try takes 2 s of prompt and 5 s of silence; the menu leads back to itself."""
    given = flow(a=menu(otherwise="a", tries=5), out=DESK, default_way="out", limits={"seconds": 30})
    state = CallState(language="mandarin")
    world = PaperWorld()
    begun = world.now()
    voice = TypedVoice(world)
    leave = asyncio.run(walk(given, None, state, voice, world))
    assert isinstance(leave, QueueFor)
    assert 30 <= (world.now() - begun).total_seconds() < 37
    assert len(voice.said) == 5


def test_notices_without_end_stop_at_the_time_cap() -> None:
    notice = {"kind": "play", "prompts": ["n"], "then": "a"}
    state = CallState(language="mandarin")
    run(flow(a=notice, limits={"seconds": 30}), state=state)
    assert state.path == ["a"] * 15 + ["end"]


def test_a_menu_asks_no_more_when_the_time_is_up() -> None:
    world = PaperWorld()
    voice = TypedVoice(world)
    given = flow(a=menu(tries=5), limits={"seconds": 10})
    asyncio.run(walk(given, None, CallState(language="mandarin"), voice, world))
    assert len(voice.said) == 2  # at 0 s and at 7 s


def test_queues_in_a_row_are_counted() -> None:
    given = flow(a=DESK | {"then": "a"}, limits={"queues": 3})
    state = CallState(language="mandarin")
    leaves = [run(given, start="a", state=state) for _ in range(4)]
    assert leaves[3] == HangUp("overflow")
    assert all(isinstance(leave, QueueFor) for leave in leaves[:3])


def test_a_start_that_is_gone_from_the_flow_is_the_flows_own() -> None:
    assert run(flow(a=END | {"outcome": "rejected"}), start="yesterday") == HangUp("rejected")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (None, {"language": "mandarin", "product": "laptop"}),
        ({}, {}),
        ({"language": "$language"}, {"language": "mandarin"}),
        ({"skill": "$product", "fixed": "yes"}, {"skill": "laptop", "fixed": "yes"}),
        ({"product": "$unheard_of"}, {}),
    ],
)
def test_what_the_queue_is_told(attributes: dict[str, str] | None, expected: dict[str, str]) -> None:
    queue = {"kind": "queue", "queue": "desk"} | ({} if attributes is None else {"attributes": attributes})
    leave = run(flow(a=queue), state=CallState(language="mandarin", attributes={"product": "laptop"}))
    assert leave == QueueFor("desk", attributes=expected)


def test_an_option_sets_attributes_and_language() -> None:
    way = {"goto": "out", "set": {"product": "laptop"}, "set_language": "english"}
    given = flow(a=menu(options={1: way}), out=DESK)
    assert run(given, "1") == QueueFor("desk", attributes={"product": "laptop", "language": "english"}, then="desk")


@pytest.mark.parametrize(("keys", "node"), [("12", "desk"), ("1", "one"), ("#", "hash"), ("13", "end")])
def test_keys_of_two_digits_and_hash(keys: str, node: str) -> None:
    options = {1: "one", "12": "desk", "#": "hash"}
    given = flow(a=menu(options=options, tries=1), desk=DESK, one=END, hash=END)
    state = CallState(language="mandarin")
    run(given, keys, state=state)
    assert state.path[-1] == node


def test_without_barge_in_a_key_is_not_kept() -> None:
    notice = {"kind": "play", "prompts": ["n"], "then": "m", "barge_in": False}
    given = flow(a=notice, m=menu(options={1: "desk"}, tries=1), desk=DESK)
    assert run(given, "1") == HangUp("self_served")


def test_each_node_is_told_before_it_runs() -> None:
    told: list[str] = []
    run(flow(a=menu()), "1", state=CallState(language="mandarin", on_node=told.append))
    assert told == ["a", "end"]


@pytest.mark.parametrize(
    "node",
    [
        {"kind": "opera"},
        {"kind": "hangup", "outcome": "answered"},
        {"kind": "hangup", "colour": "red"},
        {"kind": "play", "prompts": [], "then": "end"},
        {"kind": "play", "prompts": ["../x"], "then": "end"},
        menu(tries=0),
        menu(tries="3"),
        menu(options={}),
        menu(options={"A": "end"}),
        menu(options={10: "end"}),
        menu(options={1: {"goto": "end", "set": {"product": "a;b=c"}}}),
        menu(options={1: {"goto": "end", "set": {"language": "english"}}}),
        {"kind": "queue", "queue": "desk", "attributes": {"x": "${SHELL}"}},
    ],
)
def test_refused(node: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow(a=node)


def test_who_has_what_they_came_for_is_served_until_they_want_somebody() -> None:
    told = {"goto": "b", "reached": "self_served"}
    b = menu(options={1: "desk", 2: "end"}, otherwise="end")
    given = flow(a=menu(options={1: told}), b=b, desk=DESK)
    heard = CallState(language="mandarin")
    run(given, "1", "hang up", state=heard)
    assert heard.reached == "self_served"
    asks = CallState(language="mandarin")
    assert isinstance(run(given, "1", "1", state=asks), QueueFor)
    assert asks.reached == ""
    left = CallState(language="mandarin", reached="voicemail")
    run(given, "1", "1", state=left)
    assert left.reached == "voicemail"
