"""Every instant the router has promised to act at. Pure: it never looks at a clock itself.

A heap with the current instant of each key beside it: an entry that no longer agrees is dropped when it
comes up, and all such entries at once when they outnumber the rest (a talk's four-hour limit would
otherwise stay for four hours).
"""

from __future__ import annotations

from enum import StrEnum
from heapq import heapify, heappop, heappush

NEVER = float("inf")


class Due(StrEnum):
    """What is due; the key's second half says for whom."""

    AGENT = "agent"  # the engagement's own deadline; extension
    REST = "rest"  # the rest after a miss is over; extension
    RONA = "rona"  # the pause for missed calls ends by itself; extension
    STEP = "step"  # the requirement relaxes; call id
    WAIT = "wait"  # the longest wait is reached; call id
    OVERFLOW = "overflow"  # a rule of overflow holds by the clock; call id
    BACK = "back"  # the call that let an offer lapse may be offered again; call id
    EXPECTED = "expected"  # nobody waits any longer for calls to come back
    RESYNC = "resync"  # read the store again


Key = tuple[Due, str]


class Deadlines:
    def __init__(self) -> None:
        self._at: dict[Key, float] = {}
        self._heap: list[tuple[float, Due, str]] = []

    def set(self, due: Due, whom: str, at: float | None) -> None:
        """``at``: Unix seconds; None or NEVER takes the promise back."""
        key = (due, whom)
        if at is None or at == NEVER:
            self._at.pop(key, None)
        elif self._at.get(key) != at:
            self._at[key] = at
            heappush(self._heap, (at, due, whom))
        if len(self._heap) > 2 * len(self._at) + 64:
            self._heap = [(when, *kept) for kept, when in self._at.items()]
            heapify(self._heap)

    def next(self) -> float:
        """The earliest instant, or NEVER."""
        while self._heap and self._at.get(self._heap[0][1:]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else NEVER

    def pop(self, now: float) -> Key | None:
        """The earliest promise that is due, which is then forgotten; None when there is none."""
        if self.next() > now:
            return None
        _, due, whom = heappop(self._heap)
        del self._at[due, whom]
        return due, whom
