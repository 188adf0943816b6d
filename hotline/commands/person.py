"""`hotline person export | erase NUMBER`: what we have of somebody, and to forget them. The engine may be up."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from crm_bridge.database import file_of
from crm_bridge.journal import Journal, JournalError
from crm_bridge.persons.identity import person_of
from crm_bridge.persons.spelling import NoNumber, known_as
from crm_bridge.store import CrmStore, EntryRefused, StoreAway
from hotline.clock import SteadyClock, this_moment
from hotline.commands.crm_access import store_of, who
from hotline.commands.showing import DEFAULT_SITE, SiteOption, refuse, run, say, site_of
from hotline.control import ControlError, ask
from hotline.persons.erasing import Erased, InTheBooks, NotNow, Place, erase, in_short
from hotline.persons.exporting import export as exported
from hotline.persons.wishes import Wish
from hotline.settings import SiteFolders
from hotline.site.site import Site

_Answer = TypeVar("_Answer")
_PATIENCE_S = 30.0
NumberArgument = Annotated[str, typer.Argument(help="One of their numbers, in any spelling.", metavar="NUMBER")]

app = typer.Typer(help="What we have of somebody, and to forget them.", no_args_is_help=True)


@app.command()
def export(
    number: NumberArgument,
    to: Annotated[Path | None, typer.Option("--to", help="A new .zip; left out: person-NUMBER.zip here.")] = None,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Everything that is theirs, in one .zip: a JSON, and the sound files."""
    loaded, folders = site_of(site)
    known = _known(number, loaded)
    target = (to or Path(f"person-{known.lstrip('+')}.zip")).absolute()
    if target.exists():
        refuse(f"{target} is there already; nothing was written")

    async def work(store: CrmStore, journal: Journal) -> str:
        count = await exported(folders, store, journal, known, target, this_moment())
        return ", ".join(f"{number} {what}" for what, number in count.items())

    say(f"{target}: {_with_both(loaded, folders, work)}")


@app.command("erase")
def erase_person(
    number: NumberArgument,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Forget them: calls and orders stay as figures, everything that names them or is their voice goes."""
    loaded, folders = site_of(site)
    known = _known(number, loaded)
    if not sure:
        _ask(loaded, folders, known)
    wish = Wish((known,), who(), this_moment().isoformat())

    async def work(store: CrmStore, journal: Journal) -> Erased | str:
        engine_up = await _engine_up(folders)
        place = Place(loaded, folders, store, journal, SteadyClock(), engine_up, lambda: not engine_up)
        try:
            return await erase(place, wish)
        except (NotNow, StoreAway) as reason:
            return str(reason)
        except InTheBooks as reason:
            refuse(str(reason))

    done = _with_both(loaded, folders, work)
    if isinstance(done, str):
        say(f"not yet: {done}. It is written down, and the engine does it as soon as it can")
        return
    _tell(done, folders)


def _ask(site: Site, folders: SiteFolders, number: str) -> None:
    async def look(store: CrmStore, journal: Journal) -> str:
        person = await person_of(number, store, journal)
        if not person.is_known:
            return f"we know no customer and no call of {number}; it is looked for in all texts, logs and records"
        return f"{', '.join(sorted(person.numbers))}: {len(person.customers)} customers, {len(person.calls)} calls"

    say(_with_both(site, folders, look))
    if not typer.confirm("Forget them? It cannot be undone."):
        raise typer.Exit(1)


def _tell(done: Erased, folders: SiteFolders) -> None:
    say(f"forgotten: {in_short(done)}")
    if done.dealers:
        say(f"dealer {', '.join(done.dealers)} has this number, and stays: dealers are the house's partners")
    if done.traces:
        say("the journal's file is written anew as soon as no call is up")
    say(
        f"not reached: {len(list(folders.backups.glob('*.tar')))} backups in {folders.backups}, and what is kept"
        " elsewhere (copies of backups, exports, logs that are sent away, the SMS gateway's and the carrier's own"
        " records). Whoever restores a backup here forgets them again"
    )


async def _engine_up(folders: SiteFolders) -> bool:
    try:
        await ask(folders.run, "ping")
    except ControlError:
        return False
    return True


def _known(number: str, site: Site) -> str:
    try:
        return known_as(number, site.country)
    except NoNumber as reason:
        refuse(str(reason), 2)


def _with_both(site: Site, folders: SiteFolders, work: Callable[[CrmStore, Journal], Awaitable[_Answer]]) -> _Answer:
    """What came of it, or the end of the command. Who was imported is there before anybody has called."""
    crm = file_of(site.crm_url or folders.crm_url)
    if not folders.journal.exists() and crm is not None and not crm.exists():
        refuse("this site has no journal and no CRM store yet: nobody is known")

    async def both() -> _Answer:
        async with AsyncExitStack() as ends:
            store = store_of(site, folders, busy_s=_PATIENCE_S)
            ends.push_async_callback(store.close)
            journal = await Journal.open(folders.journal)
            ends.push_async_callback(journal.close)
            return await work(store, journal)

    try:
        return run(both)
    except (StoreAway, EntryRefused) as error:
        refuse(f"the CRM store cannot be used: {error}")
    except JournalError as error:
        refuse(f"the journal cannot be used: {error}")
    except (OSError, sqlite3.Error) as error:
        refuse(str(error))
