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
from agi_scripts.contact import Luggage, accept, new_record, pack_attributes, unpack_attributes
from agi_scripts.record import CallRecord
from agi_scripts.waiting import WaitEnd, wait_for_agent
from crm_bridge.numbers import e164
from crm_bridge.outcome import HangupBy, Outcome
from crm_bridge.resume import LeftOff
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.flow.interpreter import CallerGone, CallState, HangUp, Leave, QueueFor, walk

log = logging.getLogger(__name__)

_STOPPED = "site stopped"


async def serve_call(session: AgiSession, centre: Centre) -> None:
    """A call knocks, for the first time or again after an engine died under it."""
    luggage = Luggage.of(session.request.args)
    record = new_record(session, centre, luggage)
    centre.live.by_id[record.call_id] = record
    try:
        if luggage.call_id:
            await _come_back(session, record, centre, luggage)
        elif await accept(session, record):
            await _follow_flow(session, record, centre)
    except asyncio.CancelledError:
        if centre.live.closing:  # the whole site stops: nobody will be there for another knock
            await record.cut_short(_STOPPED)
        raise
    finally:
        if centre.live.by_id.get(record.call_id) is record:  # else it has come back already, by another line
            del centre.live.by_id[record.call_id]
        if not record.ended:
            centre.live.left_off[record.call_id] = record.left_off
    if record.ended:
        await session.set_variables({variables.NEXT: "hangup"})


async def _come_back(session: AgiSession, record: CallRecord, centre: Centre, luggage: Luggage) -> None:
    """The engine died while this call was in a menu, waiting or talking. It goes on where it was."""
    await record.begin()
    record.note("returned", dialstatus=luggage.dialstatus)
    if luggage.talked_s is not None:
        centre.router.expect_no_more(record.call_id)
        await _tell_talk(session, record, luggage.talked_s)
        return
    left = centre.live.left_off.pop(record.call_id, LeftOff())
    if record.joined_at is None or record.queue not in centre.queues:  # the menus' answers are in the journal only
        record.language, record.attributes = left.language, unpack_attributes(left.attributes)
        await _follow_flow(session, record, centre, start=left.node)
        return
    then = centre.way_after(record.dnis, left.node)
    wish = QueueFor(record.queue, luggage.priority_class, record.attributes, then=then)
    if left.attributes:  # the channel carries what the queue was told, the journal all that the flow knows
        record.attributes = unpack_attributes(left.attributes)
    await _follow_flow(session, record, centre, first=wish)


async def serve_ended(session: AgiSession, centre: Centre) -> None:
    """The caller has hung up while no engine held the call (dialplan's `h`): tell the outcome all the same."""
    luggage = Luggage.of(session.request.args)
    if luggage.call_id and luggage.call_id not in centre.live.by_id:
        record = new_record(session, centre, luggage)
        await record.begin()
        centre.live.left_off.pop(record.call_id, None)
        centre.router.expect_no_more(record.call_id)
        if luggage.talked_s is not None:
            await _tell_talk(session, record, luggage.talked_s)
        else:
            outcome = Outcome.ABANDONED_QUEUE if record.joined_at is not None else Outcome.ABANDONED_IVR
            await record.end(outcome, HangupBy.CALLER)
    await session.set_variables({variables.NEXT: "hangup"})


async def _tell_talk(session: AgiSession, record: CallRecord, talked_s: float) -> None:
    """A conversation that outlived its engine. The agent is the one whom Dial names; the caller has hung up when the
    hang-up came from their channel."""
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
    voice = AgiVoice(session, centre.prompt_path, centre.utter)
    state = _state(record, centre)
    voice.speak_language(state.language)
    flow = centre.flow_of(record.dnis)
    leave: Leave = first or await walk(flow, start, state, voice, centre.world, centre.flows)
    while True:
        record.speak(state.language)
        record.retag(state.source)
        node = await _take_leave(session, voice, record, centre, state, leave)
        if node is None:
            return
        leave = await walk(flow, node, state, voice, centre.world, centre.flows)


async def _take_leave(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, state: CallState, leave: Leave
) -> str | None:
    """Do what the flow asked for. The node to go on with, or None when the call is over (or cut off from us)."""
    match leave:
        case CallerGone():
            await _caller_left(session, record, centre, _reached(state) or record.gave_up or Outcome.ABANDONED_IVR)
        case HangUp():
            await record.end(_reached(state) or Outcome(leave.outcome), HangupBy.SYSTEM)
        case QueueFor():
            return await _queue(session, voice, record, centre, leave)
    return None


def _reached(state: CallState) -> Outcome | None:
    """A message left or a call back asked for is what the call has come to, however it ends after that."""
    return Outcome(state.reached) if state.reached else None


async def _caller_left(session: AgiSession, record: CallRecord, centre: Centre, outcome: Outcome) -> None:
    """The channel is gone before a conversation. A line that was cut says nothing of the caller: the call comes back,
    or is found lost."""
    if centre.live.closing:
        await record.cut_short(_STOPPED)
    elif not session.cut:
        await record.end(outcome, HangupBy.CALLER)


async def _queue(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, wish: QueueFor
) -> str | None:
    end = await wait_for_agent(session, voice, record, centre, wish)
    if end is WaitEnd.ABANDONED:
        await _caller_left(session, record, centre, Outcome.ABANDONED_QUEUE)
    if end is not WaitEnd.TIMED_OUT:
        return None
    record.give_up(Outcome.TIMEOUT)
    if wish.then is None:
        await record.end(Outcome.TIMEOUT, HangupBy.SYSTEM)
    return wish.then


def _state(record: CallRecord, centre: Centre) -> CallState:
    state = CallState(
        language=record.language or centre.default_language,
        call_id=record.call_id,
        country=centre.country,
        dnis=record.dnis,
        source=record.tag.source,
        campaign=record.tag.campaign,
        attributes=dict(record.attributes),
        ani=e164(record.ani, centre.country) or "",
        keep=record.keep,
        on_problem=record.problem,
    )
    state.on_node = lambda name: _entered(record, centre, state, name)
    return state


def _entered(record: CallRecord, centre: Centre, state: CallState, node: str) -> None:
    """Written down at each node, with what the keys have said so far: there a call goes on whose engine dies."""
    if state.language != (record.language or centre.default_language):
        record.speak(state.language)
    record.retag(state.source)
    record.entered(node, pack_attributes(state.attributes))
