"""branch and set: which case is taken, and what a lot is worth."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from ivr.flow.nodes.branch import draw
from tests.flow.typed_voice import PaperWorld
from tests.flow.walking import flow, problems, walked


def branch(*whens: dict[str, Any]) -> dict[str, Any]:
    cases = [{"when": when, "goto": f"case{n}"} for n, when in enumerate(whens)]
    return {"kind": "branch", "cases": cases, "otherwise": "end"}


def way(*whens: dict[str, Any], **state: Any) -> str:
    """The node where a call with this state ends up."""
    cases = {f"case{n}": {"kind": "hangup"} for n in range(len(whens))}
    closed = frozenset(state.pop("closed", ()))
    return walked(flow(a=branch(*whens), **cases), world=PaperWorld(closed=closed), **state).state.path[-1]


@pytest.mark.parametrize(
    ("when", "state", "holds"),
    [
        ({"open": "line"}, {}, True),
        ({"open": "line"}, {"closed": ["line"]}, False),
        ({"closed": "line"}, {"closed": ["line"]}, True),
        ({"closed": "line"}, {}, False),
        ({"source": "tv"}, {"source": "tv"}, True),
        ({"source": ["web", "tv"]}, {"source": "tv"}, True),
        ({"source": "tv"}, {"source": "web"}, False),
        ({"language": "english"}, {"language": "english"}, True),
        ({"language": "english"}, {}, False),
        ({"value": "product", "equals": "laptop"}, {"attributes": {"product": "laptop"}}, True),
        ({"value": "product", "equals": "laptop"}, {"attributes": {"product": "lap"}}, False),
        ({"value": "product", "equals": "laptop"}, {}, False),
        ({"value": "product", "in": ["laptop", "phone"]}, {"attributes": {"product": "phone"}}, True),
        ({"value": "product", "in": ["laptop", "phone"]}, {"attributes": {"product": "desk"}}, False),
        ({"value": "product", "known": True}, {"attributes": {"product": "x"}}, True),
        ({"value": "product", "known": True}, {}, False),
        ({"value": "product", "known": False}, {}, True),
        ({"value": "dnis", "equals": "+8621"}, {"dnis": "+8621"}, True),
        ({"value": "pin", "known": True}, {"secrets": {"pin": "1234"}}, False),
        ({"source": "tv", "language": "english"}, {"source": "tv"}, False),
        ({"source": "tv", "language": "mandarin"}, {"source": "tv"}, True),
        ({"share": {"test": "t", "percent": 100}}, {}, True),
    ],
)
def test_a_case(when: dict[str, Any], state: dict[str, Any], holds: bool) -> None:
    assert way(when, **state) == ("case0" if holds else "end")


def test_the_first_case_that_holds() -> None:
    assert way({"source": "web"}, {"source": "tv"}, {"language": "mandarin"}, source="tv") == "case1"


def test_a_case_sets_what_its_way_says() -> None:
    case = {"when": {"source": "tv"}, "goto": "end", "set": {"product": "laptop"}, "set_language": "english"}
    found = walked(flow(a={"kind": "branch", "cases": [case], "otherwise": "end"}), source="tv")
    assert (found.state.attributes, found.state.language) == ({"product": "laptop"}, "english")


def test_shares_stand_side_by_side_and_hold_for_every_call() -> None:
    shares = [{"share": {"test": "greeting", "percent": percent}} for percent in (20, 30)]
    ways = Counter(way(*shares, call_id=f"call-{n}") for n in range(2000))
    assert ways["case0"] == pytest.approx(400, abs=60)
    assert ways["case1"] == pytest.approx(600, abs=70)
    assert ways["end"] == pytest.approx(1000, abs=80)


def test_a_call_draws_the_same_lot_again_and_another_one_in_another_test() -> None:
    assert draw("greeting", "call-1") == draw("greeting", "call-1")
    lots = [(draw("a", f"{n}") < 50, draw("b", f"{n}") < 50) for n in range(2000)]
    assert Counter(lots)[True, True] == pytest.approx(500, abs=80)  # independent: a quarter


def test_a_lot_is_the_same_on_every_machine() -> None:
    """An A/B test goes on over an update of the program: these may never change."""
    assert [round(draw("greeting", call), 6) for call in ("a", "b", "")] == [47.134512, 78.62035, 31.987033]


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"equals": "x"},
        {"value": "x"},
        {"value": "x", "equals": "a", "known": True},
        {"value": "x", "equals": 7},
        {"value": "x", "equals": "${SHELL}"},
        {"value": "x", "in": []},
        {"share": {"test": "t", "percent": 0}},
        {"share": {"test": "t", "percent": 101}},
        {"share": {"percent": 10}},
        {"source": []},
        {"weather": "fine"},
    ],
)
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow(a=branch(case), case0={"kind": "hangup"})


def test_more_than_all_calls_cannot_be_shared_out() -> None:
    share = {"share": {"test": "t", "percent": 60}}
    with pytest.raises(ValidationError, match="more than 100 %"):
        flow(a=branch(share, share))
    flow(a=branch(share, {"share": {"test": "other", "percent": 60}}))


@pytest.mark.parametrize(
    ("when", "field", "hint"),
    [
        ({"open": "lime"}, ("open",), "did you mean 'line'?"),
        ({"closed": "lime"}, ("closed",), "did you mean 'line'?"),
        ({"source": ["tv", "tvv"]}, ("source", 1), "did you mean 'tv'?"),
        ({"language": "englisch"}, ("language", 0), "did you mean 'english'?"),
        ({"value": "langage", "known": True}, ("value",), "did you mean 'language'?"),
    ],
)
def test_the_check_knows_the_names(when: dict[str, Any], field: tuple[str | int, ...], hint: str) -> None:
    [problem] = problems(flow(a=branch(when), case0={"kind": "hangup"}))
    assert (problem.path, problem.hint) == (("nodes", "a", "cases", 0, "when", *field), hint)


def test_the_unknown_source_may_be_asked_for_and_values_that_are_set_somewhere() -> None:
    setting = {"kind": "set", "set": {"product": "laptop"}, "then": "b"}
    cases = branch({"source": "unknown"}, {"value": "product", "known": True})
    assert problems(flow(a=setting, b=cases, case0={"kind": "hangup"}, case1={"kind": "hangup"})) == []


# ---- set


def test_set_copies_forgets_and_speaks() -> None:
    node = {
        "kind": "set",
        "set": {"product": "laptop", "old": "$product", "number": "$dnis", "nothing": "$unheard_of"},
        "forget": ["topic", "pin"],
        "set_language": "english",
        "then": "end",
    }
    known = {"product": "phone", "topic": "x", "nothing": "y"}
    found = walked(flow(a=node), attributes=known, secrets={"pin": "1234"}, dnis="95001").state
    assert found.attributes == {"product": "laptop", "old": "phone", "number": "95001"}
    assert (found.secrets, found.language) == ({}, "english")


@pytest.mark.parametrize("name", ["language", "source", "dnis", "campaign"])
def test_what_is_the_calls_own_is_not_set(name: str) -> None:
    with pytest.raises(ValidationError, match="the call's own"):
        flow(a={"kind": "set", "set": {name: "x"}, "then": "end"})


def test_the_check_knows_what_set_reads() -> None:
    [problem] = problems(flow(a={"kind": "set", "set": {"x": "$prodct", "product": "y"}, "then": "end"}))
    assert (problem.path, problem.hint) == (("nodes", "a", "set", "x"), "did you mean 'product'?")
