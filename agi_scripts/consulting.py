"""A consultation: the agent's leg and that of whom they ask, alone with each other while the caller hears music.

    the agent hangs up            who was asked has the caller
    *0, or the other hangs up     the agent has the caller again

Whoever is to have the caller waits on their leg until the caller's own coroutine (`handing_over.py`) joins the two.
"""

from __future__ import annotations

import asyncio

from agi_scripts.centre import Centre
from agi_scripts.talk import Consultation, Destination, Party
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice

_RING_S = 25
_LEFT_ALONE_S = 3.0  # from the agent's hanging up to the other leg being with us
_TO_BE_JOINED_S = 20.0


async def serve_consult(session: AgiSession, centre: Centre) -> None:
    """The agent's leg, from the caller to whom they ask, and back."""
    consultation = _of(session, centre)
    if consultation is None:
        return
    await session.execute(
        "Dial", f"PJSIP/{_dialled(consultation.asked, centre)},{_RING_S},{_options(consultation, centre)}"
    )
    if session.gone:
        (status,) = await session.full_variable("DIALSTATUS")
        if status == "ANSWER":
            await asyncio.sleep(_LEFT_ALONE_S)
        choose(consultation, None, centre)
        return
    await _wait_for_caller(session, centre, consultation, Destination(agent=consultation.by))


async def serve_consulted(session: AgiSession, centre: Centre) -> None:
    """The leg of who was asked, when the agent has hung up."""
    consultation = _of(session, centre)
    if consultation is not None:
        await _wait_for_caller(session, centre, consultation, consultation.asked)


async def _wait_for_caller(session: AgiSession, centre: Centre, consultation: Consultation, who: Destination) -> None:
    if not choose(consultation, Party(session.request.channel, who), centre):
        return
    voice = AgiVoice(session, centre.prompt_path, centre.utter)
    await voice.music(True)
    await voice.wait(_TO_BE_JOINED_S)


def choose(consultation: Consultation, party: Party | None, centre: Centre) -> bool:
    """False: it was decided already."""
    if not consultation.choose(party):
        return False
    centre.console.wake(consultation.caller)
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
