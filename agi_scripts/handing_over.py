"""The caller's side of being passed on: to a queue, to an agent, out of the house, or to somebody who waits for them.

Whoever cannot be reached sends the caller back to the queue they came from, in their old place and rather to the agent
who had them.
"""

from __future__ import annotations

from dataclasses import replace

from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.record import CallRecord
from agi_scripts.ringing import WaitEnd, gone, hung_up_by
from agi_scripts.talk import Handover, Party, Talk
from agi_scripts.talk_recording import note_recorded, record_here, stop_here
from agi_scripts.transfer import transfer
from crm_bridge.outcome import Outcome
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.flow.interpreter import QueueFor, TransferTo
from ivr.voice import Ended

DIRECT_WAIT_S = 30.0
_LISTEN_S = 20.0
_LONGEST_S = 1800.0  # of a consultation
_OUTSIDE_RING_S = 30.0


def back_to(wish: QueueFor, handover: Handover) -> QueueFor:
    """The queue that the caller came from, and rather its agent."""
    return replace(wish, agent="", wait_s=None, preferred=(handover.by,))


async def hand_over(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, wish: QueueFor, handover: Handover
) -> WaitEnd | QueueFor | Handover:
    """The next wish; or how it ended; or where they are passed on to from there. TIMED_OUT: nobody took the caller."""
    record.handed_over(handover)
    await session.set_variables({variables.ANSWERED: ""})  # an engine after us is to give the place back
    if session.gone:
        return gone(session)
    if handover.consultation is not None:
        return await _consulted(session, voice, record, centre, wish, handover)
    return await _blind(session, record, centre, wish, handover)


async def _blind(
    session: AgiSession, record: CallRecord, centre: Centre, wish: QueueFor, handover: Handover
) -> WaitEnd | QueueFor:
    to = handover.to
    if to.outside:
        return await transfer(session, record, centre, TransferTo(to.outside, _OUTSIDE_RING_S))
    if to.queue:
        return replace(wish, queue=to.queue, agent="", wait_s=None, preferred=())
    return replace(wish, agent=to.agent, wait_s=DIRECT_WAIT_S, preferred=())


async def _consulted(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, wish: QueueFor, handover: Handover
) -> WaitEnd | QueueFor | Handover:
    """Music until the agents have decided who is to have the caller. Where nobody had picked up, the caller goes to
    whom the agent wanted to ask."""
    assert handover.consultation is not None  # noqa: S101 (for the type checker)
    chosen, until = handover.consultation.chosen, centre.clock() + _LONGEST_S
    handover.consultation.alone.set()
    await voice.music(True)
    while not chosen.done() and not centre.live.draining and centre.clock() < until:
        if (await voice.wait(_LISTEN_S)).ended is Ended.GONE:
            handover.consultation.choose(None)
            return gone(session)
    party = chosen.result() if chosen.done() else None
    if party is None:
        return await _blind(session, record, centre, wish, handover)
    await voice.music(False)  # or Bridge would leave it playing, and nobody would be heard
    return await talk_with(session, record, centre, party)


async def talk_with(session: AgiSession, record: CallRecord, centre: Centre, party: Party) -> WaitEnd | Handover:
    """Join the caller to a leg that is there. Whom a queue gave is free again when the outcome is durable."""
    if party.offer is None:
        return await _joined(session, record, centre, party)
    record.queue = party.offer.queue
    try:
        return await _joined(session, record, centre, party)
    finally:
        await centre.router.finished(party.offer)


async def _joined(session: AgiSession, record: CallRecord, centre: Centre, party: Party) -> WaitEnd | Handover:
    who = party.who.agent
    talk = Talk(record, who, party.channel)
    if who:
        centre.live.talks[who] = talk
    began = centre.clock()
    centre.live.outward[record.channel] = record
    try:
        await record_here(session, talk, centre)
        await session.execute("Bridge", party.channel)
        await stop_here(session, talk)
    finally:
        del centre.live.outward[record.channel]
        if centre.live.talks.get(who) is talk:
            del centre.live.talks[who]
    (result,) = await session.full_variable("BRIDGERESULT")
    if session.cut:
        return WaitEnd.CUT
    if result != "SUCCESS":
        return gone(session) if session.gone else WaitEnd.TIMED_OUT
    return await _joined_end(session, record, centre, talk, centre.clock() - began, party.who.outside)


async def _joined_end(
    session: AgiSession, record: CallRecord, centre: Centre, talk: Talk, talked_s: float, outside: str
) -> WaitEnd | Handover:
    note_recorded(talk)
    if talk.extension:
        centre.live.last_talks[talk.extension] = (record.call_id, record.queue)
    if outside:
        record.transferred(outside, talked_s)
    else:
        record.talked(talk.extension, talked_s)
    if talk.handover is not None and not session.gone:
        return talk.handover
    await record.end(Outcome.ANSWERED, hung_up_by(session, centre))
    if talk.extension and record.queue in centre.queues:
        await centre.router.wrap_up_until(talk.extension, centre.clock() + centre.queues[record.queue].wrap_up_s)
    return WaitEnd.TALKED
