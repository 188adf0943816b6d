"""A supervisor closes a line from the phone, *52, and ends that, *53. With the PIN each time: a phone stands about.

A line is chosen by its number in the order of hours.yaml, which is said back; 0 is all of them. It stays closed until
the end of its own day's opening (# alone) or for 1 to 99 hours, and opens again by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from agi_scripts.centre import Centre, LineClosings
from agi_scripts.proof import GONE, refuted
from crm_bridge.journal import JournalError
from ivr.agi_voice import AgiVoice
from ivr.closures import Closure
from ivr.spoken import SpokenKind
from ivr.spoken.value import spoken
from ivr.voice import SILENCE, Ended, Heard

log = logging.getLogger(__name__)

_TRIES = 3
_DIGITS = 8  # more than are ever right: a # behind a slip of the finger must not stand alone
_LONGEST_H = 99
_REFUSED = "desk_refused"


async def close_line(extension: str, centre: Centre, voice: AgiVoice) -> str:
    """The key of the prompt that says how it went, or GONE."""
    refusal = await _not_allowed(extension, centre, voice)
    if refusal is not None or centre.closings is None:
        return _REFUSED if refusal is None else refusal
    lines = await _choose(centre, voice)
    if isinstance(lines, Heard):
        return _unfinished(lines)
    heard = await _ask(voice, "desk_close_for", lambda keys: not keys or 0 < int(keys) <= _LONGEST_H)
    if heard.ended is not Ended.KEYS:
        return _unfinished(heard)
    try:
        return await _close(centre, centre.closings, voice, lines, int(heard.keys or 0), f"by phone {extension}")
    except JournalError as error:
        log.error("a line was not closed: %s", error)
        return _REFUSED


async def open_line(extension: str, centre: Centre, voice: AgiVoice) -> str:
    """The key of the prompt that says how it went, or GONE."""
    refusal = await _not_allowed(extension, centre, voice)
    if refusal is not None or centre.closings is None:
        return _REFUSED if refusal is None else refusal
    lines = await _choose(centre, voice)
    if isinstance(lines, Heard):
        return _unfinished(lines)
    try:
        opened = [await centre.closings.open(line) for line in lines]
    except JournalError as error:
        log.error("a line was not opened: %s", error)
        return _REFUSED
    return "desk_line_opened" if any(opened) else "desk_already"


async def _not_allowed(extension: str, centre: Centre, voice: AgiVoice) -> str | None:
    """None: a supervisor with the right PIN. An agent who is none is not even asked for it."""
    if not centre.credentials[extension].supervisor:
        return _REFUSED
    return await refuted(extension, centre, voice)


async def _choose(centre: Centre, voice: AgiVoice) -> Sequence[str] | Heard:
    """The lines, said back; or how the asking ended."""
    lines = [*centre.hours]
    heard = await _ask(voice, "desk_which_line", lambda keys: bool(keys) and int(keys) <= len(lines))
    if heard.ended is not Ended.KEYS:
        return heard
    number = int(heard.keys)
    chosen = lines[number - 1 : number] if number else lines
    said = await _say_back(centre, voice, number, chosen)
    return said if said.ended is Ended.GONE else chosen


async def _say_back(centre: Centre, voice: AgiVoice, number: int, lines: Sequence[str]) -> Heard:
    """``line_main`` is said as well where the site has such a prompt."""
    if not number:
        return await voice.play(["desk_all_lines"], barge_in=False)
    heard = await voice.play(["desk_line"], barge_in=False)
    if heard.ended is not Ended.GONE:
        heard = await voice.say(spoken(SpokenKind.NUMBER, str(number)), barge_in=False)
    name = f"line_{lines[0]}"
    return await voice.play([name], barge_in=False) if heard is SILENCE and centre.has_prompt(name) else heard


async def _close(
    centre: Centre, closings: LineClosings, voice: AgiVoice, lines: Sequence[str], hours: int, why: str
) -> str:
    """``hours`` 0: each line until its own day is over. Raises JournalError."""
    now = datetime.fromtimestamp(centre.clock(), UTC)
    for line in lines:
        until = now + timedelta(hours=hours) if hours else centre.hours[line].day_ends(now)
        await closings.close(Closure(line, now, until, why))
    if not hours:
        return "desk_closed_today"
    local = (now + timedelta(hours=hours)).astimezone(centre.hours[lines[0]].zone)
    heard = await voice.play(["desk_closed_until"], barge_in=False)
    if heard.ended is not Ended.GONE and local.date() != now.astimezone(local.tzinfo).date():
        heard = await voice.say(spoken(SpokenKind.DATE, f"{local:%Y-%m-%d}"), barge_in=False)
    if heard.ended is not Ended.GONE:
        await voice.say(spoken(SpokenKind.TIME, f"{local:%H:%M}"), barge_in=False)
    return GONE  # all is said


async def _ask(voice: AgiVoice, prompt: str, is_right: Callable[[str], bool]) -> Heard:
    """KEYS with digits (none: # alone) that are right; otherwise GONE or SILENCE."""
    for _ in range(_TRIES):
        heard = await voice.ask([prompt], first_digit_s=8, inter_digit_s=4, max_digits=_DIGITS)
        if heard.ended is Ended.GONE:
            return heard
        if heard.ended is Ended.KEYS and (not heard.keys or heard.keys.isdecimal()) and is_right(heard.keys):
            return heard
    return SILENCE


def _unfinished(heard: Heard) -> str:
    return GONE if heard.ended is Ended.GONE else _REFUSED
