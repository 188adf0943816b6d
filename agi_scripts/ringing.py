"""One offer: the agent's phone rings, the two talk, and what came of it is durable before the agent is free."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from acd.model import Miss, Offer
from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.record import CallRecord
from agi_scripts.standing import CALLER_PROMPT
from agi_scripts.talk import Handover, Talk
from agi_scripts.talk_recording import note_recorded, record_next
from crm_bridge.outcome import HangupBy, Outcome
from ivr.agi.session import AgiSession
from ivr.spoken import SpokenKind, Unspeakable
from ivr.spoken.value import spoken

# m: music to the caller while the phone rings; g: go on here when the agent hangs up; i: a phone's 302 is ignored;
# U: the whisper, on the agent's leg, before the two are joined.
_DIAL_OPTIONS = "mgiU(hotline-whisper)"
# F: where the agent's leg goes on when the caller has hung up.
_WRAP_UP = "F(hotline-wrapup^s^1)"
# What DialEnd is made of.
TOLD_OF_DIAL = ("DIALSTATUS", variables.TALKED_MS, "HANGUPCAUSE", "DIALEDPEERNUMBER")
# What Dial says when the phone did not take the call. CANCEL: our caller left while it rang.
_MISSES = {
    "NOANSWER": Miss.NO_ANSWER,
    "BUSY": Miss.REJECTED,
    "CONGESTION": Miss.REJECTED,
    "CHANUNAVAIL": Miss.UNREACHABLE,
    "CANCEL": Miss.WITHDRAWN,
}


_NAME_S, _LONGEST_NAME = 0.3, 40


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
    """What Asterisk tells of one Dial. ``talked_s`` is None when nobody was joined to the caller. ``picked_up``: by
    whom, or ''."""

    status: str
    talked_s: float | None
    cause: str
    picked_up: str = ""

    @classmethod
    def of(cls, status: str, talked_ms: str, cause: str, dialled: str) -> DialEnd:
        return cls(status, float(talked_ms) / 1000 if talked_ms.isdecimal() else None, cause, dialled)

    @property
    def miss(self) -> Miss:
        return _MISSES.get(self.status, Miss.REJECTED)


async def whisper(record: CallRecord, centre: Centre, queue: str) -> str:
    """The sound files for the agent's ear: which queue, which language, which advert; and who calls, as far as the CRM
    knows them: their name, their tier, a promise to them that was broken."""
    call = (f"whisper_queue_{queue}", f"whisper_lang_{record.language}", f"whisper_source_{record.tag.source}")
    who = record.who
    standing = (f"whisper_tier_{who.tier}", *(("whisper_broken_promise",) if who.broken_promises else ()))
    files = _there(call, centre)
    if (caller := _there((CALLER_PROMPT,), centre)) and (name := await _name(who.name, centre)):
        files += [*caller, name]
    return "&".join((*files, *_there(standing, centre)))


def _there(keys: Sequence[str], centre: Centre) -> list[str]:
    return [centre.prompt_path(key, centre.default_language) for key in keys if centre.has_prompt(key)]


async def _name(name: str, centre: Centre) -> str:
    """'' for one that cannot be said soon: the caller's place in line is more than their name."""
    try:
        async with asyncio.timeout(_NAME_S):
            said = await centre.utter(spoken(SpokenKind.TEXT, name[:_LONGEST_NAME]), centre.default_language)
    except (TimeoutError, Unspeakable):
        return ""
    return said or ""


def confirmation(centre: Centre, queue: str) -> str:
    """The sound file that asks the agent to take the call by a key; '' where it is theirs as they pick up."""
    return centre.prompt_path("whisper_confirm", centre.default_language) if centre.queues[queue].confirm else ""


async def ring(session: AgiSession, record: CallRecord, centre: Centre, offer: Offer) -> WaitEnd | Handover | None:
    """One offer, from the reservation to the end of the conversation or back to the queue (None)."""
    if session.gone:  # Asterisk would let a dead channel dial all the same
        return gone(session)
    if not await centre.router.ringing(offer):
        return None
    offers = [offer, *await centre.router.beside(offer, centre.queues[offer.queue].parallel - 1)]
    talks = {one.agent: Talk(record, one.agent) for one in offers}
    for agent in talks:
        record.offered(agent)
    centre.live.dialled[record.channel] = (record, {one.agent: one for one in offers})
    centre.live.talks.update(talks)
    try:
        await record_next(session, record, talks.values(), centre)
        ring_s = centre.queues[offer.queue].offer_s
        options = _DIAL_OPTIONS + (_WRAP_UP if centre.dispositions.get(offer.queue) else "")
        await session.execute("Dial", f"{'&'.join(f'PJSIP/{agent}' for agent in talks)},{ring_s:.0f},{options}")
    finally:
        del centre.live.dialled[record.channel]
        for agent, talk in talks.items():
            if centre.live.talks.get(agent) is talk:
                del centre.live.talks[agent]
    end = DialEnd.of(*await session.full_variable(*TOLD_OF_DIAL))
    if session.cut:
        await centre.router.missed(offer, Miss.WITHDRAWN)
        return WaitEnd.CUT
    picked_up = next((one for one in offers if one.agent == end.picked_up), None)
    if end.talked_s is None:
        return await _missed(session, record, centre, offers, picked_up, end)
    return await _conversation(session, centre, talks, picked_up or offer, end)


async def _conversation(
    session: AgiSession, centre: Centre, talks: Mapping[str, Talk], offer: Offer, end: DialEnd
) -> WaitEnd | Handover:
    talk = talks[offer.agent]
    note_recorded(talk)
    centre.live.last_talks[offer.agent] = (talk.record.call_id, offer.queue)
    if talk.handover is not None and not session.gone:
        return await _handed_over(talk.record, centre, offer, end, talk.handover)
    await _talked(session, talk.record, centre, offer, end)
    return WaitEnd.TALKED


async def _missed(
    session: AgiSession,
    record: CallRecord,
    centre: Centre,
    offers: Sequence[Offer],
    picked_up: Offer | None,
    end: DialEnd,
) -> WaitEnd | None:
    """Of phones that rang together, one that was picked up without a conversation is the only one that has missed."""
    miss = Miss.WITHDRAWN if session.gone else end.miss
    if picked_up is not None and len(offers) > 1:
        await centre.router.answered(picked_up)
        offers = [picked_up]
    for one in offers:
        record.missed(one.agent, miss.value, waits_on=not session.gone)
    await centre.router.missed(offers[0], miss)
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
