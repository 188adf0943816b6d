"""The wait of one caller who is in line, as things stand: who is before them, and who could take them."""

from __future__ import annotations

from acd.expected_wait import WaitLook, wait_look
from acd.floor import Floor
from acd.handle_times import HandleTimes
from acd.line import Line
from acd.model import Presence, place_in_line
from acd.profiles import AgentClass, CallClass
from acd.tickets import Place


class WaitLooks:
    def __init__(self, floor: Floor, line: Line, handled: HandleTimes, class_s: float) -> None:
        self._floor, self._line, self._handled, self._class_s = floor, line, handled, class_s

    def look(self, place: Place) -> WaitLook:
        """A call that is kept for one agent waits for that one."""
        at_work = self._at_work()
        mine = self._workers(place, at_work)
        before = [other for other in self._line if other.ticket.waits and self._is_before(other, place)]
        ahead = sum(_share(self._workers(other, at_work), mine) for other in before)
        position = 1 + sum(other.call.queue == place.call.queue for other in before)
        handle_s = self._handled.mean_s(place.call.queue)
        return wait_look(position, ahead, len(mine), handle_s, anyone_now=self._anyone_now(place))

    def _is_before(self, other: Place, place: Place) -> bool:
        return place_in_line(other.call, self._class_s) < place_in_line(place.call, self._class_s)

    def _at_work(self) -> dict[AgentClass, set[str]]:
        """The agents who take calls, by class."""
        found: dict[AgentClass, set[str]] = {}
        for state in self._floor:
            if state.presence is Presence.AVAILABLE:
                found.setdefault(self._floor.class_of(state.extension), set()).add(state.extension)
        return found

    def _workers(self, place: Place, at_work: dict[AgentClass, set[str]]) -> set[str]:
        if place.kept_for:
            return {place.kept_for} & set().union(*at_work.values())
        return self._of(self._class(place, place.step), at_work)

    def _class(self, place: Place, step: int) -> CallClass:
        return self._line.ladder(place.call.queue).call_class(step, place.call.attributes)

    def _of(self, calls: CallClass, at_work: dict[AgentClass, set[str]]) -> set[str]:
        return set().union(*(at_work.get(agents, ()) for agents in calls.fitting))

    def _anyone_now(self, place: Place) -> bool:
        last = self._line.ladder(place.call.queue).last
        if place.kept_for or place.step >= last:
            return False
        wider = self._of(self._class(place, last), self._at_work())
        return any(self._floor.eligible(extension) for extension in wider)


def _share(theirs: set[str], mine: set[str]) -> float:
    """Of the work that another call is, what falls on the agents that this one waits for."""
    return len(theirs & mine) / len(theirs) if theirs else 0.0
