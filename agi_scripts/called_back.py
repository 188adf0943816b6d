"""Somebody whom we have called back has picked up: are they there, and then the agent who is held for them."""

from __future__ import annotations

import uuid

from agi_scripts import variables
from agi_scripts.callbacks import Leg
from agi_scripts.centre import Centre
from agi_scripts.record import CallRecord
from agi_scripts.ringing import WaitEnd
from agi_scripts.waiting import wait_with
from crm_bridge.outcome import HangupBy, Outcome
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.flow.interpreter import QueueFor
from ivr.media_source import tag

_HERE = "1"
_TRIES = 2


async def serve_called_back(session: AgiSession, centre: Centre) -> None:
    """The dialplan hands the channel over with the token with which it was dialled."""
    token = session.request.args[0] if session.request.args else ""
    leg = centre.callbacks.legs.pop(token, None) if centre.callbacks is not None else None
    if leg is None or centre.callbacks is None:
        return
    leg.answered.set()
    try:
        voice = AgiVoice(session, centre.prompt_path, centre.utter)
        voice.speak_language(leg.wish.language or centre.default_language)
        if await _is_there(voice):
            await centre.callbacks.answered(leg)
            await _connect(session, voice, centre, leg)
    finally:
        leg.over.set()


async def _is_there(voice: AgiVoice) -> bool:
    """A mailbox presses no key."""
    for _ in range(_TRIES):
        if (await voice.ask(["callback_greeting"], first_digit_s=4, inter_digit_s=4, max_digits=1)).keys == _HERE:
            return True
    return False


async def _connect(session: AgiSession, voice: AgiVoice, centre: Centre, leg: Leg) -> None:
    """A call of its own, with the place of the one in which it was asked for."""
    assert centre.callbacks is not None  # noqa: S101 (for the type checker)
    record = _record(session, centre, leg)
    centre.live.by_id[record.call_id] = record
    try:
        await session.set_variables({variables.CALL_ID: record.call_id})
        await record.begin()
        record.note("called_back", of=leg.wish.call_id)
        record.speak(leg.wish.language)
        wish = QueueFor(leg.wish.queue, leg.wish.priority, leg.wish.attributes)
        end = await wait_with(session, voice, record, centre, wish, leg.ticket)
        await _told(record, centre, leg, end)
    finally:
        centre.live.by_id.pop(record.call_id, None)
        if not record.ended:
            centre.live.left_off[record.call_id] = record.left_off
    if record.ended:
        await session.set_variables({variables.NEXT: "hangup"})


async def _told(record: CallRecord, centre: Centre, leg: Leg, end: WaitEnd) -> None:
    assert centre.callbacks is not None  # noqa: S101 (for the type checker)
    if end is WaitEnd.TALKED:
        await centre.callbacks.bridged(leg)
    elif end is not WaitEnd.CUT:
        gone = end is WaitEnd.ABANDONED
        await record.end(
            Outcome.ABANDONED_QUEUE if gone else Outcome.TIMEOUT, HangupBy.CALLER if gone else HangupBy.SYSTEM
        )
        await centre.callbacks.lost(leg)


def _record(session: AgiSession, centre: Centre, leg: Leg) -> CallRecord:
    wish = leg.wish
    return CallRecord(
        call_id=str(uuid.uuid4()),
        dnis=wish.dnis,
        ani=wish.number,
        name="",
        tag=tag(wish.dnis, centre.numbers),
        channel=session.request.channel,
        uniqueid=session.request.uniqueid,
        journal=centre.journal,
        clock=centre.clock,
        queue=wish.queue,
        joined_at=leg.ticket.call.entered_at,
        attributes=dict(wish.attributes),
    )
