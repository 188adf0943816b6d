"""Flows as Mermaid text."""

from __future__ import annotations

from typing import Any

from ivr.flow.graph import mermaid
from ivr.flow.model import Flow


def drawn(default_way: str = "end", **nodes: Any) -> list[str]:
    content = {"name": "test", "start": "a", "default_way": default_way, "nodes": {**nodes, "end": {"kind": "hangup"}}}
    return [line.strip() for line in mermaid(Flow.model_validate(content)).splitlines()]


def test_a_menu_with_its_keys_and_its_dashed_default_way() -> None:
    options = {1: {"goto": "end", "set_language": "english", "set": {"product": "laptop"}}, "#": "end", "*": "a"}
    menu = {"kind": "menu", "prompts": ["q"], "options": options, "otherwise": "end"}
    assert drawn(a=menu) == [
        "flowchart TD",
        'start(["test"]) --> n_a',
        'n_a{"a<br/>menu"}',
        'n_end(["end<br/>hangup"])',
        'n_a -->|"1 english product=laptop"| n_end',
        'n_a -->|"#35;"| n_end',
        'n_a -->|"#42;"| n_a',
        'n_a -.->|"otherwise"| n_end',
        'limits(["after 60 steps or 300 s"]) -.-> n_end',
    ]


def test_notices_hours_and_queues() -> None:
    lines = drawn(
        a={"kind": "play", "prompts": ["q"], "then": "b"},
        b={"kind": "hours", "line": "main", "open": "c", "closed": "end"},
        c={"kind": "queue", "queue": "sales", "then": "end"},
    )
    assert lines[2:6] == [
        'n_a["a<br/>play"]',
        'n_b{{"b<br/>hours main"}}',
        'n_c[["c<br/>queue sales"]]',
        'n_end(["end<br/>hangup"])',
    ]
    assert lines[6:-1] == [
        "n_a --> n_b",
        'n_b -->|"open"| n_c',
        'n_b -->|"closed"| n_end',
        'n_c -->|"nobody came"| n_end',
    ]


def test_a_branch_says_what_it_asks() -> None:
    cases = [
        {"when": {"source": ["tv_spot", "web"]}, "goto": "end"},
        {"when": {"share": {"test": "x", "percent": 20}, "value": "product", "known": True}, "goto": "end"},
    ]
    lines = drawn(a={"kind": "branch", "cases": cases, "otherwise": "end"})
    assert 'n_a -->|"source tv_spot web"| n_end' in lines
    assert 'n_a -->|"share x 20.0, value product, known true"| n_end' in lines
    assert 'n_a -.->|"otherwise"| n_end' in lines


def test_every_node_of_a_flow_is_drawn_once_and_every_way_leads_to_one() -> None:
    menu = {"kind": "menu", "prompts": ["q"], "options": {1: "b", 2: "end"}, "otherwise": "a"}
    lines = drawn(a=menu, b={"kind": "flow", "flow": "inner", "returns": {"found": "end"}, "then": "a"})
    assert 'n_b[["b<br/>flow inner"]]' in lines
    assert 'n_b -->|"found"| n_end' in lines
    ends = {line.split()[-1] for line in lines if "->" in line}
    assert ends == {"n_a", "n_b", "n_end"}
