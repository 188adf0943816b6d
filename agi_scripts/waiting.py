"""From the queue to the conversation: the caller hears music until an agent is found (`ringing.py` does the rest).

The wait is always interruptible: the router wakes the pending AGI command with the DTMF digit D, and what counts
is then the ticket, never the digit: a caller who sends a D of their own only goes on waiting.
"""

from __future__ import annotations

from dataclasses import replace

from acd.events import LeftFor
from acd.model import WaitingCall
from acd.overflow import Onward
from acd.router import Ticket
from agi_scripts import variables
from agi_scripts.announcing import ANYONE_KEY, CALLBACK_KEY, Announcer, WaitingRules, key_of
from agi_scripts.callback_offer import take_callback
from agi_scripts.centre import Centre
from agi_scripts.contact import pack_attributes
from agi_scripts.handing_over import back_to, hand_over
from agi_scripts.record import CallRecord
from agi_scripts.ringing import WaitEnd, confirmation, gone, ring, whisper
from agi_scripts.talk import Handover
from agi_scripts.talk_recording import ask_consent
from crm_bridge.numbers import e164
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.flow.interpreter import QueueFor
from ivr.voice import SILENCE, Ended, Heard

# One look around per this many seconds even when nobody wakes us. A lost wake costs at most this.
_LISTEN_S = 20.0
_ONLY_MUSIC = WaitingRules()
_LEFT_FOR = {
    WaitEnd.ABANDONED: LeftFor.ABANDONED,
    WaitEnd.TIMED_OUT: LeftFor.TIMED_OUT,
    WaitEnd.CALLBACK: LeftFor.CALLBACK,
}
WITHDRAWN, MOVED = "withdrawn", "moved"  # why a call leaves its queue, when somebody at the console has done it


async def wait_for_agent(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, wish: QueueFor
) -> WaitEnd:
    """Queue, ring, talk. Returns when the conversation is over (its outcome is then durable), when the caller
    has left, or when the queue gave up on an agent. A queue may pass the call on to another one, with its place; an
    agent may pass it on to whomever they like, and it comes back to this queue if nobody is there."""
    return await _until_it_ends(session, voice, record, centre, wish, None)


async def wait_with(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, wish: QueueFor, ticket: Ticket
) -> WaitEnd:
    """The same for a call that has its place in line already, and an agent held for it maybe."""
    ticket.tag = record.channel
    return await _until_it_ends(session, voice, record, centre, wish, ticket)


async def _until_it_ends(
    session: AgiSession,
    voice: AgiVoice,
    record: CallRecord,
    centre: Centre,
    wish: QueueFor,
    ticket: Ticket | None,
) -> WaitEnd:
    been: frozenset[str] = frozenset()
    home: QueueFor | None = None  # where a call that is on its way from one agent to the next came from
    while True:
        end: LineEnd | QueueFor = await _wait_in_line(session, voice, record, centre, wish, been, ticket)
        ticket = None
        while isinstance(end, Handover):
            home = back_to(home or wish, end)
            end = await hand_over(session, voice, record, centre, wish, end)
        if isinstance(end, Onward) and not end.queue:
            end = WaitEnd.TIMED_OUT if end.why == WITHDRAWN else WaitEnd.OVERFLOWED
        if home is not None and end is WaitEnd.TIMED_OUT:
            end, home = home, None
        if isinstance(end, WaitEnd):
            return end
        been = been | {wish.queue} if isinstance(end, Onward) else frozenset()
        wish = end if isinstance(end, QueueFor) else _onward(wish, end)


def _onward(wish: QueueFor, to: Onward) -> QueueFor:
    return replace(wish, queue=to.queue, agent="", wait_s=None, preferred=())


LineEnd = WaitEnd | Onward | Handover


async def _wait_in_line(
    session: AgiSession,
    voice: AgiVoice,
    record: CallRecord,
    centre: Centre,
    wish: QueueFor,
    been: frozenset[str],
    ticket: Ticket | None = None,
) -> LineEnd:
    """One queue. ``ticket``: the place that the call has already."""
    await ask_consent(voice, record, centre, wish.queue)
    if ticket is None:
        ticket = await _join(session, record, centre, wish, been)
    why = LeftFor.CUT
    try:
        end = await _until_over(session, voice, record, centre, ticket)
        why = _left_for(end)
        return end
    finally:
        await centre.router.leave(ticket, why)


