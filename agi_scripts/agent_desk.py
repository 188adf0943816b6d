"""An agent's own codes at the desk: *30 in or out, *31 in, *32 out, *33<reason> pause, *34 ready again, *35 how do I
stand, *39 a longer wrap-up. Each answers with the key of the prompt that says how it went, or GONE."""

from __future__ import annotations

from acd.model import Engagement, Presence
from acd.views import AgentView, QueueView
from agi_scripts.centre import Centre
from agi_scripts.proof import GONE, refuted
from ivr.agi_voice import AgiVoice
from ivr.spoken import SpokenKind
from ivr.spoken.value import spoken
from ivr.voice import Ended

ALREADY = "desk_already"
_PRESENCE = {
    Presence.AVAILABLE: "desk_are_ready",
    Presence.PAUSED: "desk_are_paused",
    Presence.LOGGED_OUT: "desk_are_out",
}


async def toggle(extension: str, centre: Centre, voice: AgiVoice) -> str:
    """Whoever is out comes in, with the PIN; whoever is in goes out, without."""
    if (await centre.router.agent(extension)).presence is Presence.LOGGED_OUT:
        return await log_in(extension, centre, voice)
    return await log_out(extension, centre, voice)


async def log_in(extension: str, centre: Centre, voice: AgiVoice) -> str:
    refusal = await refuted(extension, centre, voice)
    if refusal is not None:
        return refusal
    return "desk_logged_in" if await centre.router.log_in(extension) else ALREADY


async def log_out(extension: str, centre: Centre, voice: AgiVoice) -> str:
    return "desk_logged_out" if await centre.router.log_out(extension) else ALREADY


async def pause(extension: str, centre: Centre, voice: AgiVoice, reason: str = "") -> str:
    return "desk_paused" if await centre.router.pause(extension, reason or "0") else "desk_refused"


async def ready(extension: str, centre: Centre, voice: AgiVoice) -> str:
    return "desk_ready" if await centre.router.ready(extension) else ALREADY


async def wrap_up_longer(extension: str, centre: Centre, voice: AgiVoice) -> str:
    """A minute more, and how long it is now."""
    rest_s = await centre.router.wrap_up_longer(extension)
    if rest_s is None:
        return ALREADY
    return "desk_that_is_all" if await _say_rest(voice, rest_s) else GONE


async def how_do_i_stand(extension: str, centre: Centre, voice: AgiVoice) -> str:
    """Presence, the rest of the wrap-up, and each of my queues with its length and longest wait. A hang-up or a key
    ends it."""
    me = await centre.router.agent(extension)
    if await _ended(voice, _PRESENCE[me.presence]) or not await _say_wrap_up(me, centre, voice):
        return GONE
    mine = [queue for queue in await centre.router.queues() if queue.name in me.queues]
    for queue in mine:
        if not await _say_queue(queue, centre, voice):
            return GONE
    return "desk_that_is_all"


async def _say_wrap_up(me: AgentView, centre: Centre, voice: AgiVoice) -> bool:
    """False: nobody listens any more."""
    if me.engagement is not Engagement.WRAP_UP or me.until is None:
        return True
    return await _say_rest(voice, me.until - centre.clock())


async def _say_rest(voice: AgiVoice, rest_s: float) -> bool:
    """Of the wrap-up. False: nobody listens any more."""
    whole_s = max(1, round(rest_s))
    return not (await _ended(voice, "desk_wrap_up_for") or await _ended_saying(voice, SpokenKind.DURATION, whole_s))


async def _say_queue(queue: QueueView, centre: Centre, voice: AgiVoice) -> bool:
    """False: nobody listens any more."""
    name = f"whisper_queue_{queue.name}"
    if centre.has_prompt(name) and await _ended(voice, name):
        return False
    if await _ended(voice, "desk_callers_waiting") or await _ended_saying(voice, SpokenKind.NUMBER, queue.waiting):
        return False
    if not queue.waiting:
        return True
    longest_s = max(1, round(queue.longest_wait_s))
    return not (await _ended(voice, "desk_longest_wait") or await _ended_saying(voice, SpokenKind.DURATION, longest_s))


async def _ended(voice: AgiVoice, prompt: str) -> bool:
    return (await voice.play([prompt])).ended is not Ended.SILENCE


async def _ended_saying(voice: AgiVoice, kind: SpokenKind, value: int) -> bool:
    return (await voice.say(spoken(kind, str(value)))).ended is not Ended.SILENCE
