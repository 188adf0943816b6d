"""What an agent may do in the midst of a conversation, by keys on their own leg: *41 passes the caller on, *42 asks
somebody first. The caller hears music meanwhile, and none of it can be done from the caller's leg.

Asterisk runs this on the agent's channel (features.conf, `hotline-leg` in the dialplan); when it returns, the two hear
each other again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from acd.model import PhoneState, Presence
from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.endpoint import calling_extension
from agi_scripts.talk import Consultation, Destination, Handover, Talk
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.voice import Ended

log = logging.getLogger(__name__)

PASS_ON, ASK_FIRST = "41", "42"
_NOT_THERE = "leg_not_there"
_CONSULT_RING_S = 25
_CONSULTED_WAIT_S = 20.0


async def serve_leg(session: AgiSession, centre: Centre) -> None:
    """One code, pressed in a conversation."""
    extension = calling_extension(session.request.channel)
    talk = centre.live.talks.get(extension)
    code = session.request.args[0] if session.request.args else ""
    if talk is None or code not in _ACTS:
        return
    talk.channel = session.request.channel
    voice = AgiVoice(session, centre.prompt_path, centre.utter)
    voice.speak_language(centre.credentials[extension].language or centre.default_language)
    answer = await _ACTS[code](session, voice, centre, talk)
    if answer and not session.gone:
        await voice.play([answer])


async def _pass_on(session: AgiSession, voice: AgiVoice, centre: Centre, talk: Talk) -> str:
    """Blind: the agent's leg ends, and the caller goes where they were sent."""
    to = await _whereto(voice, centre)
    if to is None or not await _can_take(to, centre, talk):
        return _NOT_THERE
    talk.handover = Handover(to, talk.extension)
    await session.command("HANGUP")
    return ""


async def _ask_first(session: AgiSession, voice: AgiVoice, centre: Centre, talk: Talk) -> str:
    """Attended: the agent talks with them alone. An agent who hangs up then hands the caller over; *0, or the other one's
    hanging up, leads back to the caller. A queue cannot be asked."""
    to = await _whereto(voice, centre)
    if to is None or to.queue or not await _can_take(to, centre, talk):
        return _NOT_THERE
    if to.agent and (await centre.router.agent(to.agent)).phone is not PhoneState.FREE:
        return _NOT_THERE
    consultation = talk.consultation = Consultation(to)
    token = session.request.uniqueid
    centre.live.consultations[token] = consultation
    try:
        await session.set_variables({f"__{variables.CONSULT}": token})
        await session.execute("Dial", f"PJSIP/{_dialled(to, centre)},{_CONSULT_RING_S},{_options(to, centre)}")
    finally:
        if not session.gone:
            talk.consultation = None
        if consultation.channel.done() or not session.gone:
            centre.live.consultations.pop(token, None)
    return "leg_back"


async def serve_consulted(session: AgiSession, centre: Centre) -> None:
    """On the leg of who was asked, when the agent has hung up: they wait here to be joined to the caller."""
    token = session.request.args[0] if session.request.args else ""
    consultation = centre.live.consultations.pop(token, None)
    if consultation is None or consultation.channel.done():
        return
    consultation.channel.set_result(session.request.channel)
    voice = AgiVoice(session, centre.prompt_path, centre.utter)
    await voice.music(True)
    await voice.wait(_CONSULTED_WAIT_S)


async def _whereto(voice: AgiVoice, centre: Centre) -> Destination | None:
    heard = await voice.ask(["leg_to"], first_digit_s=8, inter_digit_s=4, max_digits=8)
    return centre.destinations.get(heard.keys) if heard.ended is Ended.KEYS else None


async def _can_take(to: Destination, centre: Centre, talk: Talk) -> bool:
    """Nobody is sent to somebody who has gone home, and nobody to where they are."""
    if not to.agent:
        return True
    return to.agent != talk.extension and (await centre.router.agent(to.agent)).presence is Presence.AVAILABLE


def _dialled(to: Destination, centre: Centre) -> str:
    return to.agent or centre.outside_numbers.by_name[to.outside].dialled


def _options(to: Destination, centre: Centre) -> str:
    """g: back here when they hang up; H: *0 ends it; F: where their leg goes when the agent hangs up; i: no 302. A talk
    outside of the house has its limit (S), and shows one of our numbers (f)."""
    limit = f"S({centre.outside_numbers.max_talk_s})f({next(iter(centre.numbers))})" if to.outside else ""
    return f"giHF(hotline-consulted^s^1){limit}"


_ACTS: dict[str, Callable[[AgiSession, AgiVoice, Centre, Talk], Awaitable[str]]] = {
    PASS_ON: _pass_on,
    ASK_FIRST: _ask_first,
}
