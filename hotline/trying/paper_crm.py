"""The CRM of a tried call: a store of its own with nothing in it but the site's `crm.yaml`, thrown away afterwards."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from datetime import datetime

from crm_bridge.directory import Directory
from crm_bridge.migrating import migrate
from crm_bridge.seed import sow
from crm_bridge.store import CrmStore
from hotline.site.crm_seed import crm_seed
from hotline.site.site import Site


async def paper_crm(site: Site, now: datetime, ends: AsyncExitStack) -> Directory:
    """``now``: aware; the days of `crm.yaml` count from the one of the call."""
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="hotline-try-")
    ends.push_async_callback(asyncio.to_thread, shutil.rmtree, folder, ignore_errors=True)
    url = f"sqlite+aiosqlite:///{folder}/crm.db"
    await migrate(url)
    store = CrmStore(url, region=site.country)
    ends.push_async_callback(store.close)
    today = now.astimezone(site.timezone).date()
    await sow(store, crm_seed(site.crm, today, site.country, site.timezone))
    at = now.timestamp()
    return Directory(store, region=site.country, codes=site.languages, zone=site.timezone, clock=lambda: at)
