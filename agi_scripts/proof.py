"""Asking an agent for their PIN. No digit of it is logged.

After five wrong PINs, over however many calls, the account rests for a quarter of an hour, the right PIN included.
"""

from __future__ import annotations

import hmac

from agi_scripts.centre import Centre
from ivr.agi_voice import AgiVoice
from ivr.voice import Ended

GONE = ""  # in the place of a prompt: nobody is there to hear one
_TRIES = 3


async def refuted(extension: str, centre: Centre, voice: AgiVoice) -> str | None:
    """None: the PIN is right. Otherwise the key of the prompt that says why not, or GONE."""
    prompt = "desk_pin"
    for _ in range(_TRIES):
        heard = await voice.ask([prompt], first_digit_s=8, inter_digit_s=4, max_digits=12)
        if heard.ended is Ended.GONE:
            return GONE
        if centre.pin_lock.locked(extension, centre.clock()):
            return "desk_locked"
        if _is_right(centre, extension, heard.keys):
            return None
        prompt = "desk_wrong_pin"
    return "desk_refused"


def _is_right(centre: Centre, extension: str, keys: str) -> bool:
    if not keys:
        return False
    if hmac.compare_digest(keys.encode(), centre.credentials[extension].pin.encode()):
        centre.pin_lock.right(extension)
        return True
    centre.pin_lock.wrong(extension, centre.clock())
    return False
