"""The agents' days as the ACD would have told them: there, on a pause, gone home."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from acd.events import AcdEvent, EventKind
from acd.model import PhoneState, Presence, PresenceEvent
from crm_bridge.demo.staff import Shift

_LUNCH = "lunch"


def told_of_shifts(shifts: Iterable[Shift], until: float) -> Iterator[AcdEvent]:
    """Up to ``until`` (Unix s)."""
    for shift in shifts:
        begin, end = shift.pause
        if shift.begin < until:
            there = {"state": PhoneState.FREE.value}
            yield AcdEvent(EventKind.PHONE, round(shift.begin - 5, 3), agent=shift.clerk.extension, fields=there)
        gone = max(shift.end, shift.free_at)
        steps = (
            (shift.begin, Presence.AVAILABLE, PresenceEvent.LOG_IN, ""),
            (begin, Presence.PAUSED, PresenceEvent.PAUSE, _LUNCH),
            (end, Presence.AVAILABLE, PresenceEvent.READY, ""),
            (gone, Presence.LOGGED_OUT, PresenceEvent.LOG_OUT, ""),
        )
        for at, presence, change, reason in steps:
            if at < until:
                said = {"presence": presence.value, "reason": reason, "change": change.value, "restored": False}
                yield AcdEvent(EventKind.AGENT_PRESENCE, round(at, 3), agent=shift.clerk.extension, fields=said)
