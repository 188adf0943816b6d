"""The clock of the leads: what no dealer has accepted in time is taken back, and what is nobody's is handed out.

Once a day, too: who has not ordered for too long is a lapsed customer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial

from sqlalchemy import Connection

from crm_bridge.fold import EntryRefused
from crm_bridge.leads import due, expire, hand_out, homeless, settle
from crm_bridge.life_cycle import lapse
from crm_bridge.regions import listed_region, places_of, region_at
from crm_bridge.rules import CrmRules
from crm_bridge.store import CrmStore, StoreAway

log = logging.getLogger(__name__)

LOOK_S = 5.0

PlacesOf = Callable[[Sequence[str]], Awaitable[list[str]]]


class LeadDesk:
    """``clock``: Unix seconds. ``places``: where numbers are at home."""

    def __init__(self, store: CrmStore, clock: Callable[[], float], places: PlacesOf = places_of) -> None:
        self._store, self._clock, self._places = store, clock, places
        self._lapsed_on: date | None = None

    async def run(self, every_s: float = LOOK_S) -> None:
        """Until cancelled. A store that is away is asked again."""
        while True:
            try:
                await self.look()
            except (StoreAway, EntryRefused, OSError) as error:
                log.warning("leads wait: %s", error)
            await asyncio.sleep(every_s)

    async def look(self) -> None:
        """All that is due. Raises StoreAway."""
        now, rules = datetime.fromtimestamp(self._clock(), UTC), self._store.rules
        today = now.astimezone(rules.zone).date()
        if self._lapsed_on != today:
            await self._store.write(partial(lapse, today=today, rules=rules.stages))
            self._lapsed_on = today
        if rules.regions:
            await self._find_regions(rules)
        if await self._store.read(partial(due, now=now)):  # nearly always nothing, and no writer's lock for it
            await self._store.write(partial(_move, rules=rules, now=now))

    async def _find_regions(self, rules: CrmRules) -> None:
        waiting = await self._store.read(homeless)
        if not waiting:
            return
        listed = {lead: listed_region(number, rules.regions) for lead, number in waiting}
        asked = [(lead, number) for lead, number in waiting if number and not listed[lead]]
        places = await self._places([number for _, number in asked]) if asked else []
        listed |= {lead: region_at(place, rules.regions) for (lead, _), place in zip(asked, places, strict=True)}
        await self._store.write(partial(_settle, regions=list(listed.items())))


def _move(connection: Connection, rules: CrmRules, now: datetime) -> None:
    expire(connection, now)
    hand_out(connection, rules, now)


def _settle(connection: Connection, regions: Sequence[tuple[int, str]]) -> None:
    for lead, region in regions:
        settle(connection, lead, region)
