"""Each way to write a flow that makes no sense is its own problem, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.flow.check import FlowProblem, check_flow
from ivr.flow.model import Flow

SOUND: dict[str, Any] = {
    "ask": {"kind": "menu", "prompts": ["q"], "options": {1: "when"}, "otherwise": {"goto": "desk"}},
    "when": {"kind": "hours", "line": "main", "open": "desk", "closed": "note"},
    "note": {"kind": "play", "prompts": ["n"], "then": "end"},
    "desk": {"kind": "queue", "queue": "sales", "then": "ask"},
    "end": {"kind": "hangup"},
}


def problems(top: dict[str, Any] | None = None, **nodes: Any) -> list[FlowProblem]:
    written = {"name": "t", "start": "ask", "default_way": "desk", "nodes": {**SOUND, **nodes}, **(top or {})}
    flow = Flow.model_validate(written)
    return check_flow(flow, {"q", "n"}, {"sales"}, {"main"}, {"english"})


def test_a_sound_flow() -> None:
    """Its loop ask → desk → ask waits for people, so it does not spin."""
    assert problems() == []


@pytest.mark.parametrize(
    ("top", "nodes", "path"),
    [
        ({"start": "asks"}, {}, ("start",)),
        ({"default_way": "nowhere"}, {}, ("default_way",)),
        ({"default_way": "note"}, {}, ("default_way",)),
        ({}, {"ask": SOUND["ask"] | {"options": {1: "whem"}}}, ("nodes", "ask", "options", "1", "goto")),
        ({}, {"ask": SOUND["ask"] | {"silent": "hush"}}, ("nodes", "ask", "silent")),
        ({}, {"ask": SOUND["ask"] | {"prompts": ["q", "z"]}}, ("nodes", "ask", "prompts", 1)),
        (
            {},
            {"ask": SOUND["ask"] | {"otherwise": {"goto": "desk", "set_language": "latin"}}},
            ("nodes", "ask", "otherwise", "set_language"),
        ),
        ({}, {"desk": SOUND["desk"] | {"queue": "sails"}}, ("nodes", "desk", "queue")),
        ({}, {"desk": SOUND["desk"] | {"then": "gone"}}, ("nodes", "desk", "then")),
        ({}, {"when": SOUND["when"] | {"line": "side"}}, ("nodes", "when", "line")),
        ({}, {"island": {"kind": "hangup"}}, ("nodes", "island")),
        ({}, {"note": SOUND["note"] | {"then": "when"}}, ("nodes", "when")),
    ],
)
def test_one_problem(top: dict[str, Any], nodes: dict[str, Any], path: tuple[str | int, ...]) -> None:
    assert path in [problem.path for problem in problems(top, **nodes)]


def test_a_spinning_loop_is_told_once_and_whole() -> None:
    found = problems(note=SOUND["note"] | {"then": "when"})
    assert [p.message for p in found if "loop" in p.message] == ["a loop without input: when → note → when"]


def test_a_node_that_leads_to_itself() -> None:
    assert "a loop without input: note → note" in [p.message for p in problems(note=SOUND["note"] | {"then": "note"})]


def test_all_at_once_and_with_a_guess() -> None:
    found = problems(desk={"kind": "queue", "queue": "sails"}, when=SOUND["when"] | {"line": "side"})
    assert len(found) == 2
    assert "did you mean 'sales'?" in [problem.hint for problem in found]
