"""What a flow must be before a caller meets it: every name known, every node reachable, no loop that spins.

All problems at once, each with its place in the flow's file. A menu key stands in a path as text ("1")
although YAML may have it as a number; where a way is written short (`1: sales`) its path still ends in
"goto".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ivr.flow.model import Flow, Node
from ivr.flow.nodes.form import Noun, Path
from ivr.flow.nodes.hangup import HangUpNode
from ivr.flow.nodes.queue import QueueNode


@dataclass(frozen=True, slots=True)
class FlowProblem:
    path: Path
    message: str
    hint: str = ""


def check_flow(
    flow: Flow,
    prompts: Collection[str],
    queues: Collection[str],
    lines: Collection[str],
    languages: Collection[str] | None = None,
) -> list[FlowProblem]:
    """``prompts``, ``queues``, ``lines`` (of hours) and ``languages`` are the names that the site knows;
    languages None: not checked."""
    known: dict[Noun, Collection[str]] = {
        Noun.NODE: flow.nodes,
        Noun.PROMPT: prompts,
        Noun.QUEUE: queues,
        Noun.LINE: lines,
    }
    if languages is not None:
        known[Noun.LANGUAGE] = languages
    return [*_entry_problems(flow), *_name_problems(flow, known), *_unreachable(flow), *_spinning(flow)]


def _entry_problems(flow: Flow) -> Iterator[FlowProblem]:
    if flow.start not in flow.nodes:
        yield _unknown(("start",), Noun.NODE, flow.start, flow.nodes)
    if flow.default_way not in flow.nodes:
        yield _unknown(("default_way",), Noun.NODE, flow.default_way, flow.nodes)
    elif not isinstance(flow.nodes[flow.default_way], QueueNode | HangUpNode):
        hint = "name a node of kind queue or hangup: it takes calls whose time in the menus is over"
        yield FlowProblem(("default_way",), f"the node '{flow.default_way}' does not end the walk", hint)


def _name_problems(flow: Flow, known: Mapping[Noun, Collection[str]]) -> Iterator[FlowProblem]:
    for name, node in flow.nodes.items():
        for mention in node.mentions():
            names = known.get(mention.noun)
            if names is not None and mention.name not in names:
                yield _unknown(("nodes", name, *mention.path), mention.noun, mention.name, names)


def _unknown(path: Path, noun: Noun, name: str, known: Collection[str]) -> FlowProblem:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known)[:12]) or 'none'}"
    return FlowProblem(path, f"there is no {noun} '{name}'", hint)


def _ways(flow: Flow, node: Node) -> list[str]:
    """The nodes that ``node`` leads to, without those that are not there."""
    return [m.name for m in node.mentions() if m.noun is Noun.NODE and m.name in flow.nodes]


def _unreachable(flow: Flow) -> Iterator[FlowProblem]:
    if flow.start not in flow.nodes:
        return  # one problem is enough: without a start nothing is reachable
    reached: set[str] = set()
    ahead = [name for name in (flow.start, flow.default_way) if name in flow.nodes]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += _ways(flow, flow.nodes[name])
    for name in flow.nodes:
        if name not in reached:
            yield FlowProblem(("nodes", name), f"no way leads to node '{name}'", "lead to it, or delete it")


def _spinning(flow: Flow) -> Iterator[FlowProblem]:
    """A loop in which nobody ever presses a key or waits in a queue runs at the speed of the machine, or
    plays the same notice for ever. One problem for each node that only such a loop can leave again to
    itself."""
    quick = {name: _ways(flow, node) for name, node in flow.nodes.items() if not node.waits}
    told: set[str] = set()
    for name in quick:
        loop = _loop_through(name, quick)
        if loop and not told.intersection(loop):
            told.update(loop)
            way = " → ".join([*loop, name])
            yield FlowProblem(("nodes", name), f"a loop without input: {way}", "put a menu or an end into it")


def _loop_through(home: str, ways: Mapping[str, list[str]]) -> list[str]:
    """The nodes of one loop home → … → home within ``ways``, or []."""
    came_from: dict[str, str] = {}
    ahead = [home]
    while ahead:
        here = ahead.pop()
        for there in ways.get(here, ()):
            if there == home:
                return _trail(here, home, came_from)
            if there in ways and there not in came_from:
                came_from[there] = here
                ahead.append(there)
    return []


def _trail(last: str, home: str, came_from: Mapping[str, str]) -> list[str]:
    trail = [last]
    while trail[-1] != home:
        trail.append(came_from[trail[-1]])
    return trail[::-1]
