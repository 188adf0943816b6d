"""What `hotline status` and its sisters may ask of the engine, word by word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass

from acd.ami.pbx import Pbx
from acd.event_log import EventLog
from acd.own_strategy import OwnStrategy
from acd.router import Router
from agi_scripts.centre import LiveCalls
from crm_bridge.journal import Journal
from crm_bridge.problems import DAY_S, problem_count
from hotline.closings import WORD as CLOSURES
from hotline.closings import Closings
from hotline.control import Json
from hotline.day_figures import DayFigures, told, told_of_agent
from hotline.line import LINE, SEND_ON, send_call_on
from hotline.metrics import Picture
from hotline.studio import PROMPTS, RECORD, TAKE, EngineStudio
from ivr.agi.server import AgiServer

Answer = Callable[[Mapping[str, Json]], Awaitable[Mapping[str, Json]]]


@dataclass(frozen=True, slots=True)
class Answers:
    """``stop(closing)`` ends the engine; ``clock``: Unix s."""

    name: str
    started_at: float
    clock: Callable[[], float]
    router: Router
    pbx: Pbx
    agi: AgiServer
    journal: Journal
    closings: Closings
    live: LiveCalls
    studio: EngineStudio
    events: EventLog
    today: DayFigures
    strategies: Mapping[str, OwnStrategy]
    stop_engine: Callable[[bool], None]

    def by_word(self) -> Mapping[str, Answer]:
        return {
            "ping": self.ping,
            "status": self.status,
            "agents": self.agents,
            "queues": self.queues,
            LINE: self.line,
            SEND_ON: self.send_on,
            CLOSURES: self.closures,
            PROMPTS: self.prompts,
            RECORD: self.record,
            TAKE: self.take,
            "drain": self.drain,
            "close": self.close,
            "stop": self.stop,
        }

    async def ping(self, _: Mapping[str, Json]) -> Mapping[str, Json]:
        return {}

    async def status(self, _: Mapping[str, Json]) -> Mapping[str, Json]:
        backlog = await self.journal.backlog()
        return {
            "site": self.name,
            "up_s": round(self.clock() - self.started_at, 1),
            "asterisk": "up" if self.pbx.up else "away",
            "calls": len(self.live.by_id),
            "agi_sessions": self.agi.sessions,
            "agi_refused": dict(self.agi.refused),
            "ami_skipped": self.pbx.faults.skipped,
            "journal": asdict(backlog),
            "events_lost": self.events.lost,
            "failed_strategies": {name: own.failure for name, own in self.strategies.items() if own.failure},
            "flow_problems": await problem_count(self.journal, self.clock() - DAY_S),
            "closed_lines": self.closings.told(),
        }

    async def agents(self, _: Mapping[str, Json]) -> Mapping[str, Json]:
        """Now, and (``today``) since midnight."""
        today = self.today.agents()
        return {
            "agents": [
                {
                    **asdict(view),
                    "today": told_of_agent(today[view.extension]) if view.extension in today else {},
                }
                for view in await self.router.agents()
            ]
        }

    async def queues(self, _: Mapping[str, Json]) -> Mapping[str, Json]:
        """Now, and (``today``) since midnight."""
        today = self.today.queues()
        return {
            "queues": [
                {**asdict(view), "today": told(today[view.name]) if view.name in today else {}}
                for view in await self.router.queues()
            ]
        }

    async def picture(self) -> Picture:
        return Picture(
            await self.router.queues(),
            await self.router.agents(),
            self.today.queues(),
            self.today.agents(),
            len(self.live.by_id),
            self.pbx.up,
            (await self.journal.backlog()).pending,
            self.events.lost,
        )

    async def line(self, _: Mapping[str, Json]) -> Mapping[str, Json]:
        return {"calls": [asdict(view) for view in await self.router.line()]}

    async def send_on(self, question: Mapping[str, Json]) -> Mapping[str, Json]:
        return await send_call_on(self.router, question)

    async def closures(self, _: Mapping[str, Json]) -> Mapping[str, Json]:
        await self.closings.read()
        return self.closings.told()

    async def prompts(self, _: Mapping[str, Json]) -> Mapping[str, Json]:
        return await self.studio.read()

    async def record(self, question: Mapping[str, Json]) -> Mapping[str, Json]:
        return await self.studio.order(question, self.pbx)

    async def take(self, question: Mapping[str, Json]) -> Mapping[str, Json]:
        return await self.studio.state(question)

    async def stop(self, question: Mapping[str, Json]) -> Mapping[str, Json]:
        closing = bool(question.get("closing"))
        asyncio.get_running_loop().call_soon(lambda: self.stop_engine(closing))
        return {}

    async def drain(self, _: Mapping[str, Json]) -> Mapping[str, Json]:
        """Whoever waits or will wait is told sorry by the flow; whoever talks may finish."""
        self.live.draining = True
        for record in self.live.by_id.values():
            if record.channel not in self.live.dialled and record.channel not in self.live.outward:
                self.pbx.wake_soon(record.channel)
        return {}

    async def close(self, _: Mapping[str, Json]) -> Mapping[str, Json]:
        """From here on it is we who end the calls, and no caller."""
        self.live.closing = True
        return {}
