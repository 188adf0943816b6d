"""What an agent may do in the midst of a conversation, by keys on their own leg: *37 pauses the recording and resumes
it, *41 passes the caller on, *42 asks somebody first. The caller hears music meanwhile; none of it works on their leg.

Asterisk runs this on the agent's channel (features.conf, `hotline-leg` in the dialplan); when it returns, the two hear
each other again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from acd.model import PhoneState, Presence
from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.consulting import choose
from agi_scripts.endpoint import calling_extension
from agi_scripts.talk import Consultation, Destination, Handover, Talk
from agi_scripts.talk_recording import pause_or_resume
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.voice import Ended

log = logging.getLogger(__name__)

RECORDING, PASS_ON, ASK_FIRST = "37", "41", "42"
_KEY_OVER_S = 0.1
_FORGOTTEN_S = 3600.0  # longer than any consultation
_NOT_THERE = "leg_not_there"


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
    """Attended: the agent's leg leaves the caller, who hears music, and goes on in `serve_consult`."""
    to = await _whereto(voice, centre)
    if to is None or not await _can_take(to, centre, talk):
        return _NOT_THERE
    if to.agent and (await centre.router.agent(to.agent)).phone is not PhoneState.FREE:
        return _NOT_THERE
    token = session.request.uniqueid
    consultation = Consultation(to, talk.extension, talk.record)
    centre.live.consultations[token] = consultation
    await session.set_variables({f"__{variables.CONSULT}": token})
    talk.handover = Handover(to, talk.extension, consultation)
    centre.live.spawn(_leave_caller(session.request.channel, centre, talk, token))
    return ""


async def _leave_caller(channel: str, centre: Centre, talk: Talk, token: str) -> None:
    """A leg can be sent elsewhere only when its key's work is over: in the midst of it Asterisk would hang it up."""
    await asyncio.sleep(_KEY_OVER_S)
    try:
        if not await centre.console.redirect(channel, "hotline-consult"):
            talk.handover = None
            choose(centre.live.consultations[token], None, centre)
    finally:
        await asyncio.sleep(_FORGOTTEN_S)
        centre.live.consultations.pop(token, None)


async def _whereto(voice: AgiVoice, centre: Centre) -> Destination | None:
    heard = await voice.ask(["leg_to"], first_digit_s=8, inter_digit_s=4, max_digits=8)
    return centre.destinations.get(heard.keys) if heard.ended is Ended.KEYS else None


async def _can_take(to: Destination, centre: Centre, talk: Talk) -> bool:
    """Nobody is sent to somebody who has gone home, and nobody to where they are."""
    if to.queue:
        return centre.router.look(to.queue).staffed > 0
    if to.outside:
        return True
    return to.agent != talk.extension and (await centre.router.agent(to.agent)).presence is Presence.AVAILABLE


_ACTS: dict[str, Callable[[AgiSession, AgiVoice, Centre, Talk], Awaitable[str]]] = {
    RECORDING: pause_or_resume,
    PASS_ON: _pass_on,
    ASK_FIRST: _ask_first,
}
