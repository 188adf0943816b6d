"""A consultation: the agent's leg and that of whom they ask, alone with each other while the caller hears music.

    the agent hangs up            who was asked has the caller
    *0, or the other hangs up     the agent has the caller again

Who asks a queue waits in it in the caller's place, until it gives somebody or a key leads back.
Whoever is to have the caller waits on their leg until the caller's own coroutine (`handing_over.py`) joins the two.
"""

from __future__ import annotations

import asyncio

from acd.events import LeftFor
from acd.model import Miss, Offer, WaitingCall
from acd.router import Ticket
from agi_scripts.centre import Centre
from agi_scripts.ringing import DialEnd
from agi_scripts.talk import Consultation, Destination, Party
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.voice import SILENCE, Ended

_RING_S = 25.0
_LEFT_ALONE_S = 3.0
_TO_BE_JOINED_S = 20.0
_LOOK_S = 2.0  # has the caller gone?


async def serve_consult(session: AgiSession, centre: Centre) -> None:
    """The agent's leg, from the caller to whom they ask, and back."""
    consultation = _of(session, centre)
    if consultation is None:
        return
    try:
        if consultation.asked.queue:
            await _ask_queue(session, centre, consultation)
        else:
            await _dial(session, centre, consultation, _dialled(consultation.asked, centre), _RING_S)
        if not session.gone:
            back = Party(session.request.channel, Destination(agent=consultation.by))
            await _wait_for_caller(session, centre, consultation, back)
    finally:
        choose(consultation, None, centre)  # whatever happened here, the caller does not wait for it


async def _dial(
    session: AgiSession, centre: Centre, consultation: Consultation, dialled: str, ring_s: float
) -> DialEnd:
    """From the ringing to the end of what the two had to say, or of the agent's part in it."""
    await session.execute("Dial", f"PJSIP/{dialled},{ring_s:.0f},{_options(consultation, centre)}")
    status, cause = await session.full_variable("DIALSTATUS", "HANGUPCAUSE")
    if session.gone and status == "ANSWER":
        consultation.left.set()
        await asyncio.sleep(_LEFT_ALONE_S)  # until the other leg is with us
    return DialEnd(status, None, cause)


async def _ask_queue(session: AgiSession, centre: Centre, consultation: Consultation) -> None:
    await asyncio.wait_for(consultation.alone.wait(), _TO_BE_JOINED_S)
    voice = AgiVoice(session, centre.prompt_path, centre.utter)
    ticket = await centre.router.join(_in_place_of(consultation, centre.clock()), tag=session.request.channel)
    try:
        while not _wait_is_over(ticket, consultation, centre):
            if ticket.offer is None:
                if await _listen(voice, ticket):
                    break
            elif await _ring(session, centre, consultation, ticket.offer):
                return
    finally:
        if consultation.offer is None:
            await centre.router.leave(ticket, LeftFor.SENT_ON)


def _in_place_of(consultation: Consultation, now: float) -> WaitingCall:
    record = consultation.record
    joined_at = now if record.joined_at is None else record.joined_at
    return WaitingCall(record.call_id, consultation.asked.queue, joined_at, 0, record.attributes, now)


def _wait_is_over(ticket: Ticket, consultation: Consultation, centre: Centre) -> bool:
    over = ticket.timed_out or ticket.onward is not None or ticket.closed
    return over or consultation.chosen.done() or centre.live.draining


async def _listen(voice: AgiVoice, ticket: Ticket) -> bool:
    """Music, until the queue gives somebody. True: the agent has pressed a key, or gone."""
    ticket.listening = True
    try:
        await voice.music(True)
        heard = await voice.wait(_LOOK_S) if ticket.waits else SILENCE
        return ticket.waits and heard.ended is not Ended.SILENCE
    finally:
        ticket.listening = False


async def _ring(session: AgiSession, centre: Centre, consultation: Consultation, offer: Offer) -> bool:
    """Whom the queue gives. True: they have talked; False: the agent waits on."""
    if not await centre.router.ringing(offer):
        return False
    consultation.offer = offer
    centre.live.dialled[session.request.channel] = (consultation.record, {offer.agent: offer})
    try:
        ring_s = centre.queues[offer.queue].offer_s
        end = await _dial(session, centre, consultation, offer.agent, ring_s)
    finally:
        del centre.live.dialled[session.request.channel]
    if end.status != "ANSWER":
        consultation.offer = None
        await centre.router.missed(offer, Miss.WITHDRAWN if session.gone else end.miss)
        return False
    if session.gone:
        choose(consultation, None, centre)
    party = consultation.chosen.result() if consultation.chosen.done() else None
    if party is None or party.offer is None:
        await centre.router.finished(offer)
    return True


async def serve_consulted(session: AgiSession, centre: Centre) -> None:
    """The leg of who was asked, when the two are apart: because the agent has hung up, or (*0) has gone back."""
    consultation = _of(session, centre)
    if consultation is not None and await _has_left(consultation):
        offer, channel = consultation.offer, session.request.channel
        who = consultation.asked if offer is None else Destination(agent=offer.agent)
        await _wait_for_caller(session, centre, consultation, Party(channel, who, offer))


async def _has_left(consultation: Consultation) -> bool:
    try:
        await asyncio.wait_for(consultation.left.wait(), _LEFT_ALONE_S)
    except TimeoutError:
        return False
    return True


async def _wait_for_caller(session: AgiSession, centre: Centre, consultation: Consultation, party: Party) -> None:
    if not choose(consultation, party, centre):
        return
    # Without music: Bridge would leave it playing on this leg. It is a moment only.
    await AgiVoice(session, centre.prompt_path, centre.utter).wait(_TO_BE_JOINED_S)


def choose(consultation: Consultation, party: Party | None, centre: Centre) -> bool:
    """False: it was decided already."""
    if not consultation.choose(party):
        return False
    centre.console.wake(consultation.record.channel)
    return True


def _of(session: AgiSession, centre: Centre) -> Consultation | None:
    token = session.request.args[0] if session.request.args else ""
    return centre.live.consultations.get(token)


def _dialled(to: Destination, centre: Centre) -> str:
    return to.agent or centre.outside_numbers.by_name[to.outside].dialled


def _options(consultation: Consultation, centre: Centre) -> str:
    """g: back here when they hang up; H: *0 ends it; F: where their leg goes when the agent hangs up; i: no 302. A talk
    outside of the house has its limit (S), and shows one of our numbers (f)."""
    outside = f"S({centre.outside_numbers.max_talk_s})f({next(iter(centre.numbers))})"
    return f"giHF(hotline-consulted^s^1){outside if consultation.asked.outside else ''}"
