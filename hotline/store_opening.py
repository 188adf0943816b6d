"""Brings the CRM store up to this program and to the site's files; the calls do not wait for it.

While the store is away, or its tables are not ours yet, it answers that it is away: what a flow looks up fails the
flow's own way, and the relay keeps everything in the journal. Before a migration of a store that has rows a backup is
made. One that fails leaves the store as it was, and says what to do.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from crm_bridge.backup.form import BadBackup
from crm_bridge.migrating import head, known_revisions, migrate
from crm_bridge.seed import sow
from crm_bridge.store import CrmStore, EntryRefused, SourceName, StoreAway
from hotline.backups import back_up_aside, state_of
from hotline.settings import SiteFolders
from hotline.site.crm_seed import crm_seed
from hotline.site.site import Site

log = logging.getLogger(__name__)

_FIRST_RETRY_S, _LAST_RETRY_S = 1.0, 30.0
_NOT_YET = "the CRM store has not been brought up to date yet"


class NotBroughtUp(Exception):
    """The store is as it was; the message says why and what to do."""


class StoreOpening:
    """``store`` may be used at once: until it is brought up it is away. ``clock``: Unix seconds."""

    def __init__(self, site: Site, folders: SiteFolders, clock: Callable[[], float]) -> None:
        self._site, self._folders, self._clock = site, folders, clock
        self._tried = asyncio.Event()
        self._backups: dict[str, Path] = {}  # revision → the backup that this process has made of it
        self.store = CrmStore(_url(site, folders), region=site.country, rules=site.crm_rules)
        self.store.hold(_NOT_YET)

    async def run(self) -> None:
        """Until it is done. A store that is away is tried again and again."""
        retry_s, said = _FIRST_RETRY_S, ""
        while True:
            try:
                await self._bring_up()
            except (NotBroughtUp, StoreAway) as error:
                level = logging.ERROR if str(error) != said else logging.DEBUG
                log.log(level, "%s. Calls are served; what they leave is kept in the journal", error)
                said = str(error)
            else:
                return
            finally:
                self._tried.set()
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, _LAST_RETRY_S)

    async def tried(self, timeout_s: float) -> None:
        """Wait for the first try, whatever comes of it, but no longer than so."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._tried.wait()
        except TimeoutError:
            log.warning("the CRM store takes its time; calls are served meanwhile")

    async def _bring_up(self) -> None:
        await bring_up(self._site, self._folders, self._now(), self._backups)
        if self._tried.is_set():
            log.info("the CRM store is here")
        self.store.release()
        await self.store.name_sources(SourceName(s.id, s.name, s.kind) for s in self._site.media.values())
        today = self._now().astimezone(self._site.timezone).date()
        seed = crm_seed(self._site.crm, today, self._site.country, self._site.timezone)
        try:
            await sow(self.store, seed, today)
        except EntryRefused as error:
            log.error("crm.yaml could not be brought into the store: %s", error)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


async def bring_up(site: Site, folders: SiteFolders, at: datetime, backups: dict[str, Path]) -> str | None:
    """To the tables of this program; the revision from which. ``backups``: by revision those that there are already,
    and afterwards the new one too. Raises NotBroughtUp."""
    url = _url(site, folders)
    try:
        revision, filled = await asyncio.to_thread(state_of, url)
    except (SQLAlchemyError, OSError) as error:
        raise NotBroughtUp(f"the CRM store is away: {short(error)}") from error
    if revision == head():
        return revision
    _refuse_newer(revision)
    if revision is not None and filled and revision not in backups:
        backups[revision] = await _back_up_first(site, folders, revision, at)
    try:
        await migrate(url)
    except (SQLAlchemyError, CommandError, OSError) as error:
        raise NotBroughtUp(_what_to_do(revision, backups.get(revision or ""), error)) from error
    return revision


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision not in known_revisions():
        raise NotBroughtUp(
            f"the CRM store has revision {revision}, which this version does not know (it knows {head()}): run the"
            " version that made it, or let that one take it back (`hotline db downgrade`)"
        )


async def _back_up_first(site: Site, folders: SiteFolders, revision: str, at: datetime) -> Path:
    try:
        made = await asyncio.to_thread(back_up_aside, site, folders, f"auto-{revision}", at)
    except (SQLAlchemyError, sqlite3.Error, BadBackup, OSError) as error:
        raise NotBroughtUp(
            f"the CRM store of revision {revision} was not migrated, because no backup of it could be made:"
            f" {short(error)}; make room in {folders.backups}"
        ) from error
    log.info("the store of before the migration is in %s", made)
    return made


def _what_to_do(revision: str | None, backup: Path | None, error: Exception) -> str:
    kept = f"; a backup is in {backup}" if backup is not None else ""
    return (
        f"the CRM store could not be migrated from {revision or 'nothing'} to {head()} and is as it was{kept}:"
        f" {short(error)}. Run the version before this one again, or mend what it says; it is tried again by itself,"
        " and by `hotline db upgrade`"
    )


def short(error: BaseException) -> str:
    """The driver's own words: SQLAlchemy's carry the parameters."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).strip()}"[:300]


def _url(site: Site, folders: SiteFolders) -> str:
    return site.crm_url or folders.crm_url
