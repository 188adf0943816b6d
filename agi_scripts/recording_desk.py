"""Recording a prompt by telephone: *51 from a supervisor's phone (with the PIN, then the prompt's number as
`hotline prompts list` shows it, then the language), or a phone that `hotline prompts record` has rung.

The take is made to the tone, heard back, and kept with 1 or made again with 2. What is kept goes through the same
checks as a file that is put into `recordings/`; calls hear it from the next time that the prompt is played.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.endpoint import calling_extension
from agi_scripts.proof import GONE, refuted
from agi_scripts.studio import Order, Studio
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.prompts.decoding import Refused
from ivr.spoken import SpokenKind
from ivr.spoken.value import spoken
from ivr.voice import SILENCE, Ended, Heard, Voice

log = logging.getLogger(__name__)

_REFUSED = "desk_refused"
_TAKES = 10
_TRIES = 3
_LONGEST_S = 300.0
_HUSH_S = 8.0  # so long a silence ends a take whose # was forgotten


async def record_prompt(extension: str, centre: Centre, voice: AgiVoice) -> str:
    """*51. The key of the prompt that says how it went, or GONE."""
    studio = centre.studio
    if studio is None or not centre.credentials[extension].supervisor:
        return _REFUSED
    refusal = await refuted(extension, centre, voice)
    if refusal is not None:
        return refusal
    number = await _number(voice, "record_which", len(studio.keys), digits=3)
    if not isinstance(number, int):
        return _unfinished(number)
    said = await voice.say(spoken(SpokenKind.NUMBER, str(number)), barge_in=False)
    if said.ended is Ended.GONE:
        return GONE
    codes = [*dict.fromkeys(studio.languages.values())]
    which = 1 if len(codes) == 1 else await _number(voice, "record_language", len(codes), digits=1)
    if not isinstance(which, int):
        return _unfinished(which)
    order = Order(studio.keys[number - 1], codes[which - 1], extension)
    return await _take(voice, studio, order)


async def serve_record(session: AgiSession, centre: Centre) -> None:
    """A phone that was rung for a take has been picked up. Ends with HOTLINE_NEXT=desk_done."""
    studio, token = centre.studio, session.request.args[0] if session.request.args else ""
    order = studio.orders.pop(token, None) if studio is not None else None
    if studio is not None and order is not None and order.extension == calling_extension(session.request.channel):
        voice = AgiVoice(session, centre.prompt_path, centre.utter, studio.takes)
        voice.speak_language(centre.default_language)
        answer = await _take(voice, studio, order)
        if answer != GONE:
            await voice.play([answer], barge_in=False)
    await session.set_variables({variables.NEXT: "desk_done"})


async def _take(voice: Voice, studio: Studio, order: Order) -> str:
    """Take after take until one is kept. The take's own file goes, however it ends."""
    name = secrets.token_hex(8)
    take = studio.takes / f"{name}.wav"
    order.state = "recording"
    try:
        for _ in range(_TAKES):
            wish = await _one_take(voice, name)
            if wish == "1" and await _kept(voice, studio, order, take):
                order.state = "kept"
                return "record_kept"
            if wish in (GONE, _REFUSED):
                return wish
        return _REFUSED
    finally:
        take.unlink(missing_ok=True)
        if order.state == "recording":
            order.state = "gone"


async def _one_take(voice: Voice, name: str) -> str:
    """The key that was pressed when it had been heard back ("2" when there was nothing in it), GONE or _REFUSED."""
    heard = await voice.play(["record_after_tone"], barge_in=False)
    if heard.ended is Ended.GONE:
        return GONE
    taken = await voice.record(name, max_s=_LONGEST_S, silence_s=_HUSH_S, stop_keys="#")
    if taken.ended is Ended.GONE:
        return GONE
    if not taken.seconds:
        await voice.play(["record_refused"], barge_in=False)
        return "2"
    for _ in range(_TRIES):
        heard = await voice.play_recording(name)
        if heard is SILENCE:
            heard = await voice.ask(["record_keep"], first_digit_s=8, inter_digit_s=4, max_digits=1)
        if heard.ended is Ended.GONE:
            return GONE
        if heard.keys in ("1", "2"):
            return heard.keys
    return _REFUSED


async def _kept(voice: Voice, studio: Studio, order: Order, take: Path) -> bool:
    try:
        await studio.keep(order.key, order.code, take)
    except (Refused, OSError) as reason:
        order.why = str(reason)
        log.warning("the take of %s in %s is not kept: %s", order.key, order.code, reason)
        await voice.play(["record_refused"], barge_in=False)
        return False
    log.info("the prompt %s in %s was recorded at %s", order.key, order.code, order.extension)
    return True


async def _number(voice: Voice, prompt: str, most: int, *, digits: int) -> int | Heard:
    """1 to ``most``; or how the asking ended."""
    for _ in range(_TRIES):
        heard = await voice.ask([prompt], first_digit_s=8, inter_digit_s=4, max_digits=digits)
        if heard.ended is Ended.GONE:
            return heard
        if heard.keys.isdecimal() and 1 <= int(heard.keys) <= most:
            return int(heard.keys)
    return SILENCE


def _unfinished(heard: Heard) -> str:
    return GONE if heard.ended is Ended.GONE else _REFUSED
