"""How the commands come to the CRM store. The engine need not be up, and to look must not make a database."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.engine import make_url

from crm_bridge.migrating import migrate
from crm_bridge.store import CrmStore, EntryRefused, StoreAway
from hotline.commands.showing import refuse, run
from hotline.settings import SiteFolders
from hotline.site.site import Site

_Row = TypeVar("_Row")
_Answer = TypeVar("_Answer")
_PATIENCE_S = 30.0  # of a person who changes something while the relay writes


def who() -> str:
    """Who changes something from a terminal, as `changes.by` has it."""
    return f"cli:{getpass.getuser()}"


def crm_url(site: Site, folders: SiteFolders) -> str:
    return site.crm_url or folders.crm_url


def store_of(site: Site, folders: SiteFolders, *, busy_s: float = 5.0) -> CrmStore:
    return CrmStore(crm_url(site, folders), region=site.country, rules=site.crm_rules, busy_s=busy_s)


def read_crm(site: Site, folders: SiteFolders, query: Callable[[CrmStore], Awaitable[list[_Row]]]) -> list[_Row]:
    """The rows, or the end of the command; none where the site has never been up."""
    return _ask(store_of(site, folders), query, "read") if _is_there(site, folders) else []


def ask_crm(
    site: Site, folders: SiteFolders, question: Callable[[CrmStore], Awaitable[_Answer]], nothing: _Answer
) -> _Answer:
    """The answer, or the end of the command; ``nothing`` where the site has never been up."""
    return _ask(store_of(site, folders), question, "read") if _is_there(site, folders) else nothing


def change_crm(site: Site, folders: SiteFolders, work: Callable[[CrmStore], Awaitable[_Answer]]) -> _Answer:
    """What came of it, or the end of the command. Makes the database where there is none."""
    is_there = _is_there(site, folders)  # asked before there is a store, which makes an empty file

    async def changed(store: CrmStore) -> _Answer:
        if not is_there:
            await migrate(crm_url(site, folders))
        return await work(store)

    return _ask(store_of(site, folders, busy_s=_PATIENCE_S), changed, "changed")


def _is_there(site: Site, folders: SiteFolders) -> bool:
    url = make_url(crm_url(site, folders))
    file = url.database if url.get_backend_name() == "sqlite" else None
    return file is None or (site.folder / file).exists()


def _ask(store: CrmStore, question: Callable[[CrmStore], Awaitable[_Answer]], what: str) -> _Answer:
    async def ask() -> _Answer:
        try:
            return await question(store)
        finally:
            await store.close()

    try:
        return run(ask)
    except (StoreAway, EntryRefused) as error:
        refuse(f"the CRM store cannot be {what}: {error}")
