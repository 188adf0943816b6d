"""Where in its flows a call is: the sub-flow nodes it went in by, and the node it is at.

Written as a path, `where_is_it/ask_order`, it is told to the journal; and because it names the nodes that were
entered, it is all that the next engine needs to find the place again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ivr.flow.model import Flow
from ivr.flow.nodes.agent import AgentNode
from ivr.flow.nodes.queue import QueueNode
from ivr.flow.nodes.subflow import FlowNode

DEEPEST = 8  # sub-flows within sub-flows; the check refuses recursion, and this refuses what a check missed
_MARK = "/"


@dataclass(frozen=True, slots=True)
class Place:
    """``node`` is one of ``flow``'s. ``entered``: the flows around it with the node that went in, outermost first."""

    flow: Flow
    node: str
    entered: tuple[tuple[Flow, str], ...] = ()

    def __str__(self) -> str:
        return _MARK.join((*(node for _, node in self.entered), self.node))

    def at(self, node: str) -> Place:
        return replace(self, node=node)

    def inside(self, flow: Flow) -> Place | None:
        """The sub-flow's start; None when that is too deep."""
        if len(self.entered) >= DEEPEST:
            return None
        return Place(flow, flow.start, (*self.entered, (self.flow, self.node)))

    def outside(self) -> Place | None:
        """The node that went in here; None at the outermost flow."""
        if not self.entered:
            return None
        flow, node = self.entered[-1]
        return Place(flow, node, self.entered[:-1])


def find_place(flow: Flow, flows: Mapping[str, Flow], text: str | None) -> Place | None:
    """The place that ``str(place)`` wrote. None when it is no longer in the flows, or is ''."""
    *ways, node = (text or "").split(_MARK)
    place: Place | None = Place(flow, flow.start)
    for way in ways:
        door = place.flow.nodes.get(way) if place else None
        if place is None or not isinstance(door, FlowNode) or door.flow not in flows:
            return None
        place = place.at(way).inside(flows[door.flow])
    return place.at(node) if place is not None and node in place.flow.nodes else None


@dataclass(frozen=True, slots=True)
class WaysOn:
    """Places. ``then``: nobody took the call; ``after``: they have talked; ``overflow``: the queue passed the call on.
    None: the flow has nothing more to say."""

    then: str | None = None
    after: str | None = None
    overflow: str | None = None


def after_queue(flow: Flow, flows: Mapping[str, Flow], text: str | None) -> WaysOn | None:
    """How the flow goes on from the queue (or the agent) at the place ``text``; None when that is neither."""
    place = find_place(flow, flows, text)
    node = place.flow.nodes[place.node] if place else None
    if place is None or not isinstance(node, QueueNode | AgentNode):
        return None
    overflow = node.overflow if isinstance(node, QueueNode) else None
    return WaysOn(*(None if way is None else str(place.at(way)) for way in (node.then, node.after, overflow)))
