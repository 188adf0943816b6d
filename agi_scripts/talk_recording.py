"""Conversations recorded, queue by queue: each side in a file of its own, paused by the agent's key alone (*37).

A pause ends by itself, so that a conversation is not lost because somebody forgot; both are written down. While it
lasts silence is written, so the two files keep step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.record import CallRecord
from agi_scripts.talk import Talk
from crm_bridge.entry import RECORDED
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice


@dataclass(frozen=True, slots=True)
class RecordingRules:
    """``consent``: the prompt that a caller hears before they wait, or ''. ``pause_s``: a pause lasts no longer."""

    consent: str = ""
    pause_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Recordings:
    """``folder``: what Asterisk records into. ``by_queue``: the queues that are recorded."""

    folder: Path
    by_queue: dict[str, RecordingRules]


def stem(record: CallRecord, centre: Centre) -> str:
    """The path without its ending of this leg's recording, or '' where the queue is not recorded."""
    if centre.conversations is None or record.queue not in centre.conversations.by_queue:
        return ""
    return str(centre.conversations.folder / f"{record.call_id}_{record.legs + 1}")


async def ask_consent(voice: AgiVoice, record: CallRecord, centre: Centre, queue: str) -> None:
    """Once for each call."""
    rules = centre.conversations.by_queue.get(queue) if centre.conversations is not None else None
    if rules is not None and rules.consent and not record.consent_heard:
        record.consent_heard = True
        await voice.play([rules.consent], barge_in=False)


async def record_next(session: AgiSession, record: CallRecord, talks: Iterable[Talk], centre: Centre) -> None:
    """Before Dial: the dialplan starts it on the agent's leg when the two are joined. ``talks``: one of them it will
    be."""
    if centre.conversations is None:
        return
    file = stem(record, centre)
    for talk in talks:
        talk.recording = file
    await session.set_variables({f"_{variables.RECORD}": file})


async def record_here(session: AgiSession, talk: Talk, centre: Centre) -> None:
    """Before Bridge: on the caller's own leg, whose ears and mouth are the other way round."""
    talk.recording = stem(talk.record, centre)
    if talk.recording:
        talk.recorder = talk.record.channel
        files = f",r({talk.recording}-caller.wav)t({talk.recording}-agent.wav)"
        await session.execute("MixMonitor", files)


async def stop_here(session: AgiSession, talk: Talk) -> None:
    if talk.recorder == talk.record.channel and not session.gone:
        await session.execute("StopMixMonitor")


def note_recorded(talk: Talk) -> None:
    """They have talked, so there is something in it."""
    if talk.recording:
        talk.record.note(RECORDED, agent=talk.extension, file=Path(talk.recording).name)


async def pause_or_resume(session: AgiSession, voice: AgiVoice, centre: Centre, talk: Talk) -> str:
    """*37, from the agent's leg."""
    if not talk.recording or centre.conversations is None:
        return "leg_no_recording"
    talk.recorder = talk.recorder or session.request.channel
    pausing = not talk.paused
    if not await centre.console.mute_recording(talk.recorder, pausing):
        return "leg_no_recording"
    talk.paused = pausing
    _note(talk, pausing, "agent")
    if pausing:
        rules = centre.conversations.by_queue[talk.record.queue]
        talk.pauses += 1
        centre.live.spawn(_resume_later(centre, talk, talk.pauses, rules.pause_s))
    return "leg_recording_off" if pausing else "leg_recording_on"


async def _resume_later(centre: Centre, talk: Talk, pause: int, after_s: float) -> None:
    await asyncio.sleep(after_s)
    if talk.paused and talk.pauses == pause and centre.live.talks.get(talk.extension) is talk:
        talk.paused = False
        await centre.console.mute_recording(talk.recorder, False)
        _note(talk, False, "time is up")


def _note(talk: Talk, pausing: bool, why: str) -> None:
    talk.record.note("recording_paused" if pausing else "recording_resumed", agent=talk.extension, why=why)
