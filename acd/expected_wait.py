"""How long one who waits will go on waiting, and how sure that is. Pure.

With k callers before them and n agents, each busy for h seconds with a caller on the average, one becomes free every
h / n seconds, so the wait is that of k + 1 such moments: (k + 1) h / n on the average, and, where the times vary as
those of telephone calls do (Erlang's law), with a deviation of that over the root of k + 1. The range is one deviation
to either side: about two callers in three are in it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf, sqrt

from acd.events import AcdEvent, EventKind

UNKNOWN_HANDLE_S = 90.0
_RECENT = 50  # promises remembered for each queue
_ENOUGH = 10  # of them before we judge
_GOOD = 0.5  # the share of promises kept


@dataclass(frozen=True, slots=True)
class WaitLook:
    """One caller's wait from now on. ``position``: in their own queue, from 1. Seconds; infinite where nobody works.
    ``anyone_now``: somebody is idle who could take the call if it asked for no specialist."""

    position: int
    expected_s: float
    low_s: float
    high_s: float
    anyone_now: bool = False


def wait_look(
    position: int, ahead: float, agents: int, handle_s: float | None, *, anyone_now: bool = False
) -> WaitLook:
    """``ahead``: callers before this one, each counted by the share of the work that falls on these ``agents``."""
    if agents == 0:
        return WaitLook(position, inf, inf, inf, anyone_now)
    turns = ahead + 1
    expected_s = turns * (UNKNOWN_HANDLE_S if handle_s is None else handle_s) / agents
    deviation_s = expected_s / sqrt(turns)
    return WaitLook(position, expected_s, max(0.0, expected_s - deviation_s), expected_s + deviation_s, anyone_now)


class WaitScore:
    """What was promised against what came, queue by queue; ``hear`` every event. Of somebody who gave up nothing is
    known but that it took too long, if it did."""

    def __init__(self) -> None:
        self._promised: dict[str, tuple[str, float, float, float]] = {}  # call → queue, at, low, high
        self._kept: dict[str, deque[bool]] = {}

    def hear(self, event: AcdEvent) -> None:
        match event.kind:
            case EventKind.ANNOUNCED:
                low_s, high_s = float(str(event.fields["low_s"])), float(str(event.fields["high_s"]))
                self._promised.setdefault(event.call_id, (event.queue, event.at, low_s, high_s))
            case EventKind.ANSWERED:
                self._judge(event, answered=True)
            case EventKind.QUEUE_LEFT:
                self._judge(event, answered=False)

    def share(self, queue: str) -> float | None:
        """Of the promises of late, how many were kept, 0-1; None while there are too few."""
        kept = self._kept.get(queue, ())
        return sum(kept) / len(kept) if len(kept) >= _ENOUGH else None

    def good(self, queue: str) -> bool:
        """Worth saying aloud. A queue of which we know little is given the benefit of the doubt."""
        share = self.share(queue)
        return share is None or share >= _GOOD

    def _judge(self, event: AcdEvent, *, answered: bool) -> None:
        queue, at, low_s, high_s = self._promised.pop(event.call_id, ("", 0.0, 0.0, 0.0))
        waited_s = event.at - at
        if queue and (answered or waited_s > high_s):
            kept = self._kept.setdefault(queue, deque(maxlen=_RECENT))
            kept.append(answered and low_s <= waited_s <= high_s)
