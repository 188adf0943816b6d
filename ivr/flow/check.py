"""What a flow must be before a caller meets it: every name known, every node reachable, no loop that spins.

All problems at once, each with its place in the flow's file. A menu key stands in a path as text ("1")
although YAML may have it as a number; where a way is written short (`1: sales`) its path still ends in
"goto".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ivr.flow.company import Company, all_sound, inside, new_secrets, new_values, passable, quick_ways, ways
from ivr.flow.model import Flow, Node
from ivr.flow.nodes.agent import AgentNode
from ivr.flow.nodes.form import Noun, Path
from ivr.flow.nodes.hangup import HangUpNode
from ivr.flow.nodes.queue import QueueNode
from ivr.flow.nodes.subflow import FlowNode
from ivr.flow.nodes.transfer import TransferNode
from ivr.flow.state import GIVEN_VALUES
from ivr.media_source import UNKNOWN


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
    sources: Collection[str] | None = None,
    flows: Mapping[str, Flow | None] | None = None,
    agents: Collection[str] | None = None,
    outside: Collection[str] | None = None,
) -> list[FlowProblem]:
    """``prompts``, ``queues``, ``lines`` (of hours), ``languages`` and media ``sources`` are the names that the site
    knows, ``agents`` the extensions and ``outside`` the listed numbers; None: not checked. ``flows``: all of the
    site's, None for one that has no sound form."""
    company = {**(flows or {}), flow.name: flow}
    known: dict[Noun, Collection[str]] = {
        Noun.NODE: flow.nodes,
        Noun.PROMPT: prompts,
        Noun.QUEUE: queues,
        Noun.LINE: lines,
        Noun.FLOW: company,
    }
    if languages is not None:
        known[Noun.LANGUAGE] = languages
    if agents is not None:
        known[Noun.AGENT] = agents
    if outside is not None:
        known[Noun.OUTSIDE] = outside
    if sources is not None:
        known[Noun.SOURCE] = {*sources, UNKNOWN}
    if all_sound(flow, company):  # else nobody can tell what is set there
        known[Noun.SECRET] = new_secrets(company)
        known[Noun.VALUE] = {*GIVEN_VALUES, *flow.parameters, *new_values(flow, company)}
    return [
        *_entry_problems(flow),
        *_name_problems(flow, known),
        *_unreachable(flow),
        *_spinning(flow, company),
        *_door_problems(flow, company),
        *_rung_again(flow, company),
    ]


def _entry_problems(flow: Flow) -> Iterator[FlowProblem]:
    if flow.start not in flow.nodes:
        yield _unknown(("start",), Noun.NODE, flow.start, flow.nodes)
    if flow.default_way is None:
        if not flow.is_sub:
            hint = "name a node of kind queue or hangup; only a flow with a return needs none"
            yield FlowProblem(("default_way",), "is missing", hint)
    elif flow.default_way not in flow.nodes:
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


def _unknown(path: Path, noun: str, name: str, known: Collection[str]) -> FlowProblem:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known)[:12]) or 'none'}"
    return FlowProblem(path, f"there is no {noun} '{name}'", hint)


def _unreachable(flow: Flow) -> Iterator[FlowProblem]:
    if flow.start not in flow.nodes:
        return  # one problem is enough: without a start nothing is reachable
    reached: set[str] = set()
    ahead = [name for name in (flow.start, flow.default_way) if name in flow.nodes and name is not None]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += ways(flow, flow.nodes[name])
    for name in flow.nodes:
        if name not in reached:
            yield FlowProblem(("nodes", name), f"no way leads to node '{name}'", "lead to it, or delete it")


def _spinning(flow: Flow, company: Company) -> Iterator[FlowProblem]:
    """A loop in which nobody ever presses a key or waits in a queue runs at the speed of the machine, or
    plays the same notice for ever. One problem for each node that only such a loop can leave again to
    itself."""
    quick = quick_ways(flow, passable(company))
    told: set[str] = set()
    for name in quick:
        loop = _loop_through(name, quick)
        if loop and not told.intersection(loop):
            told.update(loop)
            way = " → ".join([*loop, name])
            yield FlowProblem(("nodes", name), f"a loop without input: {way}", "put a menu or an end into it")


def _door_problems(flow: Flow, company: Company) -> Iterator[FlowProblem]:
    """Each node that enters a sub-flow: what that flow needs is given, what it may return is expected, and it never
    leads back into this flow."""
    for name, node in flow.nodes.items():
        if isinstance(node, FlowNode) and (below := company.get(node.flow)) is not None:
            path = ("nodes", name)
            if flow.name in inside(below, company):
                hint = "a flow that goes into itself has no end: lead back with a return"
                yield FlowProblem((*path, "flow"), f"'{node.flow}' leads into '{flow.name}' again", hint)
            if not below.returns:
                yield FlowProblem(
                    (*path, "flow"), f"the flow '{node.flow}' has no return", "nothing after it is reached"
                )
            for parameter in below.parameters:
                if parameter not in node.parameters:
                    yield FlowProblem((*path, "parameters"), f"'{node.flow}' needs the parameter '{parameter}'")
            for parameter in node.parameters:
                if parameter not in below.parameters:
                    yield _unknown((*path, "parameters", parameter), "parameter", parameter, below.parameters)
            for result in node.returns:
                if result not in below.returns:
                    yield _unknown((*path, "returns", result), "result", result, below.returns)


def _rung_again(flow: Flow, company: Company) -> Iterator[FlowProblem]:
    """After the conversation the call has its outcome: nobody is rung for it a second time. A live call that gets there
    all the same is ended."""
    for name, node in flow.nodes.items():
        if isinstance(node, QueueNode | AgentNode | TransferNode) and node.after in flow.nodes:
            rings = next((there for there in _ahead(flow, node.after) if _rings(flow.nodes[there], company)), None)
            if rings is not None:
                hint = "after it the flow may play, ask, record or hang up"
                message = f"leads to '{rings}', where somebody is rung again after the conversation"
                yield FlowProblem(("nodes", name, "after"), message, hint)


def _ahead(flow: Flow, start: str) -> list[str]:
    """``start`` and all that it leads to, nearest first."""
    found = [start]
    for name in found:
        found += [way for way in dict.fromkeys(ways(flow, flow.nodes[name])) if way not in found]
    return found


def _rings(node: Node, company: Company) -> bool:
    if not isinstance(node, FlowNode):
        return isinstance(node, QueueNode | AgentNode | TransferNode)
    below = company.get(node.flow)
    flows = [company.get(name) for name in inside(below, company)] if below is not None else []
    return any(isinstance(each, QueueNode | AgentNode | TransferNode) for f in flows if f for each in f.nodes.values())


def _loop_through(home: str, quick: Mapping[str, list[str]]) -> list[str]:
    """The nodes of one loop home → … → home within ``quick``, or []."""
    came_from: dict[str, str] = {}
    ahead = [home]
    while ahead:
        here = ahead.pop()
        for there in quick.get(here, ()):
            if there == home:
                return _trail(here, home, came_from)
            if there in quick and there not in came_from:
                came_from[there] = here
                ahead.append(there)
    return []


def _trail(last: str, home: str, came_from: Mapping[str, str]) -> list[str]:
    trail = [last]
    while trail[-1] != home:
        trail.append(came_from[trail[-1]])
    return trail[::-1]
