"""What the flows of a site are to each other: who goes into whom, what is set there, and what can be passed unheard.

A company is every flow by its name; None stands for one that has no sound form, of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ivr.flow.model import Flow, Node
from ivr.flow.nodes.form import Mention, Noun
from ivr.flow.nodes.subflow import FlowNode, ReturnNode

Company = Mapping[str, Flow | None]


def ways(flow: Flow, node: Node) -> list[str]:
    """The nodes that ``node`` leads to, without those that are not there."""
    return [m.name for m in node.mentions() if m.noun is Noun.NODE and m.name in flow.nodes]


def inside(flow: Flow, company: Company) -> set[str]:
    """The names of ``flow`` itself and of all flows that it may go into, however deep."""
    names: set[str] = set()
    ahead = [flow.name]
    while ahead:
        name = ahead.pop()
        here = company.get(name)
        if name not in names:
            names.add(name)
            ahead += [node.flow for node in here.nodes.values() if isinstance(node, FlowNode)] if here else []
    return names


def all_sound(flow: Flow, company: Company) -> bool:
    return all(company.get(name) is not None for name in inside(flow, company))


def new_values(flow: Flow, company: Company) -> set[str]:
    """The values that the flow and those inside it may set. A parameter is set by whoever gives it."""
    flows = [company[name] for name in inside(flow, company) if name in company]
    return {
        *(name for here in flows if here for name in here.parameters if here is not flow),
        *(m.name for here in flows if here for node in here.nodes.values() for m in _new(node)),
    }


def new_secrets(company: Company) -> set[str]:
    """All that is asked for anywhere: a secret is no parameter, and yet it goes into a sub-flow with the call."""
    nodes = (node for flow in company.values() if flow for node in flow.nodes.values())
    return {m.name for node in nodes for m in node.mentions() if m.noun is Noun.NEW_SECRET}


def _new(node: Node) -> list[Mention]:
    return [mention for mention in node.mentions() if mention.noun is Noun.NEW_VALUE]


def passable(company: Company) -> frozenset[str]:
    """The flows that a call may pass from start to return without a key or a wait. The more of them are known, the
    more there are: so again until nothing new comes."""
    known: frozenset[str] = frozenset()
    while True:
        found = frozenset(name for name, flow in company.items() if flow is not None and _is_passable(flow, known))
        if found == known:
            return known
        known = found


def quick_ways(flow: Flow, passable_flows: Collection[str]) -> dict[str, list[str]]:
    """The nodes that take no time from the caller's side, with their ways."""
    return {
        name: ways(flow, node)
        for name, node in flow.nodes.items()
        if (node.flow in passable_flows if isinstance(node, FlowNode) else not node.waits)
    }


def _is_passable(flow: Flow, known: Collection[str]) -> bool:
    quick = quick_ways(flow, known)
    seen: set[str] = set()
    ahead = [flow.start]
    while ahead:
        name = ahead.pop()
        if name in quick and name not in seen:
            seen.add(name)
            ahead += quick[name]
    return any(isinstance(flow.nodes[name], ReturnNode) for name in seen)
