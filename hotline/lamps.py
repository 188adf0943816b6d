"""The lamps beside the keys of a phone (BLF): who is logged in, who is paused, which queue needs help."""

from __future__ import annotations

import asyncio

from acd.ami.pbx import Pbx
from acd.model import Presence
from acd.router import Router
from acd.views import AgentView, QueueView
from hotline.site.site import Alarm, Site

ON, OFF, BLINKING = "INUSE", "NOT_INUSE", "RINGING"
_EVERY_S = 1.0


class Lamps:
    """`run` looks once a second and tells Asterisk what has changed; all of it when Asterisk has been away."""

    def __init__(self, site: Site, router: Router, pbx: Pbx) -> None:
        self._site, self._router, self._pbx = site, router, pbx
        self._told: dict[str, str] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            if self._pbx.up:
                await self._tell()
            else:
                self._told.clear()

    async def _tell(self) -> None:
        wanted: dict[str, str] = {}
        for agent in await self._router.agents():
            wanted |= agent_lamps(agent)
        for queue in await self._router.queues():
            wanted[f"queue_{queue.name}"] = queue_lamp(queue, self._site.alarms.get(queue.name))
        for lamp, state in wanted.items():
            if self._told.get(lamp) != state and await self._pbx.set_lamp(lamp, state):
                self._told[lamp] = state


def agent_lamps(agent: AgentView) -> dict[str, str]:
    return {
        f"login{agent.extension}": OFF if agent.presence is Presence.LOGGED_OUT else ON,
        f"pause{agent.extension}": ON if agent.presence is Presence.PAUSED else OFF,
    }


def queue_lamp(queue: QueueView, alarm: Alarm | None) -> str:
    """On while anybody waits, blinking while it is too many or too long."""
    if alarm is not None and (
        (alarm.waiting is not None and queue.waiting >= alarm.waiting)
        or (alarm.wait_s is not None and queue.longest_wait_s >= alarm.wait_s)
    ):
        return BLINKING
    return ON if queue.waiting else OFF
