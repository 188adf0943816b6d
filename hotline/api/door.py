"""Who comes in: a token is asked for before anything else is looked at, even before it is said whether there is
anything at that address.

Whoever tries wrong tokens is soon told to wait, by their address; a token that was right before is let in all the same,
so that nobody can lock out a neighbour behind the same proxy.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from crm_bridge.store import CrmStore, EntryRefused, StoreAway
from crm_bridge.tokens import Token, find_token, hash_of, note_use, use_is_old
from hotline.api.problems import ApiProblem, store_away

log = logging.getLogger(__name__)

GUARDED = "/v1"
_LONGEST_TOKEN = 200
_REALM = 'Bearer realm="hotline"'


class Buckets:
    """So many wrong tries of one address at once, and then one each ``every_s``. ``clock``: seconds."""

    def __init__(
        self, clock: Callable[[], float], *, at_once: int = 10, every_s: float = 6.0, most: int = 10_000
    ) -> None:
        self._clock, self._at_once, self._every_s, self._most = clock, at_once, every_s, most
        self._full_at: OrderedDict[str, float] = OrderedDict()  # address → when its bucket will be full again

    def wait_s(self, address: str) -> float:
        """How long until the next try; 0: now."""
        full_in = self._full_at.get(address, 0.0) - self._clock()
        return max(0.0, full_in - (self._at_once - 1) * self._every_s)

    def take(self, address: str) -> None:
        now = self._clock()
        self._full_at[address] = max(now, self._full_at.pop(address, 0.0)) + self._every_s
        while len(self._full_at) > self._most:
            self._full_at.popitem(last=False)


class Door:
    """``clock``: Unix seconds."""

    def __init__(self, store: CrmStore, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._buckets = Buckets(clock)
        self._good: OrderedDict[str, None] = OrderedDict()  # hashes of tokens that were right
        self._told: dict[int, datetime] = {}  # token → when its use was last written down
        self._telling: set[asyncio.Task[None]] = set()

    async def admit(self, header: str, address: str) -> Token:
        """Raises ApiProblem. ``header``: Authorization, '' for none."""
        presented = _presented(header)
        wait_s = self._buckets.wait_s(address)
        if wait_s and hash_of(presented) not in self._good:
            raise _too_many(wait_s)
        try:
            token = await self._store.read(partial(find_token, token=presented))
        except StoreAway:
            raise store_away() from None
        if token is None or token.revoked_at is not None:
            self._good.pop(hash_of(presented), None)
            self._buckets.take(address)
            raise _unauthorized(
                "this token is not known, or is revoked", "ask the admin for another one", "invalid_token"
            )
        self._remember(presented)
        self._note_use(token)
        return token

    async def settled(self) -> None:
        """All uses are written down that can be."""
        await asyncio.gather(*self._telling)

    def _remember(self, presented: str) -> None:
        self._good[hash_of(presented)] = None
        while len(self._good) > 1000:
            self._good.popitem(last=False)

    def _note_use(self, token: Token) -> None:
        """Nobody waits for it, and it is tried once a minute, whether or not the store can be written."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        told = self._told.get(token.id)
        if use_is_old(token, now) and (told is None or (now - told).total_seconds() >= 60):
            self._told[token.id] = now
            task = asyncio.create_task(self._tell(token.id, now), name="token use")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, token_id: int, now: datetime) -> None:
        try:
            await self._store.write(partial(note_use, token_id=token_id, at=now))
        except (StoreAway, EntryRefused):
            log.warning("the use of a token could not be written down")


class DoorKeeper:
    """The door as ASGI middleware: puts the token into the request's state, or answers itself."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_guarded(scope["path"]):
            try:
                token = await self._door.admit(_authorization(scope), _address(scope))
            except ApiProblem as problem:
                await problem.response()(scope, receive, send)
                return
            scope.setdefault("state", {})["token"] = token
        await self._app(scope, receive, send)


def _is_guarded(path: str) -> bool:
    return path == GUARDED or path.startswith(f"{GUARDED}/")


def _authorization(scope: Scope) -> str:
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _address(scope: Scope) -> str:
    client: Any = scope.get("client")
    return str(client[0]) if client else ""


def _presented(header: str) -> str:
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
        hint = "send the header Authorization: Bearer TOKEN; `hotline token make` makes one"
        raise _unauthorized("there is no token", hint)
    return token


def _unauthorized(detail: str, hint: str, error: str = "") -> ApiProblem:
    told = f'{_REALM}, error="{error}"' if error else _REALM
    return ApiProblem(401, detail, where="header.Authorization", what_to_do=hint, headers={"WWW-Authenticate": told})


def _too_many(wait_s: float) -> ApiProblem:
    seconds = ceil(wait_s)
    hint = f"ask again after {seconds} s, with a token that is right"
    return ApiProblem(
        429,
        "too many wrong tokens",
        where="header.Authorization",
        what_to_do=hint,
        headers={"Retry-After": str(seconds)},
    )
