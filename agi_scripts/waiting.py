"""From the queue to the conversation: the caller hears music, an agent is found, the phone rings, they talk.

The wait is always interruptible: the router wakes the pending AGI command with the DTMF digit D, and what counts
is then the ticket, never the digit: a caller who sends a D of their own only goes on waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from acd.model import Miss, Offer, WaitingCall
from acd.router import Ticket
from agi_scripts import variables
from agi_scripts.centre import Centre, LiveCalls
from agi_scripts.contact import pack_attributes
from agi_scripts.record import CallRecord
from crm_bridge.outcome import HangupBy, Outcome
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.flow.interpreter import QueueFor
from ivr.voice import Ended

# One look around per this many seconds even when nobody wakes us. A lost wake costs at most this.
_LISTEN_S = 20.0
# m: music to the caller while the phone rings; g: go on here when the agent hangs up; i: a phone's 302 is ignored;
# U: the whisper, on the agent's leg, before the two are joined.
_DIAL_OPTIONS = "mgiU(hotline-whisper)"
# What DialEnd is made of.
TOLD_OF_DIAL = ("DIALSTATUS", variables.TALKED_MS, "HANGUPCAUSE")
# What Dial says when the phone did not take the call. CANCEL: our caller left while it rang.
_MISSES = {
    "NOANSWER": Miss.NO_ANSWER,
    "BUSY": Miss.REJECTED,
    "CONGESTION": Miss.REJECTED,
    "CHANUNAVAIL": Miss.UNREACHABLE,
    "CANCEL": Miss.WITHDRAWN,
}


class WaitEnd(StrEnum):
    """How the wait ended. Only after TIMED_OUT is there still a caller to talk to."""

    TALKED = "talked"
    ABANDONED = "abandoned"
    TIMED_OUT = "timed_out"
    CUT = "cut"  # the line to Asterisk is gone: the call comes back or is found lost, so no outcome here


@dataclass(frozen=True, slots=True)
class DialEnd:
    """What Asterisk tells of one Dial. ``talked_s`` is None when nobody was joined to the caller."""

    status: str
    talked_s: float | None
    cause: str

    @classmethod
    def of(cls, status: str, talked_ms: str, cause: str) -> DialEnd:
        return cls(status, float(talked_ms) / 1000 if talked_ms.isdecimal() else None, cause)

    @property
    def miss(self) -> Miss:
        return _MISSES.get(self.status, Miss.REJECTED)


async def wait_for_agent(
    session: AgiSession, voice: AgiVoice, record: CallRecord, centre: Centre, wish: QueueFor
) -> WaitEnd:
    """Queue, ring, talk. Returns when the conversation is over (its outcome is then durable), when the caller
    has left, or when the queue gave up on an agent."""
    ticket = await _join(session, record, centre, wish)
    try:
        while True:
            if ticket.offer is not None:
                end = await _ring(session, record, centre, ticket.offer)
            elif ticket.timed_out or centre.live.draining:
                return WaitEnd.TIMED_OUT
            else:
                end = await _listen(session, voice, ticket, centre.live)
            if end is not None:
                return end
    finally:
        await centre.router.leave(ticket)


async def _join(session: AgiSession, record: CallRecord, centre: Centre, wish: QueueFor) -> Ticket:
    """Everything a new engine would need to give the place back goes on the channel before the place is taken."""
    returning = record.joined_at is not None and record.queue == wish.queue and record.gave_up is None
    now = centre.clock()
    joined_at = record.joined_at if record.joined_at is not None else now
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
            f"_{variables.WHISPER}": whisper(record, centre, wish.queue),  # _: the leg that Dial makes inherits it
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
    )
    return await centre.router.join(call, tag=record.channel)


def whisper(record: CallRecord, centre: Centre, queue: str) -> str:
    """The sound files for the agent's ear: which queue, which language, which advert."""
    keys = (
        f"whisper_queue_{queue}",
        f"whisper_lang_{record.language}",
        f"whisper_source_{record.tag.source}",
    )
    return "&".join(centre.prompt_path(key, centre.default_language) for key in keys if centre.has_prompt(key))


async def _listen(session: AgiSession, voice: AgiVoice, ticket: Ticket, live: LiveCalls) -> WaitEnd | None:
    await voice.music(True)
    while ticket.offer is None and not ticket.timed_out and not live.draining:
        ticket.listening = True
        heard = await voice.wait(_LISTEN_S)
        ticket.listening = False
        if heard.ended is Ended.GONE:
            return gone(session)
    return None


async def _ring(session: AgiSession, record: CallRecord, centre: Centre, offer: Offer) -> WaitEnd | None:
    """One offer, from the reservation to the end of the conversation or back to the queue (None)."""
    if session.gone:  # Asterisk would let a dead channel dial all the same
        return gone(session)
    if not await centre.router.ringing(offer):
        return None
    record.offered(offer.agent)
    centre.live.dialled[record.channel] = (record, offer)
    try:
        ring_s = centre.queues[offer.queue].offer_s
        await session.execute("Dial", f"PJSIP/{offer.agent},{ring_s:.0f},{_DIAL_OPTIONS}")
    finally:
        del centre.live.dialled[record.channel]
    end = DialEnd.of(*await session.full_variable(*TOLD_OF_DIAL))
    if session.cut:
        await centre.router.missed(offer, Miss.WITHDRAWN)
        return WaitEnd.CUT
    if end.talked_s is None:
        return await _missed(session, record, centre, offer, end)
    await _talked(session, record, centre, offer, end)
    return WaitEnd.TALKED


async def _missed(
    session: AgiSession, record: CallRecord, centre: Centre, offer: Offer, end: DialEnd
) -> WaitEnd | None:
    miss = Miss.WITHDRAWN if session.gone else end.miss
    record.missed(offer.agent, miss.value, waits_on=not session.gone)
    await centre.router.missed(offer, miss)
    return WaitEnd.ABANDONED if session.gone else None


async def _talked(session: AgiSession, record: CallRecord, centre: Centre, offer: Offer, end: DialEnd) -> None:
    """Durable before volatile: the outcome is in the journal before the agent is free."""
    await centre.router.answered(offer)
    record.talked(offer.agent, end.talked_s or 0.0)
    await record.end(Outcome.ANSWERED, hung_up_by(session, centre), cause=end.cause)
    await centre.router.finished(offer)


def hung_up_by(session: AgiSession, centre: Centre) -> HangupBy:
    """Who has ended a conversation that is over now."""
    return HangupBy.SYSTEM if centre.live.closing else HangupBy.CALLER if session.gone else HangupBy.AGENT


def gone(session: AgiSession) -> WaitEnd:
    return WaitEnd.CUT if session.cut else WaitEnd.ABANDONED
