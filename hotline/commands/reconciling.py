"""`hotline reconcile`: calls that only Asterisk's own records know, and the true end of calls that we had lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from crm_bridge.cdr import CdrFile, NoCdr, read_cdr
from crm_bridge.cdr_reconcile import Findings, House, as_told, compare
from crm_bridge.entry import OUTCOME
from crm_bridge.intake import take_in, waiting
from crm_bridge.journal import Journal, JournalError
from crm_bridge.rules import DAY_S
from crm_bridge.store import EntryRefused, StoreAway
from hotline.clock import SteadyClock
from hotline.commands.crm_access import store_of
from hotline.commands.showing import DEFAULT_SITE, JsonOption, SiteOption, refuse, run, say, show_json, site_of
from hotline.settings import SiteFolders
from hotline.site.site import Site
from ivr.media_source import UNKNOWN

_SHORTEST_MESSAGE = 16_044  # bytes: a second of sound and the head of its file


def reconcile(
    cdr: Annotated[
        Path | None, typer.Option("--cdr", help="Left out: what the site's own Asterisk has written.", dir_okay=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    site: SiteOption = DEFAULT_SITE,
    as_json: JsonOption = False,
) -> None:
    """Compare Asterisk's call records with ours; add what we lack, correct the calls that were lost."""
    loaded, folders = site_of(site)
    records = _read([cdr] if cdr is not None else _own(folders))
    if not folders.journal.exists():
        refuse("this site has no journal yet: `hotline up` makes it")
    try:
        told = run(lambda: _reconcile(records, loaded, folders, dry_run))
    except StoreAway as error:
        refuse(f"nothing was changed: the CRM cannot be asked: {error}")
    except (JournalError, EntryRefused, OSError) as error:
        refuse(f"the journal cannot be used: {error}")
    _tell(told, records, loaded, dry_run, as_json)


def _own(folders: SiteFolders) -> list[Path]:
    """With those that were put by, the oldest first."""
    return sorted((folders.asterisk_logs / "cdr-custom").glob("calls.csv*"), reverse=True)


def _read(files: Sequence[Path]) -> CdrFile:
    if not files:
        refuse("Asterisk has written no call records here; name a file by --cdr")
    try:
        return read_cdr(_lines(files))
    except NoCdr as reason:
        refuse(f"{', '.join(map(str, files))}: {reason}")
    except OSError as error:
        refuse(f"the call records cannot be read: {error}")


def _lines(files: Sequence[Path]) -> Iterator[str]:
    for file in files:
        with file.open(encoding="utf-8", errors="replace", newline="") as lines:
            yield from lines


async def _reconcile(records: CdrFile, site: Site, folders: SiteFolders, dry_run: bool) -> Findings:
    now, store = SteadyClock()(), store_of(site, folders)
    journal = await Journal.open(folders.journal)
    try:
        spooled = await waiting(folders.spool)  # what the fail-open script knows, it knows better
        if not dry_run:
            await take_in(folders.spool, journal)
        told = await compare(
            [call for call in records.calls.values() if call.uniqueid not in spooled],
            journal,
            store,
            _house(site, folders),
            now=now,
            since=now - site.keep.call_events_days * DAY_S,
        )
        for entry in [] if dry_run else told.entries:
            await journal.append(entry)
        return told
    finally:
        await journal.close()
        await store.close()


def _house(site: Site, folders: SiteFolders) -> House:
    def line_of(dialled: str, source: str) -> tuple[str, str, str]:
        """Our dialplan's records have no dialled number, but the source; where one number has it, it was that."""
        numbers = [dialled] if dialled in site.numbers else [n for n, s in site.numbers.items() if s.source == source]
        if source and len(numbers) != 1:
            return "", source, ""
        if len(numbers) != 1:
            return "", UNKNOWN, ""
        spec = site.numbers[numbers[0]]
        return numbers[0], source or spec.source or UNKNOWN, spec.campaign or ""

    def message_of(uniqueid: str) -> str:
        found = list(folders.voicemail.glob(f"*_{uniqueid}.wav")) if uniqueid.replace(".", "").isalnum() else []
        return found[0].name if found and found[0].stat().st_size > _SHORTEST_MESSAGE else ""

    return House(line_of, frozenset(site.agents), message_of)


def _tell(told: Findings, records: CdrFile, site: Site, dry_run: bool, as_json: bool) -> None:
    counts: Mapping[str, Any] = {
        "lines": records.lines,
        "strange_lines": records.strange,
        "calls": told.seen,
        "known": told.known,
        "added": len(told.added),
        "corrected": len(told.corrected),
        "may_still_go_on": told.young,
        "too_old": told.old,
        "dry_run": dry_run,
    }
    if as_json:
        show_json([counts, *(as_told(entry) for entry in told.entries)])
        return
    would = "would be " if dry_run else ""
    for entry in told.entries:
        if entry.kind != OUTCOME:
            when = datetime.fromtimestamp(entry.at, UTC).astimezone(site.timezone)
            done = "added" if entry.call_id in told.added else "corrected"
            say(f"{would}{done}: {entry.call_id}, {when:%m-%d %H:%M:%S}")
    say(
        f"{told.seen} calls in {records.lines} records: {told.known} known, {len(told.added)} {would}added,"
        f" {len(told.corrected)} {would}corrected, {told.young} may still go on, {told.old} too old to judge,"
        f" {records.strange} records unreadable"
    )
