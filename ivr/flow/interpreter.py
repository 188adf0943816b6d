"""The one interpreter: it walks a call through a flow until the flow lets go of it.

Live calls, the terminal and the tests walk with the same code; they differ in voice and world only. It
always ends: in a leave of the flow, or by the caps on steps, time and queues.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from ivr.flow.leave import CallerGone, Enter, GoTo, HangUp, Leave, QueueFor, Return, Step, TransferTo
from ivr.flow.model import Flow
from ivr.flow.nodes.subflow import FlowNode
from ivr.flow.place import Place, find_place
from ivr.flow.state import CallState
from ivr.flow.visit import Visit
from ivr.flow.world import SiteWorld, World
from ivr.voice import CannotGoOn, Voice

__all__ = ["CallState", "CallerGone", "HangUp", "Leave", "QueueFor", "SiteWorld", "TransferTo", "World", "walk"]

log = logging.getLogger(__name__)


async def walk(
    flow: Flow,
    start: str | None,
    state: CallState,
    voice: Voice,
    world: World,
    flows: Mapping[str, Flow] = MappingProxyType({}),
) -> Leave:
    """Walk ``flow`` (a checked one) from the place ``start`` (as `ivr.flow.place` writes it), or from its own start
    when that is None or no longer in the flow. Call again with `QueueFor.then` when the queue gave up. ``flows``: all
    that a sub-flow node may name."""
    voice.speak_language(state.language)
    if state.menu_left_s <= 0:  # the default way has been taken already, and has led back here
        return HangUp("overflow")
    begun = world.now()
    visit = Visit(state, voice, world, until=begun + timedelta(seconds=min(flow.limits.seconds, state.menu_left_s)))
    try:
        return await _walk(flow, start, visit, flows)
    finally:
        state.menu_left_s -= (world.now() - begun).total_seconds()


async def _walk(flow: Flow, start: str | None, visit: Visit, flows: Mapping[str, Flow]) -> Leave:
    place: Place | None = find_place(flow, flows, start) or Place(flow, flow.start)
    for _ in range(flow.limits.steps):
        if visit.late or place is None:
            break
        step = await _enter(place, visit)
        if step is None:
            break
        if isinstance(step, Leave):
            return _allowed(flow, visit.state, _told_from(place, step))
        place = _next(place, step, visit, flows)
    return await _default_way(flow, visit)


def _next(place: Place, step: GoTo | Enter | Return, visit: Visit, flows: Mapping[str, Flow]) -> Place | None:
    """None where the flows have no such place (too deep, or a return with nowhere to go): the default way is left."""
    match step:
        case GoTo():
            return place.at(step.node)
        case Enter():
            return place.inside(flows[step.flow]) if step.flow in flows else None
        case Return():
            return _come_back(place.outside(), step.result, visit)


def _come_back(door: Place | None, result: str, visit: Visit) -> Place | None:
    node = door.flow.nodes[door.node] if door else None
    return door.at(node.come_back(result, visit).node) if door and isinstance(node, FlowNode) else None


async def _enter(place: Place, visit: Visit) -> Step | None:
    """None when the node failed: that is the admin's to see, and the caller's to survive."""
    visit.state.path.append(str(place))
    visit.state.on_node(str(place))
    try:
        return await place.flow.nodes[place.node].run(visit)
    except CannotGoOn:
        raise
    except Exception as fault:  # noqa: BLE001 - a node's mistake must not cost the call, and what the fault says
        # may be what the caller typed: the log has where it was, and not its words
        kind, frames = type(fault).__name__, "".join(traceback.format_tb(fault.__traceback__))
        log.error("the flow failed at %s in call %s: %s\n%s", place, visit.state.call_id, kind, frames)
        visit.problem(f"the node failed: {type(fault).__name__}")
        return None


def _told_from(place: Place, leave: Leave) -> Leave:
    """Where a queue in a sub-flow goes on is a place, not a node of the outermost flow."""
    if not isinstance(leave, QueueFor | TransferTo):
        return leave

    def told(node: str | None) -> str | None:
        return None if node is None else str(place.at(node))

    ways = replace(leave, then=told(leave.then), after=told(leave.after))
    return replace(ways, overflow=told(ways.overflow)) if isinstance(ways, QueueFor) else ways


async def _default_way(flow: Flow, visit: Visit) -> Leave:
    """The check lets only a queue or a hangup be the default way; anything else is not entered twice."""
    step = await _enter(Place(flow, flow.default_way), visit) if flow.default_way else None
    if isinstance(step, Leave):
        return _allowed(flow, visit.state, step)
    return HangUp("rejected")


def _allowed(flow: Flow, state: CallState, leave: Leave) -> Leave:
    """A queue that gives up at once and leads back to itself would spin through us; so queues are counted, and with
    them the calls to outside. Who wants somebody to talk to has not been served by the menus after all."""
    if not isinstance(leave, QueueFor | TransferTo):
        return leave
    if state.reached == "self_served":
        state.reached = ""
    return HangUp("overflow") if state.queues > flow.limits.queues else leave
