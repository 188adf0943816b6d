"""flow and return: into another flow and back, found again by a new engine, and never without end."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ivr.flow.check import check_flow
from ivr.flow.interpreter import HangUp, QueueFor
from ivr.flow.model import Flow
from ivr.flow.place import DEEPEST, Place, WaysOn, after_queue, find_place
from tests.flow.walking import flow, problems, walked


def door(name: str = "sub", **more: Any) -> dict[str, Any]:
    return {"kind": "flow", "flow": name, "then": "wrong", **more}


def returns(result: str = "done") -> dict[str, Any]:
    return {"kind": "return", "result": result}


def sub(name: str = "sub", parameters: tuple[str, ...] = (), **nodes: Any) -> Flow:
    written = {"name": name, "start": "x", "parameters": list(parameters), "nodes": {"back": returns(), **nodes}}
    return Flow.model_validate(written)


MENU = {"kind": "menu", "prompts": ["q"], "options": {1: "good", 2: "bad"}, "otherwise": "back"}
ASKING = sub(x=MENU, good=returns("good"), bad=returns("bad"))
QUEUE = {"kind": "queue", "queue": "desk", "then": "back"}
WAITING = sub(x=QUEUE)


@pytest.mark.parametrize(("key", "end"), [("1", "right"), ("2", "wrong"), ("", "wrong")])
def test_the_result_chooses_the_way_on(key: str, end: str) -> None:
    given = flow(a=door(returns={"good": {"goto": "right", "set": {"was": "good"}}}))
    found = walked(given, key, flows={"sub": ASKING})
    assert found.state.path[-1] == end
    assert found.state.attributes == ({"was": "good"} if end == "right" else {})


def test_the_path_tells_where_a_call_is() -> None:
    found = walked(flow(a=door()), "1", flows={"sub": ASKING})
    assert found.state.path == ["a", "a/x", "a/good", "wrong"]


def test_parameters_are_values_and_what_is_set_inside_stays() -> None:
    inner = sub(parameters=("topic",), x={"kind": "set", "set": {"seen": "$topic"}, "then": "back"})
    given = flow(a=door(parameters={"topic": "$product"}))
    assert walked(given, flows={"sub": inner}, attributes={"product": "laptop"}).state.attributes == {
        "product": "laptop",
        "topic": "laptop",
        "seen": "laptop",
    }


def test_a_parameter_without_a_value_is_not_left_from_the_last_time() -> None:
    inner = sub(parameters=("topic",), x=returns())
    given = flow(a=door(parameters={"topic": "$product"}))
    assert walked(given, flows={"sub": inner}, attributes={"topic": "old"}).state.attributes == {}


# ---- a queue inside, and a new engine


def test_a_queue_inside_goes_on_inside() -> None:
    given = flow(a=door(then="right"))
    leave = walked(given, flows={"sub": WAITING}).leave
    assert leave == QueueFor("desk", attributes={"language": "mandarin"}, then="a/back")
    assert isinstance(leave, QueueFor)
    again = walked(given, flows={"sub": WAITING}, start=leave.then)
    assert (again.leave, again.state.path) == (HangUp(), ["a/back", "right"])


def test_the_way_after_a_queue_is_found_from_its_place_alone() -> None:
    given = flow(a=door(), q={"kind": "queue", "queue": "desk", "then": "end"})
    flows = {"sub": WAITING}
    places = ["a/x", "q", "a", "a/back", "a/gone", "gone/x", "", None, "a/x/x", "end/x"]
    ways = [WaysOn("a/back"), WaysOn("end"), *[None] * 8]
    assert [after_queue(given, flows, place) for place in places] == ways


@pytest.mark.parametrize("text", ["a", "a/x", "a/back", "end"])
def test_a_place_is_found_again(text: str) -> None:
    place = find_place(flow(a=door()), {"sub": WAITING}, text)
    assert str(place) == text


@pytest.mark.parametrize("text", ["b/x", "a/y", "end/x", "/", "a/", "", "a/x/back"])
def test_a_place_that_is_gone_begins_anew(text: str) -> None:
    assert find_place(flow(a=door()), {"sub": WAITING}, text) is None
    assert walked(flow(a=door()), flows={"sub": WAITING}, start=text).state.path == ["a", "a/x"]


# ---- what must not happen


def test_recursion_ends_by_the_default_way() -> None:
    """The check refuses it; the walk survives it."""
    again = sub(x=door("sub", then="back"))
    found = walked(flow(a=door(), top={"default_way": "right"}), flows={"sub": again})
    assert (found.leave, found.state.path[-1]) == (HangUp(), "right")
    assert len(found.state.path) == DEEPEST + 2  # the first door, one in each level, the default way


@pytest.mark.parametrize("flows", [{}, {"other": ASKING}])
def test_a_flow_that_is_gone_leads_to_the_default_way(flows: dict[str, Flow]) -> None:
    assert walked(flow(a=door(), top={"default_way": "right"}), flows=flows).state.path == ["a", "right"]


def test_a_return_with_nowhere_to_go_leads_to_the_default_way() -> None:
    assert walked(flow(a=returns(), top={"default_way": "right"})).state.path == ["a", "right"]


def test_the_outermost_flows_limits_hold_inside() -> None:
    inner = sub(x={"kind": "play", "prompts": ["n"], "then": "x"})
    given = flow(a=door(), top={"default_way": "right", "limits": {"steps": 6}})
    assert walked(given, flows={"sub": inner}).state.path == ["a", *["a/x"] * 5, "right"]


@pytest.mark.parametrize(
    ("given", "others", "path"),
    [
        (flow(a=door("sup")), [WAITING], ("nodes", "a", "flow")),
        (flow(a=door(parameters={"x": "1"})), [WAITING], ("nodes", "a", "parameters", "x")),
        (flow(a=door()), [sub(parameters=("topic",), x=returns())], ("nodes", "a", "parameters")),
        (flow(a=door(returns={"god": "right"})), [ASKING], ("nodes", "a", "returns", "god")),
        (flow(a=door(returns={"good": "rigth"})), [ASKING], ("nodes", "a", "returns", "good", "goto")),
        (flow(a=door(then="z")), [WAITING], ("nodes", "a", "then", "goto")),
        (flow(a=door(parameters={"topic": "$produkt"})), [sub(parameters=("topic",), x=returns())],
         ("nodes", "a", "parameters", "topic")),
        (flow(a=door()), [flow("sub", a={"kind": "hangup"})], ("nodes", "a", "flow")),
        (sub(x=door("sub", then="back")), [], ("nodes", "x", "flow")),
        (flow(a=door("one"), top={"default_way": None}), [sub("one", x=returns())], ("default_way",)),
    ],
)  # fmt: skip
def test_one_problem(given: Flow, others: list[Flow], path: tuple[str | int, ...]) -> None:
    assert [problem.path for problem in problems(given, *others)] == [path]


def test_recursion_by_way_of_another_flow() -> None:
    one, two = sub("one", x=door("two", then="back")), sub("two", x=door("one", then="back"))
    for given, other in ((one, two), (two, one)):
        assert [p.path for p in problems(given, other)] == [("nodes", "x", "flow")]
    assert [p.path for p in problems(flow(a=door("one")), one, two)] == []  # it is told where it is


def test_values_set_inside_are_known_outside_and_parameters_inside() -> None:
    say = {"kind": "say", "what": "digits", "value": "{got}", "then": "end"}
    setter = sub(x={"kind": "set", "set": {"got": "1"}, "then": "back"})
    assert problems(flow(a=door(then="b"), b=say), setter) == []
    spoken = sub(parameters=("got",), x=say | {"then": "back"})
    assert problems(spoken) == []
    assert [p.path for p in problems(sub(x=say | {"then": "back"}))] == [("nodes", "x", "value")]


def test_values_are_not_judged_while_a_flow_inside_is_broken() -> None:
    say = {"kind": "say", "what": "digits", "value": "{got}", "then": "end"}
    given = flow(a=door(then="b"), b=say, top={})
    paths = [p.path for p in check_flow(given, (), (), (), flows={"sub": None})]
    assert ("nodes", "b", "value") not in paths


@pytest.mark.parametrize(("inner", "spins"), [(ASKING, False), (WAITING, False), (sub(x=returns()), True)])
def test_a_loop_through_a_sub_flow_spins_when_nothing_is_heard_inside(inner: Flow, spins: bool) -> None:
    messages = [problem.message for problem in problems(flow(a=door(then="a")), inner)]
    assert messages == (["a loop without input: a → a"] if spins else [])


def test_a_loop_through_sub_flows_of_sub_flows() -> None:
    outer = sub("outer", x=door("sub", then="back"))
    assert problems(flow(a=door("outer", then="a")), outer, ASKING) == []
    assert len(problems(flow(a=door("outer", then="a")), outer, sub(x=returns()))) == 1


def test_a_parameter_is_not_the_calls_own() -> None:
    with pytest.raises(ValidationError, match="the call's own"):
        sub(parameters=("language",), x=returns())


def test_depth_is_counted() -> None:
    place: Place | None = Place(WAITING, "x")
    for _ in range(DEEPEST):
        assert place is not None
        place = place.inside(WAITING)
    assert place is not None
    assert place.inside(WAITING) is None
