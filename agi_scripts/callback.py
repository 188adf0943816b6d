"""The life of one call back: a single table, so that nobody is ever dialled twice. Pure.

    WAITING ──dial──→ DIALLING ──pick_up──→ ANSWERED ──join──→ BRIDGED
       ↑                 │                     │
       └──── again ──────┴─────────────────────┘   (nobody there, or nobody who pressed 1)
    WAITING, DIALLING, ANSWERED ──give_up──→ GIVEN_UP   (too often, too late, or an engine died in the midst of it)

Each step is durable before it is taken; what an engine finds in DIALLING or ANSWERED at its start may have been
answered, and is given to a human.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from crm_bridge.entry import Json


class CallbackState(StrEnum):
    WAITING = "waiting"
    DIALLING = "dialling"
    ANSWERED = "answered"
    BRIDGED = "bridged"
    GIVEN_UP = "given_up"


_TABLE = {
    (CallbackState.WAITING, CallbackState.DIALLING),
    (CallbackState.DIALLING, CallbackState.ANSWERED),
    (CallbackState.DIALLING, CallbackState.WAITING),
    (CallbackState.ANSWERED, CallbackState.BRIDGED),
    (CallbackState.ANSWERED, CallbackState.WAITING),
    (CallbackState.WAITING, CallbackState.GIVEN_UP),
    (CallbackState.DIALLING, CallbackState.GIVEN_UP),
    (CallbackState.ANSWERED, CallbackState.GIVEN_UP),
}


class NoSuchStep(Exception):
    """The table does not have it. Nothing was done."""


def checked(before: CallbackState, after: CallbackState) -> CallbackState:
    """Raises NoSuchStep."""
    if (before, after) not in _TABLE:
        raise NoSuchStep(f"a call back that is {before} cannot become {after}")
    return after


@dataclass(frozen=True, slots=True)
class CallbackWish:
    """``call_id``: of the call in which it was asked for. ``number``: E.164. ``joined_at``: the original join time
    (Unix s), which gives the place in line. ``dnis``: the number that was dialled."""

    call_id: str
    number: str
    queue: str
    joined_at: float
    wanted_at: float
    priority: int = 0
    language: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    dnis: str = ""

    def packed(self) -> dict[str, Json]:
        return {
            "number": self.number,
            "queue": self.queue,
            "joined_at": self.joined_at,
            "wanted_at": self.wanted_at,
            "priority": self.priority,
            "language": self.language,
            "attributes": dict(self.attributes),
            "dnis": self.dnis,
        }

    @classmethod
    def unpacked(cls, call_id: str, told: Mapping[str, Any]) -> CallbackWish:
        """Raises KeyError for what `packed` did not make."""
        return cls(
            call_id,
            told["number"],
            told["queue"],
            told["joined_at"],
            told["wanted_at"],
            told["priority"],
            told["language"],
            dict(told["attributes"]),
            told["dnis"],
        )


def callable_at(now: float, zone: ZoneInfo, open_at: float, close_at: float) -> float:
    """The first instant from ``now`` on (Unix s) at which people are called: between two hours (0-24) of a day."""
    local = datetime.fromtimestamp(now, zone)
    opens = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=open_at)
    closes = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=close_at)
    if local < opens:
        return opens.timestamp()
    return now if local < closes else (opens + timedelta(days=1)).timestamp()
