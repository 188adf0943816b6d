"""The life of one customer call. Read it from top to bottom: this is the order the call travels.

Contact → tag → flow (menus) → queue → conversation → outcome → what is asked of a caller who is still there. One call
is one coroutine; an everyday ending (a hang-up, silence, no agent) is a value that comes back, and only broken rules
raise.

The law of the last command: `HOTLINE_NEXT` is set when, and only when, the outcome is durable. While it is empty the
dialplan believes that we failed and knocks again with the same call id, so nothing here needs to be undone.
"""

from __future__ import annotations

import asyncio
import logging

from agi_scripts import variables
from agi_scripts.admission import HOUSE, WITHHELD, Refusal
from agi_scripts.centre import Centre
from agi_scripts.contact import Luggage, accept, new_record, pack_attributes
from agi_scripts.endpoint import is_of_the_house
from agi_scripts.record import CallRecord
from agi_scripts.ringing import WaitEnd
from agi_scripts.standing import with_standing
from agi_scripts.transfer import transfer
from agi_scripts.waiting import wait_for_agent
from crm_bridge.fold import unpacked
from crm_bridge.numbers import e164
from crm_bridge.outcome import HangupBy, Outcome
from crm_bridge.resume import LeftOff
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.flow.interpreter import CallerGone, CallState, HangUp, Leave, QueueFor, TransferTo, walk
from ivr.flow.model import Flow
from ivr.flow.outside import NOBODY

log = logging.getLogger(__name__)

_STOPPED = "site stopped"
_TOO_MANY = "too_many_calls"
_GAVE_UP = {WaitEnd.TIMED_OUT: Outcome.TIMEOUT, WaitEnd.OVERFLOWED: Outcome.OVERFLOW}


async def serve_call(session: AgiSession, centre: Centre) -> None:
    """A call knocks, for the first time or again after an engine died under it."""
    luggage = Luggage.of(session.request.args)
    record = new_record(session, centre, luggage)
    centre.live.by_id[record.call_id] = record
    try:
        if luggage.call_id:
            centre.admission.come_back(record.call_id, _caller(record, centre))
            await _come_back(session, record, centre, luggage)
        elif await accept(session, record):
            refusal = centre.admission.enter(record.call_id, _caller(record, centre), centre.clock())
            await (_turn_away(session, record, centre, refusal) if refusal else _follow_flow(session, record, centre))
    except asyncio.CancelledError:
        if centre.live.closing:  # the whole site stops: nobody will be there for another knock
            await record.cut_short(_STOPPED)
        raise
    finally:
        if centre.live.by_id.get(record.call_id) is record:  # else it has come back already, by another line
            del centre.live.by_id[record.call_id]
            centre.admission.leave(record.call_id)
        if not record.ended:
            centre.live.left_off[record.call_id] = record.left_off
    if record.ended:
        await session.set_variables({variables.NEXT: "hangup"})


def _caller(record: CallRecord, centre: Centre) -> str:
    """By what the calls of one caller are counted."""
    if is_of_the_house(record.channel):
        return HOUSE
    return e164(record.ani, centre.country) or record.ani or WITHHELD


async def _turn_away(session: AgiSession, record: CallRecord, centre: Centre, refusal: Refusal) -> None:
    """Nobody is left in silence, and the call is told of like any other."""
    voice = AgiVoice(session, centre.prompt_path)
    voice.speak_language(record.language or centre.default_language)
    await voice.play([_TOO_MANY], barge_in=False)
    if session.gone:
        await _caller_left(session, record, centre, Outcome.REJECTED, cause=refusal.value)
    else:
        await record.end(Outcome.REJECTED, HangupBy.SYSTEM, cause=refusal.value)


