"""The engine: every part of the centre, built and joined here and nowhere else, in one process and one event loop.

Order matters: the AGI port is bound before Asterisk may start (whoever answers there can command channels); offers are
held until Asterisk has told which phones are free; and after a restart the calls that were waiting come back first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from acd.ami.pbx import Pbx
from acd.event_log import EventLog, read
from acd.events import AcdEvent, EventKind
from acd.handle_times import handle_times
from acd.memory import MemoryStore
from acd.router import Router, Ticket
from agi_scripts.admission import Admission
from agi_scripts.call import serve_call, serve_ended
from agi_scripts.callbacks import Callbacks
from agi_scripts.called_back import serve_called_back
from agi_scripts.centre import Centre, Credentials, LiveCalls
from agi_scripts.consulting import serve_consult, serve_consulted
from agi_scripts.desk import serve_desk
from agi_scripts.leg_desk import serve_leg
from agi_scripts.recording_desk import serve_record
from agi_scripts.regained import RegainedPlaces
from agi_scripts.talk_recording import Recordings
from agi_scripts.wrap_up import serve_wrap_up
from crm_bridge.closures import JournalClosureBook
from crm_bridge.directory import Directory
from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.lead_desk import LeadDesk
from crm_bridge.presence import JournalPresenceBook, last_conversations
from crm_bridge.problems import DAY_S
from crm_bridge.relay import Relay
from crm_bridge.resume import left_off
from crm_bridge.store import CrmStore
from crm_bridge.work_lists import last_abandoned
from hotline.answers import Answers
from hotline.calling_back import make_callbacks, resume_callbacks
from hotline.clock import SteadyClock
from hotline.closings import Closings
from hotline.control import ControlServer
from hotline.day_figures import DayFigures
from hotline.errands import functions, launch, text_gateway
from hotline.housekeeping import Housekeeping
from hotline.lamps import Lamps
from hotline.metrics import MetricsPort
from hotline.pbx_watch import AWAY, PbxWatch
from hotline.prompting import prompt_shelf, utterances
from hotline.settings import SiteFolders
from hotline.site.site import Site
from hotline.site.strategies import own_strategies
from hotline.store_opening import StoreOpening
from hotline.studio import EngineStudio
from hotline.sweeping import sweep
from ivr.agi.server import AgiServer, Route
from ivr.agi.session import AgiSession
from ivr.flow.interpreter import SiteWorld
from ivr.flow.outside import Outside
from ivr.web import HttpWeb

log = logging.getLogger(__name__)

# A returning call knocks at the latest one knock's pause after the engine is back; the rest is slack.
_RETURN_SLACK_S = 2.0
_RELAY_DRAIN_S = 5.0
_STORE_S = 5.0  # for the CRM store to be brought up before the first call; after that the calls come first
_PICTURE_EVERY_S = 2.0


class Engine:
    """One engine process of one site. `run` returns after `stop`. ``agi_secret``, ``ami_secret``: this boot's."""

    def __init__(self, site: Site, folders: SiteFolders, *, agi_secret: str, ami_secret: str) -> None:
        self._site, self._folders = site, folders
        self._agi_secret, self._ami_secret = agi_secret, ami_secret
        self._clock = SteadyClock()
        self._started_at = self._clock()
        self._live = LiveCalls()
        self._stopping = asyncio.Event()
        self._fault: BaseException | None = None
        self._studio: EngineStudio
        self._callbacks: Callbacks | None = None
        self._strategies = own_strategies(folders.site, {spec.strategy for spec in site.queues.values()})

    async def run(self) -> None:
        """Until `stop`. Raises OSError when a port is taken, what the journal raises, and what a part died of: half an
        engine is worse than none, and the supervisor starts a whole one."""
        async with AsyncExitStack() as ends:
            journal = await Journal.open(self._folders.journal)
            ends.push_async_callback(journal.close)
            store = await self._open_store(ends)
            await self._serve(journal, store, ends)
            await self._stopping.wait()
        if self._fault is not None:
            raise self._fault

    def stop(self, *, closing: bool = False) -> None:
        """End `run`. ``closing``: the whole site stops, so the calls that we let go get their outcome now; otherwise
        they are left to the dialplan, which knocks at the next engine."""
        self._live.closing = self._live.closing or closing
        self._stopping.set()

    async def _open_store(self, ends: AsyncExitStack) -> CrmStore:
        """Brought up to date; or, where it is away, as one that says so until it is there: no call waits for it."""
        opening = StoreOpening(self._site, self._folders, self._clock)
        ends.push_async_callback(opening.store.close)
        self._keep(opening.run(), "store", ends)
        await opening.tried(_STORE_S)
        return opening.store

    def _directory(self, store: CrmStore) -> Directory:
        site = self._site
        return Directory(store, region=site.country, codes=site.languages, zone=site.timezone, clock=self._clock)

    async def _serve(self, journal: Journal, store: CrmStore, ends: AsyncExitStack) -> None:
        """Start every part, in order; ``ends`` stops them in the opposite order."""
        relay = Relay(journal, store, keep_s=self._site.keep.journal_days * DAY_S, clock=self._clock)
        self._keep(relay.run(), "relay", ends)
        ends.push_async_callback(relay.stop, _RELAY_DRAIN_S)
        watch = PbxWatch(self._site, self._folders, journal, self._live, self._clock)
        pbx = watch.pbx(self._ami_secret)
        events = EventLog(self._folders.events, self._site.keep.events_days)
        ends.callback(events.close)
        today = DayFigures(self._site.timezone, self._clock)
        closings = Closings(JournalClosureBook(journal), self._clock)
        await closings.read()
        router = await self._router(journal, pbx, events, today, closings)
        self._keep(today.load(self._folders.events, self._started_at), "figures", ends)
        self._keep(self._learn(router), "handle times", ends)
        watch.join(router)
        self._callbacks = make_callbacks(self._site, router, pbx, journal, self._clock)
        ends.push_async_callback(self._callbacks.stop)
        outside = self._outside(store, router, ends)
        agi = AgiServer(
            host=self._site.bind,
            port=self._site.ports.agi,
            secret=self._agi_secret,
            routes=_routes(await self._centre(router, pbx, journal, store, closings, outside)),
        )
        await agi.start()
        ends.push_async_callback(agi.stop, 0)
        self._keep(router.run(), "router", ends)
        self._keep(watch.run(), "watch", ends)
        self._keep(Lamps(self._site, router, pbx).run(), "lamps", ends)
        self._keep(LeadDesk(store, self._clock).run(), "leads", ends)
        house = Housekeeping(self._site, self._folders, journal, store, self._clock, lambda: not self._live.by_id)
        self._keep(house.run(), "housekeeping", ends)
        self._keep(sweep(self._folders.conversations, self._site.keep.recordings_days), "sweep", ends)
        await pbx.start()
        ends.push_async_callback(pbx.stop)
        await resume_callbacks(self._site, self._callbacks, journal, self._clock())
        answers = Answers(
            name=self._site.name,
            started_at=self._started_at,
            clock=self._clock,
            router=router,
            pbx=pbx,
            agi=agi,
            journal=journal,
            closings=closings,
            live=self._live,
            studio=self._studio,
            events=events,
            today=today,
            strategies=self._strategies,
            stop_engine=lambda closing: self.stop(closing=closing),
        )
        self._open_metrics(answers, ends)
        control = ControlServer(self._folders.run, answers.by_word())
        await control.start()
        ends.push_async_callback(control.stop)
        await closings.read()  # what was closed before we could be told

    async def _router(
        self, journal: Journal, pbx: Pbx, events: EventLog, today: DayFigures, closings: Closings
    ) -> Router:
        hours = SiteWorld(self._site.hours, self._clock, closings.lines)

        def reports(event: AcdEvent) -> None:
            events.append(event)
            today.hear(event)
            _journal_event(journal, event)

        router = Router(
            store=MemoryStore(),
            queues=self._site.queues,
            agents=self._site.agent_specs,
            wake=lambda ticket: self._wake(pbx, ticket),
            clock=self._clock,
            reports=reports,
            presence=JournalPresenceBook(journal),
            rules=self._site.routing,
            strategies=self._strategies,
            is_closed=lambda line: not hours.is_open(line),
        )
        await router.start()
        await self._resume_wrap_ups(router, journal)
        router.hold(AWAY)
        places = await left_off(journal)
        self._live.left_off.update(places)
        waiting = {call_id for call_id, place in places.items() if place.waiting}
        router.expect(waiting, self._clock() + self._site.fail_open.knock_s + _RETURN_SLACK_S)
        return router

    def _wake(self, pbx: Pbx, ticket: Ticket) -> None:
        """The ticket's tag is the caller's channel, or says whose turn it is to be called back."""
        if self._callbacks is None or not self._callbacks.wake(ticket.tag):
            pbx.wake_soon(ticket.tag)

    async def _resume_wrap_ups(self, router: Router, journal: Journal) -> None:
        """Those of the engine before us, up to their own end."""
        since = self._clock() - max((spec.wrap_up_s for spec in self._site.queues.values()), default=0.0)
        for extension, (queue, ended_at) in (await last_conversations(journal, since)).items():
            if queue in self._site.queues:
                await router.wrap_up_until(extension, ended_at + self._site.queues[queue].wrap_up_s)

    def _outside(self, store: CrmStore, router: Router, ends: AsyncExitStack) -> Outside:
        """What the flows may ask beyond their call."""
        web = HttpWeb()
        ends.push_async_callback(web.close)
        return Outside(
            crm=self._directory(store),
            web=web,
            texts=text_gateway(self._site, self._folders, self._clock, ends),
            functions=functions(self._folders, ends),
            queue_look=router.look,
        )

    async def _centre(
        self, router: Router, pbx: Pbx, journal: Journal, store: CrmStore, closings: Closings, outside: Outside
    ) -> Centre:
        site = self._site
        shelf = await prompt_shelf(site, self._folders)
        self._studio = EngineStudio(site, self._folders, shelf)
        return Centre(
            numbers=site.numbers,
            flows=site.flows,
            queues=site.queues,
            agents=site.agent_specs,
            credentials={
                ext: Credentials(ext, agent.pin, agent.supervisor, agent.language) for ext, agent in site.agents.items()
            },
            router=router,
            journal=journal,
            world=SiteWorld(site.hours, self._clock, closings.lines, outside),
            pin_lock=outside.pins,
            clock=self._clock,
            prompt_path=shelf.path,
            has_prompt=shelf.has,
            default_language=site.default_language,
            country=site.country,
            utter=utterances(site, self._folders).path,
            languages=site.languages,
            launch=launch(self._folders),
            recordings=self._folders.voicemail,
            menu_s=site.menu_s,
            hours=site.hours,
            closings=closings,
            studio=self._studio.studio,
            admission=Admission(site.call_limits),
            standing=site.standing,
            regained=RegainedPlaces(site.regain_s),
            console=PbxConsole(pbx),
            conversations=Recordings(self._folders.conversations, dict(site.recorded)) if site.recorded else None,
            dispositions=site.dispositions,
            waiting=site.waiting,
            callbacks=self._callbacks,
            last_abandoned=lambda queues: last_abandoned(store, queues, self._live.rung_back, now=self._now()),
            timezone=site.timezone,
            destinations=site.destinations,
            outside_numbers=site.outside,
            live=self._live,
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _open_metrics(self, answers: Answers, ends: AsyncExitStack) -> None:
        if self._site.ports.metrics is None:
            return
        port = MetricsPort(self._site.bind, self._site.ports.metrics)
        ends.callback(port.close)

        async def draw() -> None:
            while True:
                port.picture = await answers.picture()
                await asyncio.sleep(_PICTURE_EVERY_S)

        self._keep(draw(), "metrics", ends)

    async def _learn(self, router: Router) -> None:
        """Of yesterday's and today's conversations, for the first waits that are foretold."""
        past = read(self._folders.events, self._started_at - DAY_S, self._started_at)
        router.learn(await asyncio.to_thread(handle_times, past))

    def _keep(self, work: Coroutine[None, None, None], name: str, ends: AsyncExitStack) -> None:
        """Run a part in a task of its own until ``ends``."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._part_ended)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        ends.push_async_callback(end)

    def _part_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.critical("%s died, so the engine ends", task.get_name(), exc_info=fault)
            self._fault = fault
            self._stopping.set()


def _routes(centre: Centre) -> Mapping[str, Route]:
    def to(script: Callable[[AgiSession, Centre], Awaitable[None]]) -> Route:
        return lambda session: script(session, centre)

    return {
        "call": to(serve_call),
        "ended": to(serve_ended),
        "desk": to(serve_desk),
        "leg": to(serve_leg),
        "callback": to(serve_called_back),
        "wrap_up": to(serve_wrap_up),
        "consult": to(serve_consult),
        "consulted": to(serve_consulted),
        "record": to(serve_record),
    }


class PbxConsole:
    """What the scripts may ask of Asterisk."""

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self.wake = pbx.wake_soon
        self.redirect = pbx.redirect
        self.mute_recording = pbx.mute_recording
        self.variable = pbx.variable

    async def hangup(self, channel: str) -> bool:
        return await self._pbx.hangup(channel)


def _journal_event(journal: Journal, event: AcdEvent) -> None:
    """A call's own coroutine writes its own events, so only the agents' are left."""
    if event.kind is EventKind.AGENT_PRESENCE and not event.fields["restored"]:
        fields = {"agent": event.agent, **{word: str(event.fields[word]) for word in ("presence", "reason")}}
        journal.append_soon(Entry("", event.kind.value, event.at, fields))
