"""When Asterisk comes, goes and comes back: phones, held offers, and the calls that were lost meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable

from acd.ami.live import Snapshot
from acd.ami.pbx import Pbx
from acd.model import PhoneState
from acd.router import Router
from agi_scripts.centre import LiveCalls
from crm_bridge.intake import take_in
from crm_bridge.journal import Journal, JournalError
from crm_bridge.reconcile import reconcile
from hotline.settings import SiteFolders
from hotline.site.site import Site

log = logging.getLogger(__name__)

_INTAKE_EVERY_S = 5.0
AWAY = "asterisk is away"


class PbxWatch:
    """Joins the Asterisk adapter to the router and to the books. Use: `pbx`, `join`, then `run` beside the rest."""

    def __init__(
        self,
        site: Site,
        folders: SiteFolders,
        journal: Journal,
        live: LiveCalls,
        clock: Callable[[], float],
    ) -> None:
        self._site, self._folders, self._journal = site, folders, journal
        self._live, self._clock = live, clock
        self._router: Router | None = None
        self._pbx: Pbx | None = None
        self._tasks: set[asyncio.Task[bool]] = set()  # asyncio keeps only weak references

    def pbx(self, secret: str) -> Pbx:
        self._pbx = Pbx(
            self._site.bind,
            self._site.ports.ami,
            "hotline",
            secret,
            on_phone=self._phone,
            on_up=self._up,
            on_down=self._down,
            on_answer=self._answered,
        )
        return self._pbx

    def join(self, router: Router) -> None:
        self._router = router

    async def run(self) -> None:
        """Take in the spool now and then: a call may have gone on alone while we were up."""
        while True:
            await asyncio.sleep(_INTAKE_EVERY_S)
            await self._take_in()

    async def _up(self, snapshot: Snapshot) -> None:
        """The order is the law: what Asterisk has now, then the spool (an end may have come meanwhile), then who is
        lost, then the phones, and only then offers again."""
        asked_at = self._clock()
        await self._take_in()
        if snapshot.complete:
            await self._find_lost({leg.uniqueid for leg in snapshot.channels}, asked_at)
        router = self._router_now()
        for extension in self._site.agents:
            phone = snapshot.phones.get(extension, PhoneState.UNREACHABLE)
            router.phone(extension, phone)
            if phone is PhoneState.UNREACHABLE and self._pbx is not None:
                self._pbx.look_again_soon(extension)
        router.resume(AWAY)
        log.info("Asterisk is up: %d legs, %d phones", len(snapshot.channels), len(snapshot.phones))

    def _down(self, reason: str) -> None:
        self._router_now().hold(AWAY)
        log.warning("Asterisk is away: %s", reason)

    def _phone(self, extension: str, state: PhoneState) -> None:
        if extension in self._site.agents:
            self._router_now().phone(extension, state)

    def _answered(self, channel: str, extension: str) -> None:
        """A phone was picked up. Its call is the one that dials on that channel; a Dial that is none of ours is not."""
        outward = self._live.outward.get(channel)
        if outward is not None:
            outward.picked_up()
        record, offers = self._live.dialled.get(channel, (None, {}))
        if record is not None and extension in offers:
            record.answered(extension)
            self._soon(self._router_now().answered(offers[extension]))

    async def _find_lost(self, uniqueids: Iterable[str], asked_at: float) -> None:
        alive = set(uniqueids)
        open_calls = await self._journal.open_calls()
        live = {call.call_id for call in open_calls if call.uniqueid in alive} | set(self._live.by_id)
        for call_id in await reconcile(self._journal, live, asked_at):
            self._router_now().expect_no_more(call_id)
            log.warning("call lost with its channel", extra={"call_id": call_id})

    async def _take_in(self) -> None:
        try:
            taken = await take_in(self._folders.spool, self._journal)
        except JournalError as error:
            log.error("the fail-open records stay in the spool: %s", error)
            return
        if taken.taken or taken.bad:
            log.info("taken in from the fail-open script: %d records, %d bad", taken.taken, taken.bad)

    def _soon(self, work: Coroutine[None, None, bool]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _router_now(self) -> Router:
        if self._router is None:
            raise RuntimeError("the router is joined before Asterisk is asked")
        return self._router
