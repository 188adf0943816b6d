"""Forgets a person: in the journal, the CRM and every file of the site. The command does it, and so does the engine.

The order is the law. It is written down with all of their numbers (`wishes`), so that whoever cuts it short leaves it
to the engine. Then the files, while the journal and the CRM can still say which are theirs; the journal, because what
the relay has in its hands comes out of it; when nothing of theirs is on its way any more, the CRM; and last a line that
names nobody, for whoever restores an old backup.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial, reduce
from pathlib import Path

from sqlalchemy import Connection, select

from agi_scripts.callbacks import STATE
from crm_bridge.callback_log import open_callbacks
from crm_bridge.database import file_of
from crm_bridge.entry import RECORDED, SURVEY, VOICEMAIL
from crm_bridge.follow_ups import COMMENT, RECORDING
from crm_bridge.journal import Journal
from crm_bridge.models import calls, recordings, tasks
from crm_bridge.numbers import e164
from crm_bridge.persons import journal_lines, sweep
from crm_bridge.persons.forgetting import forget, names_a_dealer
from crm_bridge.persons.identity import Person, find, joined, person_of, pieces
from crm_bridge.store import CrmStore
from hotline.calling_back import DONE, LONGEST_S
from hotline.persons import files, ledger
from hotline.persons.wishes import Wish, granted, write_down
from hotline.settings import SiteFolders
from hotline.site.site import Site

QUIET_S = 60.0  # after a call its last entries and the end of its recording come
_ON_ITS_WAY_S = 15.0  # the relay has at most one batch in its hands
_LOOK_S = 0.2


class NotNow(Exception):
    """Nothing was changed, or not all of it; it can be done later. The message is for a person."""


class InTheBooks(Exception):
    """The site's own files name them."""


@dataclass(slots=True)
class Erased:
    """``rows``: of the CRM, by table; ``dealers``: who have the number, and stay; ``traces``: the journal's file has
    some left between its rows, which go when no call is up (`clean_journal`)."""

    numbers: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    entries: int = 0
    sounds: int = 0
    lines: int = 0
    dealers: tuple[str, ...] = ()
    traces: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """``engine_up``: does an engine relay this journal meanwhile? ``is_quiet``: may the journal be written anew, which
    makes calls wait?"""

    site: Site
    folders: SiteFolders
    store: CrmStore
    journal: Journal
    clock: Callable[[], float]
    engine_up: bool
    is_quiet: Callable[[], bool]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def erase(place: Place, wish: Wish) -> Erased:
    """Raises NotNow, InTheBooks, StoreAway, JournalError, OSError, sqlite3.Error; but for InTheBooks, what is left is
    written down, and the engine does it."""
    write_down(place.folders, wish)
    person = await _who(place, wish)
    wish = replace(wish, numbers=tuple(sorted(person.numbers)))
    write_down(place.folders, wish)
    await _wait_for_calls(place, person)
    told = Erased(wish.numbers, dealers=tuple(await place.store.read(partial(names_a_dealer, person=person))))
    names = await sounds_of(place.store, place.journal, person)
    told.sounds, told.lines = await asyncio.to_thread(_files, place.folders, person, names)
    told.entries = await journal_lines.scrub(place.journal, person)
    await _until_delivered(place, person)
    told.rows, person = await place.store.write(partial(_forget_all, person=person))
    swept = await sweep.sweep(place.store, person.spellings)
    told.rows |= {table: told.rows.get(table, 0) + count for table, count in swept.items()}
    ledger.note(place.folders, person.numbers, _moment(place), wish.by)
    told.traces = not await _leave_nothing_in_gaps(place, person)
    if told.traces:
        write_down(place.folders, replace(wish, numbers=()))
    granted(place.folders, wish)
    return told


async def _who(place: Place, wish: Wish) -> Person:
    found = [await person_of(number, place.store, place.journal) for number in wish.numbers]
    person = reduce(joined, found)
    try:
        refuse_books(place.site, person)
    except InTheBooks:
        granted(place.folders, wish)
        raise
    return person


def in_short(told: Erased) -> str:
    rows = ", ".join(f"{count} {table}" for table, count in sorted(told.rows.items())) or "no rows"
    return f"{rows}; {told.entries} journal entries, {told.sounds} sound files, {told.lines} lines"


def refuse_books(site: Site, person: Person) -> None:
    """An engine that starts brings the store up to crm.yaml: they would be back."""
    named = [
        number
        for number, form in site.crm.customers.items()
        if any(e164(phone, site.country) in person.numbers for phone in form.phones)
    ]
    if named:
        raise InTheBooks(
            f"crm.yaml names them (customer {', '.join(named)}): take them out there first, or the next start of the"
            " engine would bring them back"
        )


