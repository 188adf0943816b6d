"""What lies outside of a tried call: the site's own functions, a CRM with its seed, queues as one says they are."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.errands import functions
from hotline.settings import SiteFolders
from hotline.site.crm_book import CrmBookForm
from hotline.site.site import Site
from hotline.trying.paper_crm import paper_crm
from ivr.flow.outside import NothingThere, Outside, OutsideFailed, QueueLook, WebRequest
from ivr.web import HttpWeb

_HANDLE_S = 90.0  # of a call, for a queue of which nothing more is known


@dataclass(frozen=True, slots=True)
class Circumstances:
    """``online``: other servers are really asked. ``waiting``: so many callers are in each queue already, and then no
    agent is idle. ``staffed`` False: nobody is logged in."""

    online: bool = False
    waiting: int = 0
    staffed: bool = True


class Offline:
    async def fetch(self, request: WebRequest) -> Any:
        raise OutsideFailed("other servers are asked with --online only")


async def surroundings(
    site: Site, folders: SiteFolders, so: Circumstances, now: datetime, ends: AsyncExitStack
) -> Outside:
    """``now``: when the call is tried."""
    web = HttpWeb() if so.online else None
    if web is not None:
        ends.push_async_callback(web.close)
    return Outside(
        crm=NothingThere() if site.crm == CrmBookForm() else await paper_crm(site, now, ends),
        web=web or Offline(),
        functions=functions(folders, ends),
        queue_look=lambda name: queue_look(site, so, name),
    )


def queue_look(site: Site, so: Circumstances, name: str) -> QueueLook:
    """Everybody of the queue is there, or nobody."""
    staffed = sum(name in agent.queues for agent in site.agent_specs.values()) if so.staffed else 0
    idle = 0 if so.waiting else staffed
    wait_s = (so.waiting + 1) * _HANDLE_S / staffed if staffed and not idle else 0.0
    return QueueLook(staffed, idle, so.waiting, wait_s if staffed else float("inf"))
