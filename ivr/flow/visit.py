"""The walk's hand luggage: what each node gets when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ivr.flow.leave import GoTo
from ivr.flow.nodes.form import WayForm
from ivr.flow.state import CallState
from ivr.flow.world import World
from ivr.voice import Voice


@dataclass(slots=True)
class Visit:
    """``until``: when the walk's time is up. ``typed``: a key pressed while a notice played; the next menu
    takes it as its first answer, so that a caller who knows the menu need not wait for it."""

    state: CallState
    voice: Voice
    world: World
    until: datetime
    typed: str = ""

    @property
    def late(self) -> bool:
        return self.world.now() >= self.until

    def take_typed(self) -> str:
        typed, self.typed = self.typed, ""
        return typed

    def take(self, way: WayForm) -> GoTo:
        """Do what the way sets on the call, then go where it leads."""
        self.state.attributes.update(way.set)
        if way.set_language is not None:
            self.state.language = way.set_language
            self.voice.speak_language(way.set_language)
        return GoTo(way.goto)