async def _wait_for_calls(place: Place, person: Person) -> None:
    now = place.clock()
    theirs = [call for call in await place.journal.open_calls() if call.call_id in person.calls]
    if theirs or files.waits_in_spool(place.folders, person):
        raise NotNow("a call of theirs goes on")
    if await _ended_after(place, person, now - QUIET_S):
        raise NotNow("a call of theirs has only just ended")
    wished = await open_callbacks(place.journal, STATE, DONE, now - LONGEST_S)
    if any(e164(str(wish.wish["number"]), place.site.country) in person.numbers for wish in wished):
        raise NotNow("they are still to be called back")


async def _ended_after(place: Place, person: Person, since: float) -> bool:
    rows = await place.journal.read("SELECT DISTINCT call_id FROM entries WHERE at > ? AND call_id <> ''", since)
    return any(call_id in person.calls for (call_id,) in rows)


async def _until_delivered(place: Place, person: Person) -> None:
    """A batch that the relay has read before the scrubbing must not arrive after the erasing."""
    left_s = _ON_ITS_WAY_S if place.engine_up else 0.0
    while place.engine_up and await journal_lines.are_pending(place.journal, person.calls):
        if left_s <= 0:
            raise NotNow("entries of theirs are still on their way to the CRM")
        await place.sleep(_LOOK_S)
        left_s -= _LOOK_S


def _forget_all(connection: Connection, person: Person) -> tuple[dict[str, int], Person]:
    """With what has come of them meanwhile: the relay may have made the customer only now."""
    for number in sorted(person.numbers):
        person = joined(person, find(connection, number))
    for ids in pieces(sorted(person.calls)):
        goes_on = select(calls.c.call_id).where(calls.c.call_id.in_(ids), calls.c.outcome.is_(None)).limit(1)
        if connection.execute(goes_on).first() is not None:
            raise NotNow("a call of theirs has no end in the CRM yet (`hotline outbox list` may say why)")
    return forget(connection, person), person


async def sounds_of(store: CrmStore, journal: Journal | None, person: Person) -> set[str]:
    """Names of files that the CRM or the journal knows as theirs."""
    found = await store.read(partial(_sounds_in_store, person=person))
    for row in await journal_lines.told(journal, person) if journal is not None else []:
        if row["kind"] in (VOICEMAIL, RECORDED, SURVEY) and row["call_id"] in person.calls:
            found |= {str(row["fields"].get(word, "")) for word in (RECORDING, "file", COMMENT)}
    return found - {""}


def _sounds_in_store(connection: Connection, person: Person) -> set[str]:
    found: set[str] = set()
    for ids in pieces(sorted(person.calls)):
        found |= set(connection.execute(select(recordings.c.file).where(recordings.c.call_id.in_(ids))).scalars())
        for fields in connection.execute(select(tasks.c.fields).where(tasks.c.call_id.in_(ids))).scalars():
            found |= {str(fields.get(word, "")) for word in (RECORDING, COMMENT)}
    return found


def _files(folders: SiteFolders, person: Person, names: set[str]) -> tuple[int, int]:
    sounds = files.sound_files(folders, person, names)
    for path in sounds:
        path.unlink(missing_ok=True)
    return len(sounds), files.blot(folders, person) + files.remove_bad(folders, person)


# --- the gaps of SQLite's files


async def _leave_nothing_in_gaps(place: Place, person: Person) -> bool:
    """SQLite is told to write zeros over what is deleted; where an older program was not, or a page was made anew, the
    file is written anew. For the journal that makes calls wait, so it is done when there are none. False: not yet."""
    crm = file_of(place.site.crm_url or place.folders.crm_url)
    if crm is not None:
        await asyncio.to_thread(_clean, crm, person, True)
    return await asyncio.to_thread(_clean, place.folders.journal, person, place.is_quiet())


def clean_journal(folders: SiteFolders) -> None:
    """Write it anew. Calls that begin meanwhile wait for it. Raises sqlite3.Error."""
    _rewrite(folders.journal)


def _clean(file: Path, person: Person, may_rewrite: bool) -> bool:
    _empty_wal(file)
    if not _has_traces(file, person):
        return True
    if may_rewrite:
        _rewrite(file)
    return not _has_traces(file, person)


def _rewrite(file: Path) -> None:
    with closing(sqlite3.connect(file, timeout=30.0, isolation_level=None)) as connection:
        connection.execute("VACUUM")
    _empty_wal(file)


def _empty_wal(file: Path) -> None:
    with closing(sqlite3.connect(file, timeout=5.0, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _has_traces(file: Path, person: Person) -> bool:
    return any(_is_in(path, person) for path in (file, file.with_name(f"{file.name}-wal")) if path.exists())


def _is_in(path: Path, person: Person) -> bool:
    """A piece at a time, each with the end of the one before it."""
    tail = b""
    with path.open("rb") as content:
        while piece := content.read(1 << 20):
            if any(core.encode() in tail + piece for core in person.spellings.cores):
                found = person.spellings.byte_pattern.search(tail + piece)
                if found is not None:
                    return True
            tail = piece[-64:]
    return False


def _moment(place: Place) -> datetime:
    return datetime.fromtimestamp(place.clock(), UTC)
