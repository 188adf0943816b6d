"""How long a queue's conversations take of late, wrap-up and all. Hears the ACD's events, and keeps no more of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from acd.events import AcdEvent, EventKind

# Conversations of each queue. What is not known of their length is an error of the wait foretold, times the callers
# before one: `hotline bench ewt` wants it small beside what chance makes of such a wait.
RECENT = 1000


class HandleTimes:
    """``hear`` every event, in order. An agent has one call at a time, so their extension names it; an answer takes the
    place of one that came to nothing, which is never wrapped up."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[str, float]] = {}  # agent → queue, answered at
        self._recent: dict[str, _Recent] = {}

    def hear(self, event: AcdEvent) -> None:
        if event.kind is EventKind.ANSWERED:
            self._begun[event.agent] = (event.queue, event.at)
        elif event.kind is EventKind.WRAP_UP_ENDED and event.agent in self._begun:
            queue, began = self._begun.pop(event.agent)
            self._recent.setdefault(queue, _Recent()).add(event.at - began)

    def learn(self, before: HandleTimes) -> None:
        """What was heard before this one began to."""
        for queue, past in before._recent.items():
            now = self._recent.get(queue)
            self._recent[queue] = past
            for seconds in now.seconds if now is not None else ():
                past.add(seconds)

    def mean_s(self, queue: str) -> float | None:
        """Seconds from the answer to the end of the wrap-up; None when no agent of the queue has come that far."""
        recent = self._recent.get(queue)
        return recent.mean_s if recent is not None else None


def handle_times(events: Iterable[AcdEvent]) -> HandleTimes:
    found = HandleTimes()
    for event in events:
        found.hear(event)
    return found


class _Recent:
    def __init__(self) -> None:
        self.seconds: deque[float] = deque()
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self._sum += seconds
        if len(self.seconds) > RECENT:
            self._sum -= self.seconds.popleft()

    @property
    def mean_s(self) -> float:
        return self._sum / len(self.seconds)