async def _come_back(session: AgiSession, record: CallRecord, centre: Centre, luggage: Luggage) -> None:
    """The engine died while this call was in a menu, waiting or talking. It goes on where it was."""
    await record.begin()
    record.note("returned", dialstatus=luggage.dialstatus)
    if luggage.talked_s is not None:
        centre.router.expect_no_more(record.call_id)
        await _tell_talk(session, record, centre, luggage.talked_s)
        return
    left = centre.live.left_off.pop(record.call_id, LeftOff())
    record.come_back(left)
    if record.joined_at is None or record.queue not in centre.queues:  # in a menu, or past a queue that gave up
        if record.joined_at is not None:
            record.give_up(Outcome.TIMEOUT)
        record.language, record.attributes = left.language, unpacked(left.attributes)
        await _follow_flow(session, record, centre, start=left.node)
        return
    ways = centre.ways_on(record.dnis, left.node)  # None where the journal's last words are missing
    wish = QueueFor(
        record.queue,
        luggage.priority_class,
        record.attributes,
        then=ways.then if ways else None,
        after=ways.after if ways else None,
        overflow=ways.overflow if ways else None,
        agent=luggage.agent,
        wait_s=luggage.wait_s,
    )
    if left.attributes:  # the channel carries what the queue was told, the journal all that the flow knows
        record.attributes = unpacked(left.attributes)
    await _follow_flow(session, record, centre, first=wish)


async def serve_ended(session: AgiSession, centre: Centre) -> None:
    """The caller has hung up while no engine held the call (dialplan's `h`): tell the outcome all the same."""
    luggage = Luggage.of(session.request.args)
    if luggage.call_id and luggage.call_id not in centre.live.by_id:
        record = new_record(session, centre, luggage)
        await record.begin()
        left = centre.live.left_off.pop(record.call_id, LeftOff())
        centre.router.expect_no_more(record.call_id)
        if luggage.talked_s is not None:
            await _tell_talk(session, record, centre, luggage.talked_s)
        else:
            abandoned = Outcome.ABANDONED_QUEUE if record.joined_at is not None else Outcome.ABANDONED_IVR
            await record.end(Outcome(left.reached or abandoned), HangupBy.CALLER)
    await session.set_variables({variables.NEXT: "hangup"})


async def _tell_talk(session: AgiSession, record: CallRecord, centre: Centre, talked_s: float) -> None:
    """A conversation that outlived its engine. The agent (or the number outside) is the one whom Dial names; the caller
    has hung up when the hang-up came from their channel."""
    dialled, cause, left = await session.full_variable("DIALEDPEERNUMBER", "HANGUPCAUSE", "CHANNEL(hangupsource)")
    by = HangupBy.CALLER if left == record.channel else HangupBy.AGENT
    peer = dialled.rpartition("/")[2]
    if "@" in peer:
        record.transferred(centre.outside_numbers.name_of(peer) or "", talked_s)
    else:
        record.talked(peer, talked_s)
    await record.end(Outcome.ANSWERED, by, cause=cause)
    if record.agent and record.queue in centre.queues:
        await centre.router.wrap_up_until(record.agent, centre.clock() + centre.queues[record.queue].wrap_up_s)


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
    voice = AgiVoice(session, centre.prompt_path, centre.utter, centre.recordings, centre.launch)
    state = _state(record, centre)
    voice.speak_language(state.language)
    flow = centre.flow_of(record.dnis)
    leave: Leave = first or await _walk(flow, start, state, voice, centre)
    while True:
        record.speak(state.language)
        record.retag(state.source)
        record.who = state.caller or NOBODY
        node = await _take_leave(session, voice, record, centre, state, leave)
        if node is None:
            return
        leave = await _walk(flow, node, state, voice, centre)


async def _walk(flow: Flow, start: str | None, state: CallState, voice: AgiVoice, centre: Centre) -> Leave:
    leave = await walk(flow, start, state, voice, centre.world, centre.flows)
    return await with_standing(leave, state, centre) if isinstance(leave, QueueFor) else leave


