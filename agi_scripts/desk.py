"""The agent's desk on a keypad: *31 log in (with PIN), *32 log out, *33<reason> pause, *34 ready again; and for
supervisors *51 (`recording_desk.py`), *52 and *53 (`line_desk.py`).

Who calls is what the phone has proved with its SIP secret (the endpoint in the channel's name), never a caller id.
Every answer is spoken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.endpoint import calling_extension
from agi_scripts.line_desk import close_line, open_line
from agi_scripts.proof import GONE, refuted
from agi_scripts.recording_desk import record_prompt
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice


async def serve_desk(session: AgiSession, centre: Centre) -> None:
    """One feature-code call. Ends with HOTLINE_NEXT=desk_done; the dialplan hangs up."""
    takes = centre.studio.takes if centre.studio is not None else None
    voice = AgiVoice(session, centre.prompt_path, centre.utter, takes)
    voice.speak_language(centre.default_language)
    await session.command("ANSWER")
    answer = await _answer(session, centre, voice)
    if answer != GONE:
        await voice.play([answer], barge_in=False)
    await session.set_variables({variables.NEXT: "desk_done"})


async def _answer(session: AgiSession, centre: Centre, voice: AgiVoice) -> str:
    """Do what the code asks; the key of the prompt that says how it went, or GONE."""
    extension = calling_extension(session.request.channel)
    code = session.request.args[0] if session.request.args else ""
    if extension not in centre.agents:
        return "desk_refused"
    if code in _WITH_PIN:
        return await _WITH_PIN[code](extension, centre, voice)
    for prefix, act in _ACTS.items():
        if code.startswith(prefix):
            return await act(centre, extension, code.removeprefix(prefix))
    return "desk_refused"


async def _log_in(extension: str, centre: Centre, voice: AgiVoice) -> str:
    refusal = await refuted(extension, centre, voice)
    if refusal is not None:
        return refusal
    return "desk_logged_in" if await centre.router.log_in(extension) else "desk_already"


async def _log_out(centre: Centre, extension: str, _: str) -> str:
    return "desk_logged_out" if await centre.router.log_out(extension) else "desk_already"


async def _pause(centre: Centre, extension: str, reason: str) -> str:
    return "desk_paused" if await centre.router.pause(extension, reason or "0") else "desk_refused"


async def _ready(centre: Centre, extension: str, _: str) -> str:
    return "desk_ready" if await centre.router.ready(extension) else "desk_already"


_WITH_PIN: dict[str, Callable[[str, Centre, AgiVoice], Awaitable[str]]] = {
    "31": _log_in,
    "51": record_prompt,
    "52": close_line,
    "53": open_line,
}
_ACTS: dict[str, Callable[[Centre, str, str], Awaitable[str]]] = {
    "32": _log_out,
    "33": _pause,
    "34": _ready,
}