def _left_for(end: LineEnd) -> LeftFor:
    return _LEFT_FOR.get(end, LeftFor.CUT) if isinstance(end, WaitEnd) else LeftFor.SENT_ON


async def _until_over(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, ticket: Ticket
) -> LineEnd:
    announcer = Announcer(centre.waiting.get(ticket.call.queue, _ONLY_MUSIC), centre, ticket)
    while True:
        if ticket.offer is not None:
            end = await ring(session, record, centre, ticket.offer)
        elif ticket.timed_out or centre.live.draining:
            return WaitEnd.TIMED_OUT
        elif ticket.onward is not None:
            record.sent_on(ticket.onward.queue, ticket.onward.why)
            return ticket.onward
        else:
            end = await _listen(session, voice, record, centre, ticket, announcer)
        if end is not None:
            return end


async def _join(
    session: AgiSession, record: CallRecord, centre: Centre, wish: QueueFor, been: frozenset[str]
) -> Ticket:
    """Everything a new engine would need to give the place back goes on the channel before the place is taken."""
    returning = (
        record.joined_at is not None and record.queue == wish.queue and record.gave_up is None and not record.legs
    )
    whispered = await whisper(record, centre, wish.queue)  # first: it may take a moment, and who has a place is in line
    now = centre.clock()
    joined_at = record.joined_at if record.joined_at is not None else _first_joined(record, centre, wish, now)
    entered_at = joined_at if returning else now
    record.attributes = dict(wish.attributes)
    await session.set_variables(
        {
            variables.JOINED: str(int(joined_at * 1000)),
            variables.QUEUE: wish.queue,
            variables.PRIORITY: str(wish.priority),
            variables.ATTRIBUTES: pack_attributes(record.attributes),
            variables.LANGUAGE: record.language,
            variables.AGENT: wish.agent,
            variables.WAIT_UNTIL: "" if wish.wait_s is None else str(int((entered_at + wish.wait_s) * 1000)),
            f"_{variables.WHISPER}": whispered,  # _: the leg that Dial makes inherits it
            f"_{variables.CONFIRM}": confirmation(centre, wish.queue),
        }
    )
    record.joined(wish.queue, joined_at, wish.priority)
    call = WaitingCall(
        record.call_id,
        wish.queue,
        joined_at,
        wish.priority,
        record.attributes,
        entered_at,
        agent=wish.agent,
        wait_s=wish.wait_s,
        preferred=wish.preferred,
        been=been,
        returned=returning,
    )
    return await centre.router.join(call, tag=record.channel)


def _first_joined(record: CallRecord, centre: Centre, wish: QueueFor, now: float) -> float:
    """Now; or when a caller who was cut off a moment ago had joined."""
    regained = centre.regained.take(e164(record.ani, centre.country) or "", wish.queue, now)
    if regained is None:
        return now
    record.regained_s = now - regained
    return regained


async def _listen(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, ticket: Ticket, announcer: Announcer
) -> WaitEnd | None:
    """Music and announcements, until something has come of the wait or the caller has gone."""
    rules = centre.waiting.get(ticket.call.queue, _ONLY_MUSIC)
    while ticket.waits and not centre.live.draining:
        heard = await _hear(voice, centre, ticket, announcer, rules.music)
        if heard.ended is Ended.GONE:
            return gone(session)
        key = key_of(heard, announcer.offered)
        if key == ANYONE_KEY:
            await centre.router.relax(ticket)
        elif key == CALLBACK_KEY and await take_callback(voice, record, centre, ticket, rules.callback):
            return WaitEnd.CALLBACK
    return None


async def _hear(voice: AgiVoice, centre: Centre, ticket: Ticket, announcer: Announcer, music: str) -> Heard:
    """The next announcement, if it is due; else music, up to the next one."""
    ticket.listening = True
    try:
        if announcer.due is not None and centre.clock() >= announcer.due:
            return await announcer.speak(voice)
        await voice.music(True, music)
        if not ticket.waits:  # while the music was switched on
            return SILENCE
        rest_s = _LISTEN_S if announcer.due is None else min(_LISTEN_S, announcer.due - centre.clock())
        return await voice.wait(max(0.05, rest_s))
    finally:
        ticket.listening = False
