"""*38: an agent calls back the last caller of their queues who gave up waiting, and whom nobody has talked to since."""

from __future__ import annotations

from agi_scripts.centre import Centre
from agi_scripts.proof import GONE
from crm_bridge.entry import RUNG_BACK, TAKEN_ON
from crm_bridge.journal import Entry, Json
from ivr.agi.session import AgiSession
from ivr.agi_voice import AgiVoice
from ivr.may_call import may_be_called
from ivr.spoken import SpokenKind
from ivr.spoken.value import spoken

_RING_S = 30


async def ring_back(session: AgiSession, extension: str, centre: Centre, voice: AgiVoice) -> str:
    """The number is said, then dialled on the trunk by which the queue calls back. Who has taken such a call on is
    written down before it is dialled, so that nobody is called by two."""
    trunks = {
        name: rules.callback.trunk
        for name, rules in centre.waiting.items()
        if rules.callback is not None and name in centre.agents[extension].queues
    }
    found = await centre.last_abandoned(tuple(trunks)) if trunks else None
    if found is None or not may_be_called(found.number, (centre.country,)):
        return "desk_nobody_left"
    await centre.journal.append(Entry(found.call_id, TAKEN_ON, centre.clock(), {"agent": extension}))
    centre.live.rung_back.add(found.call_id)
    await voice.play(["callback_number"])
    await voice.say(spoken(SpokenKind.DIGITS, found.number))
    limit_s, shown = centre.outside_numbers.max_talk_s, next(iter(centre.numbers))
    await session.execute("Dial", f"PJSIP/{found.number}@{trunks[found.queue]},{_RING_S},giS({limit_s})f({shown})")
    status, talked_s = await session.full_variable("DIALSTATUS", "ANSWEREDTIME")
    if status == "ANSWER" and talked_s.isdecimal():
        told: dict[str, Json] = {"agent": extension, "number": found.number, "talked_s": int(talked_s)}
        centre.journal.append_soon(Entry(found.call_id, RUNG_BACK, centre.clock(), told))
    return GONE if session.gone else "desk_that_is_all"
