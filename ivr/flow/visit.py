"""The walk's hand luggage: what each node gets when it runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from ivr.flow.leave import GoTo
from ivr.flow.nodes.form import WayForm
from ivr.flow.outside import NOBODY, Caller, OutsideFailed
from ivr.flow.state import CallState
from ivr.flow.world import World
from ivr.voice import Voice

_CALLER_S = 1.0  # a caller hears nothing meanwhile


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

    async def caller(self) -> Caller:
        """Who calls: asked once, and NOBODY when the CRM does not tell in time."""
        if self.state.caller is None:
            self.state.caller = await self._ask_caller() if self.state.ani else NOBODY
        return self.state.caller

    async def _ask_caller(self) -> Caller:
        try:
            async with asyncio.timeout(_CALLER_S):
                return await self.world.outside.crm.caller(self.state.ani)
        except (OutsideFailed, TimeoutError) as reason:
            self.problem(f"who calls is not known: {str(reason) or 'the CRM is too slow'}")
            return NOBODY

    def problem(self, what: str) -> None:
        """Something for the admin to see; the caller goes on."""
        self.state.on_problem(self.state.path[-1] if self.state.path else "", what)

    def take_typed(self) -> str:
        typed, self.typed = self.typed, ""
        return typed

    def take(self, way: WayForm) -> GoTo:
        """Do what the way sets on the call, then go where it leads."""
        self.state.attributes.update(way.set)
        if way.reached is not None and not self.state.reached:
            self.state.reached = way.reached
        if way.set_source is not None:
            self.state.source = way.set_source
        if way.set_language is not None:
            self.state.language = way.set_language
            self.voice.speak_language(way.set_language)
        return GoTo(way.goto)
