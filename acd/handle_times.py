"""How long a queue's conversations take of late, wrap-up and all. Hears the ACD's events, and keeps no more of them."""

from __future__ import annotations

from collections import deque
from statistics import fmean

from acd.events import AcdEvent, EventKind

RECENT = 50  # conversations of each queue


class HandleTimes:
    """``hear`` every event, in order. An agent has one call at a time, so their extension names it; an answer takes the
    place of one that came to nothing, which is never wrapped up."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[str, float]] = {}  # agent → queue, answered at
        self._recent: dict[str, deque[float]] = {}

    def hear(self, event: AcdEvent) -> None:
        if event.kind is EventKind.ANSWERED:
            self._begun[event.agent] = (event.queue, event.at)
        elif event.kind is EventKind.WRAP_UP_ENDED and event.agent in self._begun:
            queue, began = self._begun.pop(event.agent)
            self._recent.setdefault(queue, deque(maxlen=RECENT)).append(event.at - began)

    def mean_s(self, queue: str) -> float | None:
        """Seconds from the answer to the end of the wrap-up; None when no agent of the queue has come that far."""
        recent = self._recent.get(queue)
        return fmean(recent) if recent else None
