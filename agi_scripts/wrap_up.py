"""What the agent made of the call, by keypad: right after it on their own leg, or later by *36.

Right after: the caller has hung up, and the agent's leg comes here (Dial's option F) where the queue has dispositions.
The last word about a call counts, so an agent who has mistyped says it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from agi_scripts.centre import Centre
from agi_scripts.endpoint import calling_extension
from agi_scripts.proof import GONE
from crm_bridge.entry import DISPOSITION
from crm_bridge.journal import Entry, JournalUnwritable
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.spoken import SpokenKind
from ivr.spoken.value import Unspeakable, spoken
from ivr.voice import Ended, Heard

_TRIES = 3
_CENT = Decimal("0.01")
_MOST = Decimal("9999999999")


@dataclass(frozen=True, slots=True)
class DispositionSpec:
    """``code``: as the CRM knows it. ``amount``, ``promise``: what is asked for beside it."""

    code: str
    amount: bool = False
    promise: bool = False


class _Gone(Exception):
    """The agent has hung up in the midst of it."""


async def serve_wrap_up(session: AgiSession, centre: Centre) -> None:
    """The agent's leg, after the caller has left."""
    extension = calling_extension(session.request.channel)
    talk = centre.live.talks.get(extension)
    if talk is not None:
        centre.live.last_talks[extension] = (talk.record.call_id, talk.record.queue)
    if extension not in centre.credentials:
        return
    voice = AgiVoice(session, centre.prompt_path, centre.utter)
    voice.speak_language(centre.credentials[extension].language or centre.default_language)
    answer = await dispose_last(extension, centre, voice)
    if answer != GONE:
        await voice.play([answer])


async def dispose_last(extension: str, centre: Centre, voice: AgiVoice) -> str:
    """Ask about the agent's last conversation, and write it down. The key of the prompt that says how it went, or
    GONE."""
    call_id, queue = centre.live.last_talks.get(extension, ("", ""))
    choices = centre.dispositions.get(queue)
    if not call_id or not choices:
        return "desk_refused"
    try:
        said = await _ask(voice, centre, choices)
    except _Gone:
        return GONE
    if said is None:
        return "desk_refused"
    entry = Entry(call_id, DISPOSITION, centre.clock(), {"agent": extension, **said})
    try:
        await centre.journal.append(entry)
    except JournalUnwritable:
        return "wrap_up_noted"  # the journal keeps it, and tries again
    return "wrap_up_noted"


async def _ask(voice: AgiVoice, centre: Centre, choices: Mapping[str, DispositionSpec]) -> dict[str, str] | None:
    """None: silence, or no answer that makes sense."""
    for _ in range(_TRIES):
        key = await _choice(voice, centre, choices)
        if not key:
            return None
        chosen = choices.get(key)
        if chosen is None:
            continue
        said = {"code": chosen.code}
        if chosen.amount and (amount := await _amount(voice)) is not None:
            said["amount"] = str(amount)
        if chosen.promise and (day := await _day(voice, centre)) is not None:
            said["promised_on"] = day.isoformat()
        if ("amount" in said) >= chosen.amount and ("promised_on" in said) >= chosen.promise:
            return said
    return None


async def _choice(voice: AgiVoice, centre: Centre, choices: Mapping[str, DispositionSpec]) -> str:
    """The key; '' for silence. A key ends the reading."""
    for key, choice in choices.items():
        if centre.has_prompt(f"disposition_{choice.code}"):
            heard = _there(await voice.play([f"disposition_{choice.code}"]))
            heard = heard if heard.keys else _there(await voice.say(spoken(SpokenKind.DIGITS, key)))
            if heard.keys:
                return heard.keys
    return _there(await voice.ask(["wrap_up_which"], first_digit_s=6, inter_digit_s=6, max_digits=1)).keys


async def _amount(voice: AgiVoice) -> Decimal | None:
    """Star is the decimal point. Read back; 2 is again."""
    for _ in range(_TRIES):
        heard = _there(await voice.ask(["wrap_up_amount"], first_digit_s=8, inter_digit_s=4, max_digits=14))
        amount = typed_amount(heard.keys)
        if amount is not None and await _kept(voice, SpokenKind.NUMBER, f"{amount.normalize():f}"):
            return amount
    return None


async def _day(voice: AgiVoice, centre: Centre) -> date | None:
    """Month and day, four digits. Read back; 2 is again."""
    today = datetime.fromtimestamp(centre.clock(), centre.timezone).date()
    for _ in range(_TRIES):
        heard = _there(await voice.ask(["wrap_up_promise"], first_digit_s=8, inter_digit_s=4, max_digits=4))
        day = typed_day(heard.keys, today)
        if day is not None and await _kept(voice, SpokenKind.DATE, day.isoformat()):
            return day
    return None


async def _kept(voice: AgiVoice, kind: SpokenKind, value: str) -> bool:
    try:
        heard = _there(await voice.say(spoken(kind, value)))
    except Unspeakable:
        return False
    if not heard.keys:
        heard = _there(await voice.ask(["wrap_up_keep"], first_digit_s=4, inter_digit_s=4, max_digits=1))
    return heard.keys != "2"


def typed_amount(keys: str) -> Decimal | None:
    """``199*90`` is 199.90. None for what is no amount."""
    if keys.count("*") > 1:
        return None
    try:
        amount = Decimal(keys.replace("*", "."))
    except InvalidOperation:
        return None
    return amount if 0 < amount <= _MOST and amount == amount.quantize(_CENT) else None


def typed_day(keys: str, today: date) -> date | None:
    """``0315``: the next fifteenth of March, today too. None for what is no day."""
    if len(keys) != 4 or not keys.isdecimal():
        return None
    for year in range(today.year, today.year + 5):  # a 29th of February may be years away
        try:
            day = date(year, int(keys[:2]), int(keys[2:]))
        except ValueError:
            continue
        if day >= today:
            return day
    return None


def _there(heard: Heard) -> Heard:
    if heard.ended is Ended.GONE:
        raise _Gone
    return heard
