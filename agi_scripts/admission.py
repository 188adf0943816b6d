"""Who may come in: so many calls at a time, in all and from one caller, and so many from one caller in an hour.

Pure counting, time is an argument. A call that was let in once is never put out again: one that comes back after an
engine's death is counted, and not judged. The hour begins anew with each engine.

Who shows no number cannot be told apart from others who show none, so one of them must not use up what is left for the
rest: together they may hold half of all places, and no hour is counted. A phone of the house has proved its secret; it
is held by the total alone.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum

HOUR_S = 3600.0
WITHHELD = ""
HOUSE = "house"  # no caller's number: those are digits


class Refusal(StrEnum):
    """Which limit a call is over. The value is the cause in the call's record."""

    ALL = "over the limit of calls"
    CALLER = "over the limit of calls per caller"
    HOUR = "over the limit of calls per caller and hour"
    WITHHELD = "over the limit of calls without a number"


@dataclass(frozen=True, slots=True)
class CallLimits:
    """``calls``: in all at a time. ``per_caller``: at a time. None: no limit."""

    calls: int | None = None
    per_caller: int | None = None
    per_caller_per_hour: int | None = None

    @property
    def withheld(self) -> int | None:
        """Half of all, and never fewer than one caller may have."""
        return None if self.calls is None else max(self.per_caller or 1, self.calls // 2)


class Admission:
    """The calls that were let in. ``caller``: E.164, or the number as it came; WITHHELD; HOUSE."""

    def __init__(self, limits: CallLimits | None = None) -> None:
        self._limits = limits or CallLimits()
        self._caller_of: dict[str, str] = {}  # by call id
        self._now: Counter[str] = Counter()
        self._hour: Counter[str] = Counter()
        self._past: deque[tuple[float, str]] = deque()  # what is in `_hour`, oldest first

    def enter(self, call_id: str, caller: str, now: float) -> Refusal | None:
        """None: it is in. A refused call is not counted, so whoever is over a limit need only wait. ``now``: Unix s."""
        self._forget(now - HOUR_S)
        refusal = self._judge(caller)
        if refusal is None:
            self.come_back(call_id, caller)
            self._hour[caller] += 1
            self._past.append((now, caller))
        return refusal

    def come_back(self, call_id: str, caller: str) -> None:
        """An earlier engine has let it in."""
        self.leave(call_id)
        self._caller_of[call_id] = caller
        self._now[caller] += 1

    def leave(self, call_id: str) -> None:
        """Of a call that is not in: nothing."""
        caller = self._caller_of.pop(call_id, None)
        if caller is not None:
            _take_off(self._now, caller)

    def _judge(self, caller: str) -> Refusal | None:
        limits = self._limits
        if _over(limits.calls, len(self._caller_of)):
            return Refusal.ALL
        if caller == HOUSE:
            return None
        if caller == WITHHELD:
            return Refusal.WITHHELD if _over(limits.withheld, self._now[caller]) else None
        if _over(limits.per_caller, self._now[caller]):
            return Refusal.CALLER
        return Refusal.HOUR if _over(limits.per_caller_per_hour, self._hour[caller]) else None

    def _forget(self, before: float) -> None:
        while self._past and self._past[0][0] <= before:
            _take_off(self._hour, self._past.popleft()[1])


def _over(limit: int | None, count: int) -> bool:
    return limit is not None and count >= limit


def _take_off(counts: Counter[str], caller: str) -> None:
    counts[caller] -= 1
    if not counts[caller]:
        del counts[caller]
