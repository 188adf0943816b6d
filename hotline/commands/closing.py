"""`hotline close LINE --until TIME` and `hotline open LINE`: close a line now, and end that before its time.

The engine need not be up: it reads at its start what was closed. From a supervisor's phone: `agi_scripts/line_desk.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from crm_bridge.closures import JournalClosureBook
from crm_bridge.journal import JournalError
from hotline.clock import this_moment
from hotline.closings import WORD, closure_book
from hotline.commands.hours import LineArgument, hours_of, local_text
from hotline.commands.showing import DEFAULT_SITE, SiteOption, printable, refuse, run, say, site_of
from hotline.control import ControlError, NotRunning, ask
from hotline.settings import SiteFolders
from hotline.until import read_until
from ivr.closures import Closure
from ivr.hours import LineHours

_Result = TypeVar("_Result")


def close_line(
    line: LineArgument,
    until: Annotated[
        str, typer.Option(help="18:00 (the next one), 2026-02-24, or '2026-02-24 09:00', by the line's own clock.")
    ],
    reason: Annotated[str, typer.Option(help="For people: `hotline hours` and `hotline status` show it.")] = "",
    site: SiteOption = DEFAULT_SITE,
) -> None:
    """Close a line now. It opens again by itself."""
    loaded, folders = site_of(site)
    hours, now = hours_of(loaded, line), this_moment()
    try:
        closure = Closure(line, now, read_until(until.strip(), now, hours.zone), printable(reason.strip()))
    except ValueError as error:
        refuse(f"--until: {error}", 2)
    _with_book(folders, lambda book: book.save(closure))
    say(f"{line} is closed until {local_text(closure.until, hours)}; then its hours hold again. {_tell(folders)}")


def open_line(line: LineArgument, site: SiteOption = DEFAULT_SITE) -> None:
    """End a closing by hand. The line's hours hold again; they are not overruled."""
    loaded, folders = site_of(site)
    hours = hours_of(loaded, line)
    was_closed = _with_book(folders, lambda book: book.end(line)) if folders.journal.exists() else False
    say(f"{line} {'is no longer' if was_closed else 'was not'} closed by hand; {_by_hours(hours)}. {_tell(folders)}")


def _by_hours(hours: LineHours) -> str:
    now = this_moment()
    return f"by its hours it is {'open' if hours.is_open(now) else 'closed'} now"


def _with_book(folders: SiteFolders, work: Callable[[JournalClosureBook], Awaitable[_Result]]) -> _Result:
    async def do() -> _Result:
        async with closure_book(folders) as book:
            return await work(book)

    try:
        return run(do)
    except (JournalError, OSError) as error:
        refuse(f"nothing was changed, the journal cannot be written: {error}")


def _tell(folders: SiteFolders) -> str:
    """How the engine took it; or the end of the command: written, but an engine that lives has not confirmed it."""
    try:
        run(lambda: ask(folders.run, WORD))
    except NotRunning:
        return "The engine is not running; it will know when it starts."
    except ControlError as error:
        refuse(f"written, but the engine has not taken it over yet: {error}")
    return "The engine knows."
