"""What a queue and an agent have done, worked out of the ACD's events alone: tell it the same events, and it has the
same figures, today or after any number of restarts.

A *visit* is one stay of a call in one queue; each has one `VisitEnd`, or goes on. The books of a queue add up when
``offered`` is the sum of its ends and of what goes on (`QueueFigures.adds_up`).
Service level, both ways (app_queue's SL, and SL2, which leaves out who was too impatient to be served in time):

    sl   answered within T / answered
    sl2  answered within T / (answered + abandoned, but for those who left within T)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from enum import StrEnum

from acd.events import AcdEvent, EventKind, LeftFor
from acd.setup import unpacked

SHORT_ABANDON_S = 5.0  # who leaves sooner has dialled wrong, or changed their mind: told apart
_SERVICE_LEVEL_S = 20.0


class VisitEnd(StrEnum):
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    SHORT_ABANDON = "short_abandon"
    TIMED_OUT = "timed_out"
    SENT_ON = "sent_on"
    CALLBACK = "callback"
    LOST = "lost"  # an engine or a line died, and the call never came back


@dataclass(slots=True)
class Visit:
    """Instants in Unix seconds. ``end`` None: it goes on, in line or in a conversation that may yet fall through."""

    call_id: str
    queue: str
    joined_at: float
    waited_s: float = 0.0
    agent: str = ""
    end: VisitEnd | None = None
    cut_at: float | None = None  # when it was lost sight of


@dataclass(slots=True)
class QueueFigures:
    """``answered`` has who talks now in it. Seconds; ``waited_s`` and ``longest_wait_s`` of the answered."""

    queue: str
    offered: int = 0
    ends: Counter[VisitEnd] = field(default_factory=Counter)
    goes_on: int = 0
    in_time: int = 0
    abandoned_in_time: int = 0
    waited_s: float = 0.0
    longest_wait_s: float = 0.0

    @property
    def answered(self) -> int:
        return self.ends[VisitEnd.ANSWERED]

    @property
    def abandoned(self) -> int:
        """Short ones apart."""
        return self.ends[VisitEnd.ABANDONED]

    @property
    def asa_s(self) -> float | None:
        """The average speed of answer."""
        return self.waited_s / self.answered if self.answered else None

    @property
    def sl(self) -> float | None:
        """0-1; None while nobody was answered."""
        return self.in_time / self.answered if self.answered else None

    @property
    def sl2(self) -> float | None:
        counted = self.answered + self.abandoned + self.ends[VisitEnd.SHORT_ABANDON] - self.abandoned_in_time
        return self.in_time / counted if counted else None

    @property
    def adds_up(self) -> bool:
        return self.offered == self.ends.total() + self.goes_on


@dataclass(slots=True)
class AgentFigures:
    """Seconds logged in, paused (by reason), in conversations, in wrap-up; ``missed`` by why."""

    extension: str
    offered: int = 0
    answered: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    logged_in_s: float = 0.0
    paused_s: dict[str, float] = field(default_factory=dict)
    talk_s: float = 0.0
    wrap_up_s: float = 0.0

    @property
    def occupancy(self) -> float | None:
        """The share of the time logged in and not paused that went into calls and wrap-up; None without any."""
        there_s = self.logged_in_s - sum(self.paused_s.values())
        return min(1.0, (self.talk_s + self.wrap_up_s) / there_s) if there_s > 0 else None


class Figures:
    """``hear`` every event from a ``setup`` on, in order. Visits that began, and agents' time that passed, from
    ``since`` on (Unix s) are counted; those before are followed only. ``keep`` is given each visit that is over and
    counted: for whoever wants to know which ones a figure is made of (with `open_visits`)."""

    def __init__(self, since: float = 0.0, keep: Callable[[Visit], None] | None = None) -> None:
        self._since, self._keep = since, keep
        self._levels: dict[str, float] = {}
        self._open: dict[str, Visit] = {}  # by call id: a call is in one queue at a time
        self._closed: dict[str, QueueFigures] = {}
        self._shifts: dict[str, _Shift] = {}

    def hear(self, event: AcdEvent) -> None:
        match event.kind:
            case EventKind.SETUP:
                self._begin(event)
            case EventKind.QUEUED:
                self._join(event)
            case EventKind.ANSWERED:
                self._answer(event)
            case EventKind.OFFER_MISSED if event.call_id in self._open:
                self._missed(self._open[event.call_id], event)
            case EventKind.TALK_ENDED:
                self._end(event, VisitEnd.ANSWERED)
            case EventKind.SENT_ON:
                self._wait_over(event, VisitEnd.SENT_ON)
            case EventKind.QUEUE_LEFT:
                self._left(event)
        if event.agent:
            self._shift(event.agent).hear(event)

    def begin_day(self, since: float) -> None:
        """From here on only what begins or passes after ``since`` (Unix s) is counted. What goes on is followed."""
        self._since, self._closed = since, {}
        for shift in self._shifts.values():
            shift.begin_day(since)

    def queues(self, now: float) -> Mapping[str, QueueFigures]:
        """By queue name, as of ``now`` (Unix s)."""
        figures = {name: deepcopy(one) for name, one in self._closed.items()}
        for visit in self.open_visits():
            one = figures.setdefault(visit.queue, QueueFigures(visit.queue))
            one.offered += 1
            self._count(one, visit, visit.end)
        return figures

    def open_visits(self) -> list[Visit]:
        """Those that are counted and not over, each with the end it would have now."""
        counted = (visit for visit in self._open.values() if visit.joined_at >= self._since)
        return [replace(visit, end=_going_on(visit)) for visit in counted]

    def agents(self, now: float) -> Mapping[str, AgentFigures]:
        """By extension, as of ``now`` (Unix s)."""
        return {extension: shift.figures(now) for extension, shift in self._shifts.items()}

    def _begin(self, event: AcdEvent) -> None:
        """A router begins. Calls that it finds again go on; the others were lost."""
        self._levels = {name: spec.service_level_s for name, spec in unpacked(event.fields).queues.items()}
        for visit in self._open.values():
            visit.cut_at = visit.cut_at or event.at
        for shift in self._shifts.values():
            shift.cut(event.at)

    def _join(self, event: AcdEvent) -> None:
        before = self._open.get(event.call_id)
        if before is not None and before.queue == event.queue and event.fields["returned"]:
            before.cut_at = None
            return
        if before is not None:
            self._close(before, VisitEnd.LOST)
        joined_at = float(str(event.fields["entered_at"]))
        self._open[event.call_id] = Visit(event.call_id, event.queue, joined_at)

    def _answer(self, event: AcdEvent) -> None:
        visit = self._open.get(event.call_id)
        if visit is not None:
            visit.agent, visit.waited_s = event.agent, max(0.0, event.at - visit.joined_at)

    def _missed(self, visit: Visit, event: AcdEvent) -> None:
        """Of phones that rang together one may have been answered."""
        if visit.agent == event.agent:
            visit.agent = ""

    def _wait_over(self, event: AcdEvent, end: VisitEnd) -> None:
        visit = self._open.get(event.call_id)
        if visit is not None and visit.queue == event.queue:
            visit.waited_s = max(0.0, event.at - visit.joined_at)
            self._close(visit, end)

    def _left(self, event: AcdEvent) -> None:
        visit, why = self._open.get(event.call_id), LeftFor(str(event.fields["why"]))
        if visit is None or visit.queue != event.queue:
            return
        if why in (LeftFor.CUT, LeftFor.REPLACED):
            visit.cut_at = event.at
        elif why is LeftFor.ABANDONED:
            short = event.at - visit.joined_at < SHORT_ABANDON_S
            self._wait_over(event, VisitEnd.SHORT_ABANDON if short else VisitEnd.ABANDONED)
        else:
            self._wait_over(event, VisitEnd(why.value))

    def _end(self, event: AcdEvent, end: VisitEnd) -> None:
        visit = self._open.get(event.call_id)
        if visit is not None:
            self._close(visit, end)

    def _close(self, visit: Visit, end: VisitEnd) -> None:
        self._open.pop(visit.call_id, None)
        if visit.joined_at < self._since:
            return
        one = self._closed.setdefault(visit.queue, QueueFigures(visit.queue))
        one.offered += 1
        self._count(one, visit, end)
        if self._keep is not None:
            self._keep(replace(visit, end=end))

    def _count(self, one: QueueFigures, visit: Visit, end: VisitEnd | None) -> None:
        if end is None:
            one.goes_on += 1
            return
        one.ends[end] += 1
        in_time = visit.waited_s <= self._levels.get(visit.queue, _SERVICE_LEVEL_S)
        if end is VisitEnd.ANSWERED:
            one.in_time += in_time
            one.waited_s += visit.waited_s
            one.longest_wait_s = max(one.longest_wait_s, visit.waited_s)
        elif end in (VisitEnd.ABANDONED, VisitEnd.SHORT_ABANDON):
            one.abandoned_in_time += in_time

    def _shift(self, extension: str) -> _Shift:
        return self._shifts.setdefault(extension, _Shift(extension, self._since))


def _going_on(visit: Visit) -> VisitEnd | None:
    if visit.agent:
        return VisitEnd.ANSWERED
    return VisitEnd.LOST if visit.cut_at is not None else None


class _Shift:
    """One agent's time, as a row of spans that are open until an event ends them."""

    def __init__(self, extension: str, since: float) -> None:
        self._since = since
        self._sums = AgentFigures(extension)
        self._open: dict[str, float] = {}  # "in", "talk", "wrap_up" or "paused <reason>" → since

    def hear(self, event: AcdEvent) -> None:
        match event.kind:
            case EventKind.AGENT_PRESENCE:
                self._presence(event)
            case EventKind.OFFERED:
                self._sums.offered += self._counts(event)
            case EventKind.OFFER_MISSED:
                self._close("talk", None)
                if event.fields["why"] != "withdrawn":
                    self._sums.missed[str(event.fields["why"])] += self._counts(event)
            case EventKind.ANSWERED:
                self._open["talk"] = event.at
            case EventKind.TALK_ENDED:
                self._sums.answered += self._counts(event)
                self._close("talk", event.at)
                self._open["wrap_up"] = event.at
            case EventKind.WRAP_UP_UNTIL:
                self._open.setdefault("wrap_up", event.at)
            case EventKind.WRAP_UP_ENDED:
                self._close("wrap_up", event.at)

    def cut(self, at: float) -> None:
        """An engine begins: what went on in the one before it ends here, and is told anew where it still goes on."""
        for what in list(self._open):
            self._close(what, at)

    def begin_day(self, since: float) -> None:
        self._since, self._sums = since, AgentFigures(self._sums.extension)

    def figures(self, now: float) -> AgentFigures:
        told = deepcopy(self._sums)
        for what, began in self._open.items():
            _add(told, what, max(0.0, now - max(began, self._since)))
        return told

    def _counts(self, event: AcdEvent) -> bool:
        return event.at >= self._since

    def _presence(self, event: AcdEvent) -> None:
        presence, at = str(event.fields["presence"]), event.at
        for what in self._paused():
            self._close(what, at)
        if presence == "logged_out":
            self._close("in", at)
            return
        self._open.setdefault("in", at)
        if presence == "paused":
            self._open[f"paused {event.fields['reason']}"] = at

    def _paused(self) -> Iterator[str]:
        return iter([what for what in self._open if what.startswith("paused ")])

    def _close(self, what: str, at: float | None) -> None:
        """``at`` None: it came to nothing."""
        began = self._open.pop(what, None)
        if began is not None and at is not None:
            _add(self._sums, what, max(0.0, at - max(began, self._since)))


def _add(figures: AgentFigures, what: str, seconds: float) -> None:
    match what:
        case "in":
            figures.logged_in_s += seconds
        case "talk":
            figures.talk_s += seconds
        case "wrap_up":
            figures.wrap_up_s += seconds
        case _:
            reason = what.removeprefix("paused ")
            figures.paused_s[reason] = figures.paused_s.get(reason, 0.0) + seconds
