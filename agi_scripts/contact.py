"""First contact: a call is at our door, for the first time or again after an engine died under it.

The dialplan hands over only ids and numbers of our own as arguments (caller data never travels there):
call id, original join time in Unix ms, queue, language, DIALSTATUS, talk time in ms, priority, attributes, the agent
waited for, the end of that wait in Unix ms.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, fields

from agi_scripts import variables
from agi_scripts.centre import Centre
from agi_scripts.record import CallRecord
from crm_bridge.fold import unpacked
from ivr.agi.session import AgiSession
from ivr.media_source import tag


@dataclass(frozen=True, slots=True)
class Luggage:
    """What a returning call carries in its channel variables. All empty at a true first contact."""

    call_id: str = ""
    joined_ms: str = ""
    queue: str = ""
    language: str = ""
    dialstatus: str = ""
    answered_ms: str = ""
    priority: str = ""
    attributes: str = ""
    agent: str = ""
    wait_until_ms: str = ""

    @classmethod
    def of(cls, args: tuple[str, ...]) -> Luggage:
        names = [f.name for f in fields(cls)]
        return cls(**dict(zip(names, args, strict=False)))

    @property
    def joined_at(self) -> float | None:
        return float(self.joined_ms) / 1000 if self.joined_ms.isdecimal() else None

    @property
    def talked_s(self) -> float | None:
        """Length of the conversation in seconds when there has been one, else None."""
        return float(self.answered_ms) / 1000 if self.answered_ms.isdecimal() else None

    @property
    def wait_s(self) -> float | None:
        """How long the whole wait may last, from its beginning, where that is not the queue's to say."""
        if self.joined_at is None or not self.wait_until_ms.isdecimal():
            return None
        return float(self.wait_until_ms) / 1000 - self.joined_at

    @property
    def priority_class(self) -> int:
        return int(self.priority) if re.fullmatch(r"-?[0-9]{1,3}", self.priority) else 0

    def wishes(self) -> dict[str, str]:
        return unpacked(self.attributes)


def pack_attributes(attributes: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in sorted(attributes.items()))


def new_record(session: AgiSession, centre: Centre, luggage: Luggage) -> CallRecord:
    request = session.request
    return CallRecord(
        call_id=luggage.call_id or str(uuid.uuid4()),
        dnis=request.dnid,
        ani=request.caller_number,
        name=request.caller_name,
        tag=tag(request.dnid, centre.numbers),
        channel=request.channel,
        uniqueid=request.uniqueid,
        journal=centre.journal,
        clock=centre.clock,
        language=luggage.language,
        queue=luggage.queue,
        joined_at=luggage.joined_at,
        attributes=luggage.wishes(),
    )


async def accept(session: AgiSession, record: CallRecord) -> bool:
    """Tag the channel and the CDR, and write the start down: both are done before a prompt plays. The tag goes first,
    so that a call which is written down can be found again by its id. False: the line was cut before it."""
    marks = {
        variables.CALL_ID: record.call_id,
        variables.SOURCE: record.tag.source,
        variables.CAMPAIGN: record.tag.campaign,
        "CDR(userfield)": record.tag.source,
    }
    await session.set_variables(marks)
    if session.cut:
        return False
    await record.begin()
    await session.command("ANSWER")
    return True
