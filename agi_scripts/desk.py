"""The agent's desk on a keypad: *30 to *35 and *39 (`agent_desk.py`), *36 (`wrap_up.py`), *38 (`ring_back.py`); and for
supervisors *40 (`supervising.py`), *51 (`recording_desk.py`),
*52 and *53 (`line_desk.py`).

Who calls is what the phone has proved with its SIP secret (the endpoint in the channel's name), never a caller id.
Every answer is spoken, in the agent's own language.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agi_scripts import agent_desk, variables
from agi_scripts.centre import Centre
from agi_scripts.endpoint import calling_extension
from agi_scripts.line_desk import close_line, open_line
from agi_scripts.proof import GONE
from agi_scripts.recording_desk import record_prompt
from agi_scripts.ring_back import ring_back
from agi_scripts.supervising import supervise
from agi_scripts.wrap_up import dispose_last
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice


async def serve_desk(session: AgiSession, centre: Centre) -> None:
    """One feature-code call. Ends with HOTLINE_NEXT=desk_done; the dialplan hangs up."""
    takes = centre.studio.takes if centre.studio is not None else None
    voice = AgiVoice(session, centre.prompt_path, centre.utter, takes)
    voice.speak_language(_language(session, centre))
    await session.command("ANSWER")
    answer = await _answer(session, centre, voice)
    if answer != GONE:
        await voice.play([answer], barge_in=False)
    await session.set_variables({variables.NEXT: "desk_done"})


def _language(session: AgiSession, centre: Centre) -> str:
    known = centre.credentials.get(calling_extension(session.request.channel))
    return (known.language if known is not None else "") or centre.default_language


async def _answer(session: AgiSession, centre: Centre, voice: AgiVoice) -> str:
    """Do what the code asks; the key of the prompt that says how it went, or GONE."""
    extension = calling_extension(session.request.channel)
    code = session.request.args[0] if session.request.args else ""
    if extension not in centre.agents:
        return "desk_refused"
    if code in _ACTS:
        return await _ACTS[code](extension, centre, voice)
    if code == _RING_BACK:
        return await ring_back(session, extension, centre, voice)
    if code.startswith(_SUPERVISE):
        return await supervise(session, extension, centre, voice, code.removeprefix(_SUPERVISE))
    if code.startswith(_PAUSE):
        return await agent_desk.pause(extension, centre, voice, code.removeprefix(_PAUSE))
    return "desk_refused"


_PAUSE = "33"  # the reason's digit may follow
_RING_BACK = "38"
_SUPERVISE = "40"  # the agent's extension follows
_ACTS: dict[str, Callable[[str, Centre, AgiVoice], Awaitable[str]]] = {
    "30": agent_desk.toggle,
    "31": agent_desk.log_in,
    "32": agent_desk.log_out,
    "34": agent_desk.ready,
    "35": agent_desk.how_do_i_stand,
    "36": dispose_last,
    "39": agent_desk.wrap_up_longer,
    "51": record_prompt,
    "52": close_line,
    "53": open_line,
}
