"""`hotline outbox list | retry | drop`: what is on its way from the journal to the CRM, and what got stuck there.

The engine need not be up; when it is, its relay sees within a few seconds what was retried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from crm_bridge import dead_letters
from crm_bridge.dead_letters import DeadLetter, Outbox, Undroppable
from crm_bridge.journal import Journal
from crm_bridge.store import CrmStore, StoreAway
from hotline.clock import SteadyClock
from hotline.commands.crm_access import store_of, who
from hotline.commands.journal_access import with_journal
from hotline.commands.showing import (
    DEFAULT_SITE,
    JsonOption,
    SiteOption,
    out,
    refuse,
    say,
    show_json,
    show_table,
    site_of,
)
from hotline.settings import SiteFolders
from hotline.site.site import Site
from ivr.on_disk import append_lines

_NOTHING = Outbox(0, None, ())
_COLUMNS = ("seq", "call", "kind", "when", "reason")
SeqArgument = Annotated[list[int], typer.Argument(help="As `hotline outbox list` shows them.", metavar="SEQ ...")]

app = typer.Typer(help="What waits for the CRM, and what it refused: list, retry, drop.", no_args_is_help=True)


@app.command("list")
def list_outbox(site: SiteOption = DEFAULT_SITE, as_json: JsonOption = False) -> None:
    """How many entries wait, since when, and those that the CRM refused, with the reason."""
    loaded, folders = site_of(site)
    found = with_journal(folders, dead_letters.outbox, _NOTHING)
    now = SteadyClock()()
    if as_json:
        show_json([_told(found, now)])
        return
    age = "" if found.oldest_at is None else f", the oldest for {max(0.0, now - found.oldest_at):.0f} s"
    out.print(f"Pending: {found.pending}{age}")
    if found.parked:
        show_table("Parked", _COLUMNS, ([*_cells(letter, loaded)] for letter in found.parked))
    else:
        out.print("Parked: none")


def _told(found: Outbox, now: float) -> dict[str, Any]:
    oldest_s = None if found.oldest_at is None else round(max(0.0, now - found.oldest_at), 1)
    parked = [
        {**{name: value for name, value in asdict(letter).items() if name != "fields"}, "at": _instant(letter.at)}
        for letter in found.parked
    ]
    return {"pending": found.pending, "oldest_s": oldest_s, "parked": parked}


def _instant(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(at)  # that may be why it is parked


def _cells(letter: DeadLetter, site: Site) -> tuple[object, ...]:
    try:
        when = datetime.fromtimestamp(letter.at, UTC).astimezone(site.timezone).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        when = str(letter.at)
    return letter.seq, letter.call_id, letter.kind, when, letter.reason


@app.command()
def retry(
    seqs: Annotated[list[int] | None, typer.Argument(help="Parked entries.", metavar="[SEQ ...]")] = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="Every parked entry.")] = False,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Let parked entries try once more: after an update, or when what they need is there now."""
    if bool(seqs) == all_of_them:
        raise typer.BadParameter("say which: SEQ ..., or --all")
    _, folders = site_of(site)

    async def again(journal: Journal) -> int:
        wanted = seqs or [letter.seq for letter in await dead_letters.parked(journal)]
        return await dead_letters.retry(journal, wanted)

    count = with_journal(folders, again, 0)
    if seqs and count < len(set(seqs)):
        refuse(f"{count} retried; the others are not parked (`hotline outbox list`)")
    out.print(f"{count} retried; what the CRM refuses again is parked again.")


@app.command()
def drop(
    seqs: SeqArgument,
    sure: Annotated[bool, typer.Option("--yes", help="They never come back into the CRM.")] = False,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Give parked entries up. Each is written to var/dropped.jsonl first, whole, with who and when."""
    loaded, folders = site_of(site)
    if not sure:
        refuse("this gives entries up for good; say --yes", 2)

    async def give_up(journal: Journal) -> list[DeadLetter]:
        store = store_of(loaded, folders)
        try:
            return await _drop(journal, store, folders, seqs)
        finally:
            await store.close()

    letters: list[DeadLetter] = with_journal(folders, give_up, [])
    say(f"{len(letters)} dropped; they are in {folders.dropped}.")


async def _drop(journal: Journal, store: CrmStore, folders: SiteFolders, seqs: Sequence[int]) -> list[DeadLetter]:
    async def write_down(letters: Sequence[DeadLetter]) -> None:
        how = {"dropped_by": who(), "dropped_at": _instant(SteadyClock()())}
        append_lines(folders.dropped, [{**dead_letters.told(letter), **how} for letter in letters])

    try:
        return await dead_letters.drop(journal, store, seqs, write_down)
    except Undroppable as reason:
        refuse(f"nothing was dropped: {reason}")
    except StoreAway as error:
        refuse(f"nothing was dropped: the CRM cannot be asked whether its call is over: {error}")
