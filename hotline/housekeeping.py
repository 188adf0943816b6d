"""What the engine does beside the calls: once a day, what is past its days goes; and what a command could not do at
once (a restore that died, somebody to be erased whose call still went on) is done as soon as it can be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import UTC, datetime, time, timedelta, tzinfo

from crm_bridge.fold import EntryRefused
from crm_bridge.journal import Journal, JournalError
from crm_bridge.retention import Retention, Until
from crm_bridge.store import CrmStore, StoreAway
from hotline.log_files import put_by, remove_old
from hotline.persons.erasing import InTheBooks, NotNow, Place, clean_journal, erase, in_short
from hotline.persons.wishes import Wish, granted, open_wishes
from hotline.restoring import finish
from hotline.settings import SiteFolders
from hotline.site.site import Keep, Site
from hotline.sweeping import remove_older_in
from hotline.whole_file import write_whole

log = logging.getLogger(__name__)

LOOK_S = 10.0
_AT = time(3, 0)  # of the night, by the site's clock
_AGAIN = timedelta(minutes=10)  # after a store that was away


class Housekeeping:
    """``clock``: Unix seconds. `var/kept` says when it was last done: a site that is off at night does it later."""

    def __init__(
        self,
        site: Site,
        folders: SiteFolders,
        journal: Journal,
        store: CrmStore,
        clock: Callable[[], float],
        is_quiet: Callable[[], bool] = lambda: True,
    ) -> None:
        self._site, self._folders, self._journal, self._store, self._clock = site, folders, journal, store, clock
        self._is_quiet = is_quiet
        self._retention = Retention(store)
        self._not_before = datetime.min.replace(tzinfo=UTC)

    async def run(self, every_s: float = LOOK_S) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.look()
            except (StoreAway, EntryRefused, JournalError, OSError) as error:
                log.warning("housekeeping waits: %s", error)
            except Exception:  # no caller is to be without an engine because a file could not be swept
                log.exception("housekeeping failed, and is tried again")

    async def look(self) -> None:
        """Whatever is due. Raises StoreAway, JournalError, OSError."""
        await finish(self._folders, self._journal)
        await self._grant_wishes()
        now = datetime.fromtimestamp(self._clock(), UTC)
        if now >= self._not_before and due(self._kept_at(), now, self._site.timezone):
            self._not_before = now + _AGAIN
            await self._keep(now)

    async def _grant_wishes(self) -> None:
        """Of people who are to be forgotten. One that cannot be granted yet stays for the next look."""
        for _, wish in list(open_wishes(self._folders)):
            if wish.numbers:
                await self._grant(wish)
            elif self._is_quiet():
                await asyncio.to_thread(clean_journal, self._folders)
                granted(self._folders, wish)

    async def _grant(self, wish: Wish) -> None:
        place = Place(self._site, self._folders, self._store, self._journal, self._clock, True, self._is_quiet)
        try:
            told = await erase(place, wish)
        except NotNow as reason:
            log.debug("somebody is still to be forgotten: %s", reason)
        except InTheBooks as reason:
            log.error("somebody was to be forgotten, as %s wished at %s, and cannot be: %s", wish.by, wish.at, reason)
        else:
            log.info("somebody was forgotten, as %s wished at %s: %s", wish.by, wish.at, in_short(told))

    async def _keep(self, now: datetime) -> None:
        first = self._kept_at() is None
        gone = {"logs": 0, "message_files": 0} | asdict(await self._retention.keep(until(self._site.keep, now)))
        days = self._site.keep
        if not first:  # else what is in the logs is not a day old
            await asyncio.to_thread(
                put_by, self._folders, (now.astimezone(self._site.timezone) - timedelta(days=1)).date()
            )
        gone["logs"] = await asyncio.to_thread(remove_old, self._folders, _ago(now, days.logs_days).timestamp())
        gone["message_files"] = await asyncio.to_thread(
            remove_older_in, self._folders.voicemail, _ago(now, days.voicemails_days).timestamp()
        )
        write_whole(self._folders.kept, f"{now.isoformat()}\n")
        log.info("past their days and gone: %s", ", ".join(f"{count} {what}" for what, count in sorted(gone.items())))

    def _kept_at(self) -> datetime | None:
        try:
            return datetime.fromisoformat(self._folders.kept.read_text("ascii").strip())
        except (FileNotFoundError, ValueError):
            return None


def due(last: datetime | None, now: datetime, zone: tzinfo) -> bool:
    """Once in each night, or as soon as possible after it."""
    local = now.astimezone(zone)
    night = datetime.combine(local.date() if local.time() >= _AT else local.date() - timedelta(days=1), _AT, zone)
    return last is None or last < night


def until(keep: Keep, now: datetime) -> Until:
    days = {
        "calls": keep.calls_days,
        "call_events": keep.call_events_days,
        "messages": keep.voicemails_days,
        "surveys": keep.surveys_days,
        "interactions": keep.interactions_days,
        "recordings": keep.recordings_days,
        "api_requests": keep.api_requests_days,
    }
    return Until(**{name.name: _ago(now, days[name.name]) for name in fields(Until)})


def _ago(now: datetime, days: int) -> datetime:
    """No earlier than there were computers' clocks, however long somebody wants to keep something."""
    return max(datetime(1970, 1, 1, tzinfo=UTC), now - timedelta(days=days))
