"""What Asterisk says is alive now, in the ACD's words. Asterisk's own words stop here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from panoramisk.message import Message

from acd.model import PhoneState

TECHNOLOGY = "PJSIP/"
_LEG = re.compile(r"PJSIP/(?P<extension>.+)-[0-9a-f]{8,}")
_NOT_DIALLED = re.compile(r"[^0-9+]")

PHONE_STATES: Mapping[str, PhoneState] = {
    "NOT_INUSE": PhoneState.FREE,
    "INUSE": PhoneState.BUSY,
    "BUSY": PhoneState.BUSY,
    "ONHOLD": PhoneState.BUSY,
    "RINGINUSE": PhoneState.BUSY,
    "RINGING": PhoneState.RINGING,  # with device_state_busy_at=1 Asterisk says BUSY instead
    "UNAVAILABLE": PhoneState.UNREACHABLE,
    "INVALID": PhoneState.UNREACHABLE,
    "UNKNOWN": PhoneState.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """One leg. ``state`` is Asterisk's word ("Up", "Ring", "Ringing"); ``seconds`` since it was made."""

    channel: str
    uniqueid: str
    linkedid: str
    state: str
    caller_number: str  # reduced to 0-9+
    extension: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All legs and all phones at one moment. A phone that is not in it is not known to this Asterisk: take it
    for unreachable. ``complete`` is false when Asterisk counted more legs than could be read: then a leg's
    absence proves nothing."""

    channels: tuple[LiveChannel, ...]
    phones: Mapping[str, PhoneState]
    complete: bool = True


def live_channel(item: Message) -> LiveChannel:
    return LiveChannel(
        channel=item.channel,
        uniqueid=item.uniqueid,
        linkedid=item.linkedid,
        state=item.channelstatedesc,
        caller_number=_NOT_DIALLED.sub("", item.calleridnum)[:32],
        extension=item.exten,
        seconds=seconds_of(item.duration),
    )


def seconds_of(clock: str) -> int:
    """ "01:02:03" → 3723. What is not a clock is 0."""
    parts = clock.split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return 0
    hours, minutes, seconds = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds


def phone_of(device: str) -> str | None:
    """ "PJSIP/1001" → "1001"; None for what is not a phone."""
    return device.removeprefix(TECHNOLOGY) if device.startswith(TECHNOLOGY) else None


def phone_state(state: str) -> PhoneState:
    """A word that we do not know is no phone to send a caller to."""
    return PHONE_STATES.get(state, PhoneState.UNREACHABLE)


def phone_of_leg(channel: str) -> str | None:
    """ "PJSIP/1001-0000002a" → "1001"; None for what is not a phone's leg."""
    leg = _LEG.fullmatch(channel)
    return leg["extension"] if leg else None
