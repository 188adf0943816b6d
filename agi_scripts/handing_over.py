"""The caller's side of being passed on: to a queue, to an agent, out of the house, or to somebody who waits for them.

Whoever cannot be reached sends the caller back to the queue they came from, in their old place and rather to the agent
who had them.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.record import CallRecord
from agi_scripts.ringing import WaitEnd, gone, hung_up_by
from agi_scripts.talk import Handover, Talk
from agi_scripts.transfer import transfer
from crm_bridge.outcome import Outcome
from ivr.agi.session import AgiSession
from ivr.flow.interpreter import QueueFor, TransferTo

DIRECT_WAIT_S = 30.0
_CONSULTED_S = 3.0  # from the agent's hanging up to the other leg being here
_OUTSIDE_RING_S = 30.0


def back_to(wish: QueueFor, handover: Handover) -> QueueFor:
    """The queue that the caller came from, and rather its agent."""
    return replace(wish, agent="", wait_s=None, preferred=(handover.by,))


async def hand_over(
    session: AgiSession, record: CallRecord, centre: Centre, wish: QueueFor, handover: Handover
) -> WaitEnd | QueueFor | Handover:
    """The next wish; or how it ended; or where they are passed on to from there. TIMED_OUT: nobody took the caller."""
    record.handed_over(handover)
    await session.set_variables({variables.ANSWERED: ""})  # an engine after us is to give the place back
    if session.gone:
        return gone(session)
    if handover.consultation is not None:
        return await _join(session, record, centre, wish, handover)
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


async def _join(
    session: AgiSession, record: CallRecord, centre: Centre, wish: QueueFor, handover: Handover
) -> WaitEnd | QueueFor | Handover:
    """The agent has hung up in a consultation. Who had not picked up yet is rung again, now for the caller."""
    assert handover.consultation is not None  # noqa: S101 (for the type checker)
    try:
        async with asyncio.timeout(_CONSULTED_S):
            channel = await asyncio.shield(handover.consultation.channel)
    except TimeoutError:
        return await _blind(session, record, centre, wish, handover)
    return await talk_with(session, record, centre, handover, channel)


async def talk_with(
    session: AgiSession, record: CallRecord, centre: Centre, handover: Handover, channel: str
) -> WaitEnd | Handover:
    """Join the caller to a leg that is there."""
    who = handover.to.agent
    talk = Talk(record, who, channel)
    if who:
        centre.live.talks[who] = talk
    began = centre.clock()
    centre.live.outward[record.channel] = record
    try:
        await session.execute("Bridge", channel)
    finally:
        del centre.live.outward[record.channel]
        if centre.live.talks.get(who) is talk:
            del centre.live.talks[who]
    (result,) = await session.full_variable("BRIDGERESULT")
    if session.cut:
        return WaitEnd.CUT
    if result != "SUCCESS":
        return gone(session) if session.gone else WaitEnd.TIMED_OUT
    return await _joined_end(session, record, centre, talk, centre.clock() - began, handover.to.outside)


async def _joined_end(
    session: AgiSession, record: CallRecord, centre: Centre, talk: Talk, talked_s: float, outside: str
) -> WaitEnd | Handover:
    if outside:
        record.transferred(outside, talked_s)
    else:
        record.talked(talk.extension, talked_s)
    onward = talk.handed_over()
    if onward is not None and not session.gone:
        return onward
    await record.end(Outcome.ANSWERED, hung_up_by(session, centre))
    if talk.extension and record.queue in centre.queues:
        await centre.router.wrap_up_until(talk.extension, centre.clock() + centre.queues[record.queue].wrap_up_s)
    return WaitEnd.TALKED
