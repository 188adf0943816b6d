"""The engine's studio: recordings that come in while calls run, from a phone or from the folder, and are played from
then on. Also the console's side of it: a phone that is rung for a take."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path

from acd.ami.pbx import Pbx
from agi_scripts import variables
from agi_scripts.studio import Order, Studio
from hotline.control import Json
from hotline.settings import SiteFolders
from hotline.site.site import Site
from ivr.prompts.recordings import Recordings
from ivr.prompts.shelf import Origin, PromptShelf

PROMPTS, RECORD, TAKE = "prompts", "record", "take"  # what the engine can be asked
RING_S = 30.0
_FORGET_S = 900.0
_CONTEXT = "hotline-record"


class EngineStudio:
    """``shelf`` is the one that calls hear."""

    def __init__(self, site: Site, folders: SiteFolders, shelf: PromptShelf) -> None:
        self._site = site
        self._shelf = shelf
        self._recordings = Recordings(folders.recordings)
        self._making = asyncio.Lock()
        self._told: dict[str, Order] = {}
        folders.takes.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.studio = Studio(tuple(site.prompts), site.languages, folders.takes, self._keep)

    async def _keep(self, key: str, code: str, take: Path) -> None:
        await asyncio.to_thread(self._recordings.keep, key, code, take)
        async with self._making:
            await self._shelf.make_all({key: self._site.prompts[key]})

    async def read(self) -> Mapping[str, Json]:
        """Look at the recordings again. What is new is played from now on, what is refused changes nothing."""
        async with self._making:
            made = await self._shelf.make_all(self._site.prompts)
        refused = [f"{each.key} in {each.language}: {each.refused}" for each in made if each.refused]
        new = sum(each.origin not in (Origin.CACHE, Origin.NOWHERE) for each in made)
        return {"prompts": len(made), "new": new, "refused": refused}

    async def order(self, question: Mapping[str, Json], pbx: Pbx) -> Mapping[str, Json]:
        """Ring a phone of the house for a take: ``key``, ``language`` (its code) and ``extension``. ``why`` is "" when
        it rings; ``take`` is what `state` may be asked about."""
        key, code, extension = (str(question.get(word, "")) for word in ("key", "language", "extension"))
        if key not in self._site.prompts or code not in self._site.languages.values():
            return {"take": "", "why": "there is no such prompt or language"}
        if extension not in self._site.agents and extension not in self._site.phones:
            return {"take": "", "why": f"{extension} is no phone of the house"}
        token = secrets.token_hex(16)
        self.studio.orders[token] = self._told[token] = Order(key, code, extension)
        why = await pbx.ring(extension, _CONTEXT, variable=f"{variables.TAKE}={token}", ring_s=RING_S)
        loop = asyncio.get_running_loop()
        loop.call_later(2 * RING_S, self.studio.orders.pop, token, None)
        loop.call_later(_FORGET_S, self._told.pop, token, None)
        return {"take": token, "why": why}

    async def state(self, question: Mapping[str, Json]) -> Mapping[str, Json]:
        order = self._told.get(str(question.get("take", "")))
        return {"state": "gone", "why": ""} if order is None else {"state": order.state, "why": order.why}
