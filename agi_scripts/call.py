"""The life of one customer call. Read it from top to bottom: this is the order the call travels.

Contact → tag → flow (menus) → queue → conversation → outcome. One call is one coroutine; an everyday ending
(a hang-up, silence, no agent) is a value that comes back, and only broken rules raise.

The law of the last command: `HOTLINE_NEXT` is set when, and only when, the outcome is durable. While it is empty the
dialplan believes that we failed and knocks again with the same call id, so nothing here needs to be undone.
"""

from __future__ import annotations

import asyncio
import logging

from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.contact import Luggage, accept, new_record
from agi_scripts.record import CallRecord
from agi_scripts.waiting import WaitEnd, wait_for_agent
from crm_bridge.outcome import HangupBy, Outcome
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.flow.interpreter import CallerGone, CallState, HangUp, Leave, QueueFor, walk

log = logging.getLogger(__name__)


async def serve_call(session: AgiSession, centre: Centre) -> None:
    """A call knocks, for the first time or again after an engine died under it."""
    luggage = Luggage.of(session.request.args)
    record = new_record(session, centre, luggage)
    centre.live.by_id[record.call_id] = record
    try:
        if luggage.call_id:
            await _come_back(session, record, centre, luggage)
        else:
            await accept(session, record)
            await _follow_flow(session, record, centre, start=None)
    except asyncio.CancelledError:
        if centre.live.closing:  # the whole site stops: nobody will be there for another knock
            await record.end(Outcome.SYSTEM_FAILURE, HangupBy.SYSTEM, cause="site stopped")
        raise
    finally:
        centre.live.by_id.pop(record.call_id, None)
    if record.ended:
        await session.set_variables({variables.NEXT: "hangup"})


async def _come_back(session: AgiSession, record: CallRecord, centre: Centre, luggage: Luggage) -> None:
    """The engine died while this call was in a menu, waiting or talking. It goes on where it was."""
    record.note("returned", dialstatus=luggage.dialstatus)
    if luggage.talked_s is not None:
        await _tell_talk(session, record, centre, luggage.talked_s)
        return
    node = centre.live.last_node.pop(record.call_id, None)
    if record.joined_at is None:
        await _follow_flow(session, record, centre, start=node)
        return
    wish = QueueFor(record.queue, luggage.priority_class, record.attributes, then=centre.way_after(record.dnis, node))
    await _follow_flow(session, record, centre, first=wish)


async def serve_ended(session: AgiSession, centre: Centre) -> None:
    """The caller has hung up while no engine held the call (dialplan's `h`): tell the outcome all the same."""
    luggage = Luggage.of(session.request.args)
    if luggage.call_id and luggage.call_id not in centre.live.by_id:
        record = new_record(session, centre, luggage)
        if luggage.talked_s is not None:
            await _tell_talk(session, record, centre, luggage.talked_s)
        else:
            outcome = Outcome.ABANDONED_QUEUE if record.joined_at is not None else Outcome.ABANDONED_IVR
            centre.router.expect_no_more(record.call_id)
            await record.end(outcome, HangupBy.CALLER)
    await session.set_variables({variables.NEXT: "hangup"})


async def _tell_talk(session: AgiSession, record: CallRecord, centre: Centre, talked_s: float) -> None:
    """A conversation that outlived its engine. The agent is the one whom Dial names; the caller has hung up when the
    hang-up came from their channel."""
    centre.router.expect_no_more(record.call_id)
    agent, cause, left = await session.full_variable("DIALEDPEERNUMBER", "HANGUPCAUSE", "CHANNEL(hangupsource)")
    by = HangupBy.CALLER if left == record.channel else HangupBy.AGENT
    record.talked(agent.rpartition("/")[2], talked_s)
    await record.end(Outcome.ANSWERED, by, cause=cause)


async def _follow_flow(
    session: AgiSession,
    record: CallRecord,
    centre: Centre,
    *,
    start: str | None = None,
    first: QueueFor | None = None,
) -> None:
    """Walk the number's flow until it ends in an outcome, through as many queues as it names. ``first``: the queue
    that a returning call was in; its flow goes on from there."""
    voice = AgiVoice(session, centre.prompt_path)
    state = _state(record, centre)
    voice.speak_language(state.language)
    flow = centre.flow_of(record.dnis)
    leave: Leave = first or await walk(flow, start, state, voice, centre.world)
    while True:
        record.speak(state.language)
        node = await _take_leave(session, voice, record, centre, leave)
        if node is None:
            return
        leave = await walk(flow, node, state, voice, centre.world)


async def _take_leave(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, leave: Leave
) -> str | None:
    """Do what the flow asked for. The node to go on with, or None when the call is over (or cut off from us)."""
    match leave:
        case CallerGone():
            if not session.cut:
                await record.end(record.gave_up or Outcome.ABANDONED_IVR, HangupBy.CALLER)
        case HangUp():
            await record.end(Outcome(leave.outcome), HangupBy.SYSTEM)
        case QueueFor():
            return await _queue(session, voice, record, centre, leave)
    return None


async def _queue(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, wish: QueueFor
) -> str | None:
    end = await wait_for_agent(session, voice, record, centre, wish)
    if end is WaitEnd.ABANDONED:
        await record.end(Outcome.ABANDONED_QUEUE, HangupBy.CALLER)
    if end is not WaitEnd.TIMED_OUT:
        return None
    record.gave_up = Outcome.TIMEOUT
    if wish.then is None:
        await record.end(Outcome.TIMEOUT, HangupBy.SYSTEM)
    return wish.then


def _state(record: CallRecord, centre: Centre) -> CallState:
    return CallState(
        language=record.language or centre.default_language,
        dnis=record.dnis,
        source=record.tag.source,
        campaign=record.tag.campaign,
        attributes=dict(record.attributes),
        on_node=lambda name: record.note("node", name=name),
    )
