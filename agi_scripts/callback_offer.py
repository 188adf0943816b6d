"""A caller in a queue chooses to be called back: at which number, and then they may hang up and keep their place."""

from __future__ import annotations

from acd.router import Ticket
from agi_scripts.announcing import CallbackRules
from agi_scripts.callback import CallbackWish
from agi_scripts.centre import Centre
from agi_scripts.record import CallRecord
from crm_bridge.numbers import e164
from ivr.agi_voice import AgiVoice
from ivr.flow.entry import KINDS
from ivr.may_call import may_be_called
from ivr.spoken import SpokenKind
from ivr.spoken.value import spoken
from ivr.voice import Ended, Heard

_TRIES = 3
_RIGHT, _ANOTHER = "1", "2"
_PHONE = KINDS["phone"]


async def take_callback(
    voice: AgiVoice, record: CallRecord, centre: Centre, ticket: Ticket, rules: CallbackRules | None
) -> bool:
    """True: it is written down, the caller has heard so, and this wait is over. False: they wait on (or have gone). An
    agent who is found meanwhile ends it: that is better than any call back."""
    if rules is None:
        return False
    number = e164(record.ani, centre.country) or ""
    for _ in range(_TRIES):
        if not may_be_called(number, (centre.country,)):
            typed = await _typed(voice, centre)
            if typed is None:
                return False
            number = typed
            continue
        heard = await _confirmed(voice, number)
        if heard.keys == _RIGHT and ticket.waits and centre.callbacks is not None:
            await centre.callbacks.add(_wish(record, ticket, number), rules)
            await voice.play(["callback_noted"], barge_in=False)
            return True
        if heard.keys != _ANOTHER:
            return False
        number = ""
    return False


async def _confirmed(voice: AgiVoice, number: str) -> Heard:
    said = await voice.announce(["callback_number", spoken(SpokenKind.DIGITS, number)])
    if said.ended is not Ended.SILENCE:
        return said
    return await voice.ask(["callback_right"], first_digit_s=6, inter_digit_s=4, max_digits=1)


async def _typed(voice: AgiVoice, centre: Centre) -> str | None:
    """E.164, or '' for what is none; None: nothing was typed."""
    heard = await voice.ask(["callback_enter"], first_digit_s=8, inter_digit_s=5, max_digits=_PHONE.most)
    return (_PHONE.read(heard.keys, centre.country) or "") if heard.ended is Ended.KEYS else None


def _wish(record: CallRecord, ticket: Ticket, number: str) -> CallbackWish:
    call = ticket.call
    return CallbackWish(
        call_id=record.call_id,
        number=number,
        queue=call.queue,
        joined_at=call.joined_at,
        priority=call.priority,
        language=record.language,
        attributes=dict(record.attributes),
        dnis=record.dnis,
        wanted_at=record.clock(),
    )
