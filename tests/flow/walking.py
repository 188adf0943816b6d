"""Flows of a few nodes for the tests of single nodes, and one walk through them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ivr.flow.check import FlowProblem, check_flow
from ivr.flow.interpreter import CallState, Leave, walk
from ivr.flow.model import Flow
from tests.flow.typed_voice import PaperWorld, TypedVoice

END = {"kind": "hangup"}


def flow(name: str = "main", **nodes: Any) -> Flow:
    """Starts at ``a``; has the hang-ups ``end``, ``right`` and ``wrong``, and the default way ``end``. ``top``: more
    keys of the flow itself."""
    top = nodes.pop("top", {})
    ends = {"end": END, "right": END, "wrong": END}
    written = {"name": name, "start": "a", "default_way": "end", **top, "nodes": {**ends, **nodes}}
    return Flow.model_validate(written)


@dataclass
class Walked:
    leave: Leave
    state: CallState
    voice: TypedVoice
    world: PaperWorld

    @property
    def said(self) -> list[str]:
        return [words for words, _ in self.voice.said]


def walked(
    given: Flow,
    *acts: str,
    flows: Mapping[str, Flow] | None = None,
    start: str | None = None,
    world: PaperWorld | None = None,
    **state: Any,
) -> Walked:
    world = world or PaperWorld()
    voice = TypedVoice(world, acts)
    call = CallState(**{"language": "mandarin", "country": "CN", **state})
    leave = asyncio.run(walk(given, start, call, voice, world, flows or {}))
    return Walked(leave, call, voice, world)


def problems(given: Flow, *others: Flow) -> list[FlowProblem]:
    """Against a site that knows few names; the unreached ends are not told."""
    found = check_flow(
        given,
        prompts={"q", "n", "no", "hush", "sure"},
        queues={"desk"},
        lines={"line"},
        languages={"mandarin", "english"},
        sources={"tv"},
        flows={other.name: other for other in others},
        agents={"1001"},
        outside={"courier"},
    )
    unreached = [("nodes", name) for name in ("end", "right", "wrong")]
    return [problem for problem in found if problem.path not in unreached]
