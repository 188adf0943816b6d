"""The event log in the words of app_queue's queue_log, for the tools that read that.

    epoch|call id|queue|agent|EVENT|data ...

An agent is named by their extension, a position is the call's place in its queue when it came in. What app_queue has no
word for is told by the nearest: a call that is sent on leaves by EXITEMPTY where nobody was staffed, else by
EXITWITHTIMEOUT; one that is to be called back by EXITWITHKEY.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from acd.events import AcdEvent, EventKind, LeftFor
from acd.setup import unpacked

_NONE = "NONE"


@dataclass(slots=True)
class _Stay:
    queue: str
    joined_at: float
    position: int
    offered_at: float = 0.0
    answered_at: float = 0.0
    agent: str = ""  # who answered
    connect: str = ""  # said when it is certain that they have talked
    sent_on_empty: bool = False


def queue_log(events: Iterable[AcdEvent], since: float = 0.0) -> list[str]:
    """The lines, in the order of time. ``since``: Unix s; events before it are followed and not told."""
    writer = _Writer()
    lines = [(at, line) for event in events for at, line in writer.lines(event) if at >= since]
    return [line for _, line in sorted(lines, key=lambda one: one[0])]


class _Writer:
    def __init__(self) -> None:
        self._stays: dict[str, _Stay] = {}
        self._queues: dict[str, list[str]] = {}  # extension → queues
        self._in: set[str] = set()

    def lines(self, event: AcdEvent) -> Iterator[tuple[float, str]]:
        match event.kind:
            case EventKind.SETUP:
                self._queues = {name: sorted(spec.queues) for name, spec in unpacked(event.fields).agents.items()}
                self._in = set()
                yield _line(event.at, _NONE, _NONE, _NONE, "QUEUESTART")
            case EventKind.AGENT_PRESENCE:
                yield from self._presence(event)
            case EventKind.QUEUED:
                yield from self._joined(event)
            case EventKind.SENT_ON if event.call_id in self._stays:
                self._stays[event.call_id].sent_on_empty = event.fields["why"] == "nobody_staffed"
            case EventKind.QUEUE_LEFT:
                yield from self._left(event)
            case _ if event.call_id in self._stays:
                yield from self._offer(event, self._stays[event.call_id])

    def _presence(self, event: AcdEvent) -> Iterator[tuple[float, str]]:
        agent, presence = event.agent, str(event.fields["presence"])
        words: list[tuple[str, str]] = []
        if presence == "logged_out":
            self._in.discard(agent)
            words.append(("REMOVEMEMBER", ""))
        elif agent not in self._in:
            self._in.add(agent)
            words.append(("ADDMEMBER", ""))
        if presence == "paused":
            words.append(("PAUSE", str(event.fields["reason"])))
        elif event.fields["change"] == "ready":
            words.append(("UNPAUSE", ""))
        for queue in self._queues.get(agent, ()):
            for word, data in words:
                yield _line(event.at, _NONE, queue, agent, word, data)

    def _joined(self, event: AcdEvent) -> Iterator[tuple[float, str]]:
        before = self._stays.get(event.call_id)
        if before is not None and before.queue == event.queue:
            return  # back after a restart
        position = 1 + sum(stay.queue == event.queue and not stay.answered_at for stay in self._stays.values())
        joined_at = float(str(event.fields["entered_at"]))
        self._stays[event.call_id] = _Stay(event.queue, joined_at, position)
        yield _line(event.at, event.call_id, event.queue, _NONE, "ENTERQUEUE", "", "", position)

    def _offer(self, event: AcdEvent, stay: _Stay) -> Iterator[tuple[float, str]]:
        at, agent = event.at, event.agent
        match event.kind:
            case EventKind.OFFERED:
                stay.offered_at = at
            case EventKind.ANSWERED:
                stay.answered_at, stay.agent = at, agent
                ring_s = round(at - stay.offered_at)
                hold_s = round(at - stay.joined_at)
                stay.connect = _line(at, event.call_id, stay.queue, agent, "CONNECT", hold_s, "", ring_s)[1]
            case EventKind.OFFER_MISSED:
                if agent == stay.agent:
                    stay.answered_at, stay.connect = 0.0, ""
                if event.fields["why"] != "withdrawn":
                    rung_ms = round((at - stay.offered_at) * 1000)
                    yield _line(at, event.call_id, stay.queue, agent, "RINGNOANSWER", rung_ms)
            case EventKind.TALK_ENDED:
                del self._stays[event.call_id]
                yield from _talked(event, stay)

    def _left(self, event: AcdEvent) -> Iterator[tuple[float, str]]:
        stay, why = self._stays.get(event.call_id), LeftFor(str(event.fields["why"]))
        if stay is None or stay.queue != event.queue or why in (LeftFor.CUT, LeftFor.REPLACED):
            return
        del self._stays[event.call_id]
        wait_s = round(event.at - stay.joined_at)
        word, data = _exit(why, stay, wait_s)
        yield _line(event.at, event.call_id, stay.queue, _NONE, word, *data)


def _talked(event: AcdEvent, stay: _Stay) -> Iterator[tuple[float, str]]:
    if stay.connect:
        yield stay.answered_at, stay.connect
    word = "COMPLETECALLER" if event.fields.get("by") == "caller" else "COMPLETEAGENT"
    answered_at = stay.answered_at or event.at
    hold_s, talk_s = round(answered_at - stay.joined_at), round(event.at - answered_at)
    yield _line(event.at, event.call_id, stay.queue, event.agent, word, hold_s, talk_s, stay.position)


def _exit(why: LeftFor, stay: _Stay, wait_s: int) -> tuple[str, tuple[object, ...]]:
    match why:
        case LeftFor.ABANDONED:
            return "ABANDON", (stay.position, stay.position, wait_s)
        case LeftFor.CALLBACK:
            return "EXITWITHKEY", ("", stay.position, stay.position, wait_s)
        case LeftFor.SENT_ON if stay.sent_on_empty:
            return "EXITEMPTY", (stay.position, stay.position, wait_s)
    return "EXITWITHTIMEOUT", (stay.position, stay.position, wait_s)


def _line(at: float, call_id: str, queue: str, agent: str, word: str, *data: object) -> tuple[float, str]:
    return at, "|".join((str(int(at)), call_id, queue, agent, word, *(str(part).replace("|", "/") for part in data)))
