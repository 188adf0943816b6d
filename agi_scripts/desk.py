"""The agent's desk on a keypad: *31 log in (with PIN), *32 log out, *33<reason> pause, *34 ready again.

Who calls is what the phone has proved with its SIP secret (the endpoint in the channel's name), never a caller id.
Every answer is spoken. No digit of a PIN is logged.
After five wrong PINs, over however many calls, the account rests for a quarter of an hour, the right PIN included.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable

from agi_scripts import variables
from agi_scripts.centre import Centre
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.voice import Ended

_ENDPOINT = re.compile(r"PJSIP/([0-9A-Za-z_-]+)-[0-9a-f]+$")
_PIN_TRIES = 3


async def serve_desk(session: AgiSession, centre: Centre) -> None:
    """One feature-code call. Ends with HOTLINE_NEXT=desk_done; the dialplan hangs up."""
    voice = AgiVoice(session, centre.prompt_path)
    voice.speak_language(centre.default_language)
    await session.command("ANSWER")
    answer = await _answer(session, centre, voice)
    if answer:
        await voice.play([answer], barge_in=False)
    await session.set_variables({variables.NEXT: "desk_done"})


async def _answer(session: AgiSession, centre: Centre, voice: AgiVoice) -> str:
    """Do what the code asks; the key of the prompt that says how it went ('' when the agent has hung up)."""
    extension = calling_extension(session.request.channel)
    code = session.request.args[0] if session.request.args else ""
    if extension not in centre.agents:
        return "desk_refused"
    if code == "31":
        return await _log_in(extension, centre, voice)
    for prefix, act in _ACTS.items():
        if code.startswith(prefix):
            return await act(centre, extension, code.removeprefix(prefix))
    return "desk_refused"


def calling_extension(channel: str) -> str:
    """``PJSIP/1001-0000002a`` → ``1001``; '' for anything else."""
    match = _ENDPOINT.match(channel)
    return match[1] if match else ""


async def _log_in(extension: str, centre: Centre, voice: AgiVoice) -> str:
    prompt = "desk_pin"
    for _ in range(_PIN_TRIES):
        heard = await voice.ask([prompt], first_digit_s=8, inter_digit_s=4, max_digits=12)
        if heard.ended is Ended.GONE:
            return ""
        if centre.pin_lock.locked(extension, centre.clock()):
            return "desk_locked"
        if _proved(centre, extension, heard.keys):
            return "desk_logged_in" if await centre.router.log_in(extension) else "desk_already"
        prompt = "desk_wrong_pin"
    return "desk_refused"


def _proved(centre: Centre, extension: str, keys: str) -> bool:
    if not keys:
        return False
    if hmac.compare_digest(keys.encode(), centre.credentials[extension].pin.encode()):
        centre.pin_lock.right(extension)
        return True
    centre.pin_lock.wrong(extension, centre.clock())
    return False


async def _log_out(centre: Centre, extension: str, _: str) -> str:
    return "desk_logged_out" if await centre.router.log_out(extension) else "desk_already"


async def _pause(centre: Centre, extension: str, reason: str) -> str:
    return "desk_paused" if await centre.router.pause(extension, reason or "0") else "desk_refused"


async def _ready(centre: Centre, extension: str, _: str) -> str:
    return "desk_ready" if await centre.router.ready(extension) else "desk_already"


_ACTS: dict[str, Callable[[Centre, str, str], Awaitable[str]]] = {
    "32": _log_out,
    "33": _pause,
    "34": _ready,
}
