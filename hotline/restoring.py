"""`hotline restore`: a backup in the place of the CRM store's content, beside an engine that goes on serving.

The order is the law. Nothing is touched before the whole file is proved and its content is built beside. Then the swap,
in one transaction. Then the journal delivers again all that it still has, so that what came after the backup is in the
store again. A note in `var` says that the last step is due; should we die before it, the next engine does it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from sqlalchemy.exc import SQLAlchemyError

from crm_bridge.backup.form import BadBackup, Manifest
from crm_bridge.backup.reading import Archive, open_backup
from crm_bridge.backup.staging import build, deliver_left
from crm_bridge.backup.swapping import swap_in
from crm_bridge.journal import Journal
from crm_bridge.persons.identity import Person
from crm_bridge.persons.journal_lines import scrub
from crm_bridge.redelivery import deliver_again, take_parked
from hotline.backups import back_up_aside
from hotline.persons.again import erase_again
from hotline.persons.ledger import since
from hotline.settings import SiteFolders
from hotline.site.site import Site

log = logging.getLogger(__name__)

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """``again``: entries that the journal delivers again; ``before``: the backup of what was there, if there was."""

    manifest: Manifest
    again: int
    before: Path | None


async def restore(site: Site, folders: SiteFolders, file: Path, at: datetime, tell: Tell) -> Restored:
    """Raises BadBackup, SwapFailed, SQLAlchemyError, sqlite3.Error, OSError, JournalError: until the swap nothing has
    changed then."""
    folders.var.mkdir(mode=0o700, exist_ok=True)
    with _room(folders.var) as room, open_backup(file) as archive:
        tell("proving the file")
        archive.verify()
        tell("building its content beside the store")
        built = _built(archive, room, site)
        erased = erase_again(built, since(folders, datetime.fromisoformat(archive.manifest.at)), site.country)
        if erased:
            tell(f"{len(erased)} who were erased after it was made are erased in it, too")
        before = _put_by(site, folders, at, tell)
        with due(folders):
            tell("putting it into the store's place")
            swap_in(built, site.crm_url or folders.crm_url)
            again = await _journal(folders, room, erased)
    return Restored(archive.manifest, again, before)


@contextmanager
def _room(var: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=var, prefix=".restore-") as room:
        yield Path(room)


def _built(archive: Archive, room: Path, site: Site) -> Path:
    built = room / "crm.db"
    build(archive, built)
    if archive.manifest.journal_sha256:
        with _private(room / "journal.db") as out:
            archive.copy_journal(out)
        deliver_left(room / "journal.db", built, site.country, site.crm_rules)
    return built


@contextmanager
def _private(file: Path) -> Iterator[IO[bytes]]:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        yield out


def _put_by(site: Site, folders: SiteFolders, at: datetime, tell: Tell) -> Path | None:
    """Restored the wrong file? What was there is here. A store that is broken is no reason not to restore."""
    try:
        made = back_up_aside(site, folders, "before-restore", at)
    except BadBackup:  # there is nothing in it yet
        return None
    except (SQLAlchemyError, sqlite3.Error) as error:
        tell(f"what is there cannot be put by: {error}")
        return None
    tell(f"what is there now is put by in {made}")
    return made


async def _journal(folders: SiteFolders, room: Path, erased: Sequence[Person]) -> int:
    """Where there is none (another machine), the backup's takes its place: what it has relayed is in the backup."""
    copy = room / "journal.db"
    is_new = not folders.journal.exists()
    if is_new and not copy.exists():
        return 0
    if is_new:
        shutil.move(copy, folders.journal)
    journal = await Journal.open(folders.journal)
    try:
        if copy.exists():
            await take_parked(journal, copy)
        for person in erased:
            await scrub(journal, person)
        return 0 if is_new else await deliver_again(journal)
    finally:
        await journal.close()


# --- the note that the journal is to deliver again


@contextmanager
def due(folders: SiteFolders) -> Iterator[None]:
    """Between here and the end of the block a death leaves the note behind, for `finish`. Raises OSError."""
    with folders.redeliver.open("a") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        os.fsync(note.fileno())
        yield
        folders.redeliver.unlink(missing_ok=True)


async def finish(folders: SiteFolders, journal: Journal) -> bool:
    """What a restore that died has left to be done. False: nothing, or somebody is at it. Raises JournalError."""
    try:
        note = folders.redeliver.open("a" if folders.redeliver.exists() else "r")
    except FileNotFoundError:
        return False
    with note:
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        count = await deliver_again(journal)
        folders.redeliver.unlink(missing_ok=True)
    log.info("a restore was cut short: the journal delivers %d entries again", count)
    return True
