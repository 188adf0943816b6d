"""How a queue stands for somebody who thinks of joining it. Looked at in the midst of a call: sync, and no longer than
the queue itself is."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from acd.floor import Floor
from acd.handle_times import HandleTimes
from acd.line import Line
from acd.model import Presence
from ivr.flow.outside import QueueLook

UNKNOWN_HANDLE_S = 90.0


class QueueLooks:
    def __init__(self, floor: Floor, line: Line, handled: HandleTimes) -> None:
        self._floor, self._line, self._handled = floor, line, handled
        self._members = _members(floor)

    def look(self, queue: str) -> QueueLook:
        """Nobody and nothing for a queue that is not there."""
        members = [extension for extension in self._members.get(queue, ()) if self._is_there(extension)]
        idle = sum(map(self._floor.eligible, members))
        waiting = sum(place.ticket.waits for place in self._line.of(queue))
        wait_s = expected_wait_s(waiting, idle, len(members), self._handled.mean_s(queue))
        return QueueLook(len(members), idle, waiting, wait_s)

    def _is_there(self, extension: str) -> bool:
        return self._floor.state(extension).presence is not Presence.LOGGED_OUT


def expected_wait_s(waiting: int, idle: int, staffed: int, handle_s: float | None) -> float:
    """Of one more caller, by this rule: as many agents must become free as there would be callers, this one too, more
    than agents idle now; with ``staffed`` agents one becomes free every ``handle_s / staffed`` seconds. 90 s for each
    when ``handle_s`` (talk and wrap-up, the mean of late) is not known. Without anybody staffed: infinite. Skills,
    priorities, pauses and the queue's other sources of work are not in it."""
    to_become_free = max(0, waiting + 1 - idle)
    if staffed == 0:
        return inf
    return to_become_free * (UNKNOWN_HANDLE_S if handle_s is None else handle_s / staffed)


def _members(floor: Floor) -> Mapping[str, list[str]]:
    members: dict[str, list[str]] = {}
    for extension, spec in floor.specs.items():
        for queue in spec.queues:
            members.setdefault(queue, []).append(extension)
    return members
