"""The one interpreter: it walks a call through a flow until the flow lets go of it.

Live calls, the terminal and the tests walk with the same code; they differ in voice and world only. It
always ends: in a leave of the flow, or by the caps on steps, time and queues.
"""

from __future__ import annotations

from datetime import timedelta

from ivr.flow.leave import CallerGone, GoTo, HangUp, Leave, QueueFor, Step
from ivr.flow.model import Flow
from ivr.flow.state import CallState
from ivr.flow.visit import Visit
from ivr.flow.world import SiteWorld, World
from ivr.voice import Voice

__all__ = ["CallState", "CallerGone", "HangUp", "Leave", "QueueFor", "SiteWorld", "World", "walk"]


async def walk(flow: Flow, start: str | None, state: CallState, voice: Voice, world: World) -> Leave:
    """Walk ``flow`` (a checked one) from the node ``start``, or from its own start when that is None or
    no longer in the flow. Call again with `QueueFor.then` when the queue gave up."""
    voice.speak_language(state.language)
    visit = Visit(state, voice, world, until=world.now() + timedelta(seconds=flow.limits.seconds))
    name = start if start in flow.nodes and start is not None else flow.start
    for _ in range(flow.limits.steps):
        if visit.late:
            break
        step = await _enter(flow, name, visit)
        if not isinstance(step, GoTo):
            return _allowed(flow, state, step)
        name = step.node
    return await _default_way(flow, visit)


async def _enter(flow: Flow, name: str, visit: Visit) -> Step:
    visit.state.path.append(name)
    visit.state.on_node(name)
    return await flow.nodes[name].run(visit)


async def _default_way(flow: Flow, visit: Visit) -> Leave:
    """The check lets only a queue or a hangup be the default way; anything else is not entered twice."""
    step = await _enter(flow, flow.default_way, visit)
    return HangUp("rejected") if isinstance(step, GoTo) else _allowed(flow, visit.state, step)


def _allowed(flow: Flow, state: CallState, leave: Leave) -> Leave:
    """A queue that gives up at once and leads back to itself would spin through us; so queues are
    counted."""
    if isinstance(leave, QueueFor) and state.queues > flow.limits.queues:
        return HangUp("overflow")
    return leave
