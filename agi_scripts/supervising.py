"""*40 and an extension, from a supervisor's phone: listen to a conversation, whisper to the agent, speak to both, take
the caller over, log the agent out. Each act is written down with who and whom before it begins.
"""

from __future__ import annotations

from acd.model import Engagement
from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.proof import GONE, refuted
from agi_scripts.talk import Consultation, Destination, Handover, Party, Talk
from crm_bridge.journal import Entry
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.voice import Ended

SUPERVISED = "supervised"
# q: no beeps; E: ends with the conversation; S: ends where there is none; x: star leads back to the menu (its own work,
# the next channel, is given to a key that nobody presses: c).
_SPY = "qESx(*)c(9)"
_SPY_ACTS = {"1": ("listen", ""), "2": ("whisper", "w"), "3": ("barge", "B")}
_TAKE_OVER, _LOG_OUT = "4", "5"
_MENU_S = 10.0
_TO_BE_JOINED_S = 20.0


async def supervise(session: AgiSession, extension: str, centre: Centre, voice: AgiVoice, whom: str) -> str:
    """The key of the prompt that says how it ended, or GONE."""
    if not centre.credentials[extension].supervisor or whom not in centre.agents or whom == extension:
        return "desk_refused"
    refusal = await refuted(extension, centre, voice)
    if refusal is not None:
        return refusal
    while True:
        heard = await voice.ask(["supervise_menu"], first_digit_s=_MENU_S, inter_digit_s=4, max_digits=1)
        if heard.ended is Ended.GONE:
            return GONE
        if heard.ended is Ended.SILENCE or heard.keys == "*":
            return "desk_that_is_all"
        answer = await _act(session, extension, centre, voice, whom, heard.keys)
        if answer is not None:
            return answer


async def _act(session: AgiSession, extension: str, centre: Centre, voice: AgiVoice, whom: str, key: str) -> str | None:
    """None: back to the menu."""
    if key == _LOG_OUT:
        _audit(centre, extension, "log_out", whom, "")
        return "desk_done" if await centre.router.log_out(whom) else "desk_already"
    talk = centre.live.talks.get(whom)
    if talk is None or (await centre.router.agent(whom)).engagement is not Engagement.TALKING:
        await voice.play(["supervise_no_talk"])
        return None
    leg = talk.channel or await centre.console.variable(talk.record.channel, variables.LEG)
    if key in _SPY_ACTS and leg:
        act, option = _SPY_ACTS[key]
        _audit(centre, extension, act, whom, talk.record.call_id)
        await session.execute("ChanSpy", f"{leg},{_SPY}{option}")
        return GONE if session.gone else None
    if key == _TAKE_OVER and leg:
        return await _take_over(session, extension, centre, voice, talk, leg)
    return None


async def _take_over(session: AgiSession, extension: str, centre: Centre, voice: AgiVoice, talk: Talk, leg: str) -> str:
    """The agent's leg ends, and the caller is joined to this one."""
    me = Destination(agent=extension)
    _audit(centre, extension, "take_over", talk.extension, talk.record.call_id)
    consultation = Consultation(me, talk.extension, talk.record)
    consultation.choose(Party(session.request.channel, me))
    talk.handover = Handover(me, extension, consultation)
    if not await centre.console.hangup(leg):
        talk.handover = None
        return "desk_refused"
    await voice.wait(_TO_BE_JOINED_S)
    return GONE


def _audit(centre: Centre, extension: str, act: str, whom: str, call_id: str) -> None:
    fields = {"agent": extension, "act": act, "whom": whom, "call": call_id}
    centre.journal.append_soon(Entry("", SUPERVISED, centre.clock(), fields))
