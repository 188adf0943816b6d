"""Whoever knows nothing but the event log: does it tell how everything stood, and why everybody was chosen?"""

from __future__ import annotations

from acd.event_log import decoded, encoded
from acd.events import AcdEvent, EventKind
from acd.explain import decision
from acd.figures import Figures
from acd.replay import Replay
from acd.router import Router


class Shadow:
    """``hear`` every event as it comes; `agrees` with the router between two of its turns."""

    def __init__(self) -> None:
        self.replay = Replay()
        self.figures = Figures()
        self.decisions = 0
        self._given_back: dict[str, float] = {}  # extension → when a call of theirs was taken away

    def hear(self, event: AcdEvent) -> None:
        read = decoded(encoded(event).decode())
        assert read is not None
        if read.kind is EventKind.OFFERED:
            self._chosen(read)
        if read.kind in (EventKind.OFFER_MISSED, EventKind.OFFER_LAPSED):
            self._given_back[read.agent] = read.at
        self.replay.hear(read)
        self.figures.hear(read)

    def _chosen(self, event: AcdEvent) -> None:
        """The agent who was offered the call comes first among those who could have taken it."""
        told = decision(self.replay, event)
        able = [one.extension for one in told.candidates if not one.out]
        assert event.agent in able, told
        # who has lost a call chooses first
        assert able[0] == event.agent or self._given_back.get(event.agent) == event.at, told
        self.decisions += 1

    def agrees(self, router: Router, now: float) -> None:
        for state in router._floor:
            extension = state.extension
            assert self.replay.floor.state(extension) == state
            assert self.replay.floor.phone(extension) is router._floor.phone(extension)
        for one in self.figures.queues(now).values():
            assert one.adds_up
        here = {place.call.call_id for place in router._line if not _talks(router, place.call.call_id)}
        assert {call_id for call_id in here if call_id in self.replay.line} == here


def _talks(router: Router, call_id: str) -> bool:
    return any(state.offer is not None and state.offer.call_id == call_id for state in router._floor)
