"""One offer: the agent's phone rings, the two talk, and what came of it is durable before the agent is free."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from acd.model import Miss, Offer
from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.record import CallRecord
from agi_scripts.talk import Handover, Talk
from agi_scripts.talk_recording import note_recorded, record_next
from crm_bridge.outcome import HangupBy, Outcome
from ivr.agi.session import AgiSession

# m: music to the caller while the phone rings; g: go on here when the agent hangs up; i: a phone's 302 is ignored;
# U: the whisper, on the agent's leg, before the two are joined.
_DIAL_OPTIONS = "mgiU(hotline-whisper)"
# F: where the agent's leg goes on when the caller has hung up.
_WRAP_UP = "F(hotline-wrapup^s^1)"
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
    """How the wait ended. Only after TIMED_OUT and OVERFLOWED is there still a caller to talk to."""

    TALKED = "talked"
    ABANDONED = "abandoned"
    TIMED_OUT = "timed_out"
    OVERFLOWED = "overflowed"  # the queue has passed the call on to the flow
    CALLBACK = "callback"  # the caller is to be called back, and has hung up or been let go
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


def whisper(record: CallRecord, centre: Centre, queue: str) -> str:
    """The sound files for the agent's ear: which queue, which language, which advert."""
    keys = (
        f"whisper_queue_{queue}",
        f"whisper_lang_{record.language}",
        f"whisper_source_{record.tag.source}",
    )
    return "&".join(centre.prompt_path(key, centre.default_language) for key in keys if centre.has_prompt(key))


async def ring(session: AgiSession, record: CallRecord, centre: Centre, offer: Offer) -> WaitEnd | Handover | None:
    """One offer, from the reservation to the end of the conversation or back to the queue (None)."""
    if session.gone:  # Asterisk would let a dead channel dial all the same
        return gone(session)
    if not await centre.router.ringing(offer):
        return None
    record.offered(offer.agent)
    centre.live.dialled[record.channel] = (record, offer)
    talk = centre.live.talks[offer.agent] = Talk(record, offer.agent)
    try:
        await record_next(session, talk, centre)
        ring_s = centre.queues[offer.queue].offer_s
        options = _DIAL_OPTIONS + (_WRAP_UP if centre.dispositions.get(offer.queue) else "")
        await session.execute("Dial", f"PJSIP/{offer.agent},{ring_s:.0f},{options}")
    finally:
        del centre.live.dialled[record.channel]
        if centre.live.talks.get(offer.agent) is talk:
            del centre.live.talks[offer.agent]
    end = DialEnd.of(*await session.full_variable(*TOLD_OF_DIAL))
    if session.cut:
        await centre.router.missed(offer, Miss.WITHDRAWN)
        return WaitEnd.CUT
    if end.talked_s is None:
        return await _missed(session, record, centre, offer, end)
    note_recorded(talk)
    centre.live.last_talks[offer.agent] = (record.call_id, offer.queue)
    if talk.handover is not None and not session.gone:
        return await _handed_over(record, centre, offer, end, talk.handover)
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
    by = hung_up_by(session, centre)
    await record.end(Outcome.ANSWERED, by, cause=end.cause)
    await centre.router.finished(offer, by.value)


async def _handed_over(record: CallRecord, centre: Centre, offer: Offer, end: DialEnd, handover: Handover) -> Handover:
    """The agent is done with the caller, and the caller is not with us."""
    await centre.router.answered(offer)
    record.talked(offer.agent, end.talked_s or 0.0)
    await centre.router.finished(offer, "agent")
    return handover


def hung_up_by(session: AgiSession, centre: Centre) -> HangupBy:
    """Who has ended a conversation that is over now."""
    return HangupBy.SYSTEM if centre.live.closing else HangupBy.CALLER if session.gone else HangupBy.AGENT


def gone(session: AgiSession) -> WaitEnd:
    return WaitEnd.CUT if session.cut else WaitEnd.ABANDONED
