"""How the commands come to the journal. The engine may be up: it is the same file, and SQLite lets both write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from crm_bridge.journal import Journal, JournalError
from hotline.commands.showing import refuse, run
from hotline.settings import SiteFolders

_Answer = TypeVar("_Answer")


def with_journal(folders: SiteFolders, work: Callable[[Journal], Awaitable[_Answer]], nothing: _Answer) -> _Answer:
    """What came of it, or the end of the command; ``nothing`` where there is no journal: to look must not make one."""
    if not folders.journal.exists():
        return nothing

    async def ask() -> _Answer:
        journal = await Journal.open(folders.journal)
        try:
            return await work(journal)
        finally:
            await journal.close()

    try:
        return run(ask)
    except (JournalError, OSError) as error:
        refuse(f"the journal cannot be used: {error}")
