"""How the commands read the CRM store. The engine need not be up, and to look must not make a database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.engine import make_url

from crm_bridge.store import CrmStore, EntryRefused, StoreAway
from hotline.commands.showing import refuse, run
from hotline.settings import SiteFolders
from hotline.site.site import Site

_Row = TypeVar("_Row")


def read_crm(site: Site, folders: SiteFolders, query: Callable[[CrmStore], Awaitable[list[_Row]]]) -> list[_Row]:
    """The rows, or the end of the command; none where the site has never been up."""
    url = site.crm_url or folders.crm_url
    file = make_url(url).database if url.startswith("sqlite") else None
    if file is not None and not (site.folder / file).exists():
        return []

    async def read() -> list[_Row]:
        store = CrmStore(url, region=site.country)
        try:
            return await query(store)
        finally:
            await store.close()

    try:
        return run(read)
    except (StoreAway, EntryRefused) as error:
        refuse(f"the CRM store cannot be read: {error}")