async def _take_leave(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, state: CallState, leave: Leave
) -> str | None:
    """Do what the flow asked for. The node to go on with, or None when the call is over (or cut off from us)."""
    match leave:
        case CallerGone():
            await _caller_left(session, record, centre, _reached(state) or record.gave_up or Outcome.ABANDONED_IVR)
        case HangUp():
            await record.end(_reached(state) or Outcome(leave.outcome), HangupBy.SYSTEM)
        case QueueFor() | TransferTo() if record.ended:  # they have talked: nobody is rung a second time
            pass
        case QueueFor():
            end = await wait_for_agent(session, voice, record, centre, leave)
            return await _go_on(session, record, centre, leave, end, Outcome.ABANDONED_QUEUE)
        case TransferTo():
            end = await transfer(session, record, centre, leave)
            left = _reached(state) or record.gave_up or Outcome.ABANDONED_IVR
            return await _go_on(session, record, centre, leave, end, left)
    return None


def _reached(state: CallState) -> Outcome | None:
    """A message left or a call back asked for is what the call has come to, however it ends after that."""
    return Outcome(state.reached) if state.reached else None


async def _caller_left(
    session: AgiSession, record: CallRecord, centre: Centre, outcome: Outcome, cause: str = ""
) -> None:
    """The channel is gone before a conversation. A line that was cut says nothing of the caller: the call comes back,
    or is found lost."""
    if centre.live.closing:
        await record.cut_short(_STOPPED)
    elif not session.cut:
        if outcome is Outcome.ABANDONED_QUEUE and record.joined_at is not None:
            number = e164(record.ani, centre.country) or ""
            centre.regained.left(number, record.queue, record.joined_at, centre.clock())
        await record.end(outcome, HangupBy.CALLER, cause=cause)


async def _go_on(
    session: AgiSession,
    record: CallRecord,
    centre: Centre,
    wish: QueueFor | TransferTo,
    end: WaitEnd,
    abandoned: Outcome,
) -> str | None:
    """The node to go on with after an attempt to get somebody to talk to the caller. ``abandoned``: the outcome for a
    caller who has left meanwhile."""
    if end is WaitEnd.ABANDONED:
        await _caller_left(session, record, centre, abandoned)
    if end is WaitEnd.CALLBACK:
        await record.end(Outcome.CALLBACK, HangupBy.SYSTEM)
    if end is WaitEnd.TALKED:
        return await _after_talk(session, centre, wish.after)
    if end not in _GAVE_UP:
        return None
    outcome, then = _GAVE_UP[end], wish.then
    if end is WaitEnd.OVERFLOWED and isinstance(wish, QueueFor):
        then = wish.overflow or wish.then
    record.give_up(outcome)
    if then is None:
        await record.end(outcome, HangupBy.SYSTEM)
    elif isinstance(wish, QueueFor):  # should the engine die now, the call is not to go back into this queue
        await session.set_variables({variables.QUEUE: ""})
    return then


async def _after_talk(session: AgiSession, centre: Centre, after: str | None) -> str | None:
    """Only where the other side hung up and the caller is still there. The outcome is durable, so from here on the
    dialplan may take the call for done: should we die while the caller answers, it simply ends."""
    if after is None or session.gone or centre.live.closing:
        return None
    await session.set_variables({variables.NEXT: "hangup"})
    return after


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
        reached=record.left_off.reached,
        keep=record.keep,
        on_problem=lambda place, what: record.problem(centre.flow_at(record.dnis, place), place, what),
        menu_left_s=centre.menu_s,
        codes=centre.languages,
    )
    state.on_node = lambda name: _entered(record, centre, state, name)
    return state


def _entered(record: CallRecord, centre: Centre, state: CallState, node: str) -> None:
    """Written down at each node, with what the keys have said so far: there a call goes on whose engine dies."""
    if state.language != (record.language or centre.default_language):
        record.speak(state.language)
    record.retag(state.source)
    record.entered(node, pack_attributes(state.attributes))
