"""Presence survives a restart: the port to where it is kept, and the clerk who keeps it up to date.

What is written is always the latest state, never the one that asked for the writing; so two quick changes
cannot be stored the wrong way round, and a book that was away gets what it missed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from acd.model import AgentState, Presence

log = logging.getLogger(__name__)

RETRY_S = 1.0


class PresenceBook(Protocol):
    async def load(self) -> Mapping[str, tuple[Presence, str]]:
        """Extension → (presence, pause reason)."""

    async def save(self, extension: str, presence: Presence, reason: str, at: float) -> None:
        """Durable when it returns; ``at`` in Unix seconds."""


class MemoryPresenceBook:
    """For tests and for centres where everybody logs in anew."""

    def __init__(self, entries: Mapping[str, tuple[Presence, str]] | None = None) -> None:
        self.entries = dict(entries or {})

    async def load(self) -> Mapping[str, tuple[Presence, str]]:
        return dict(self.entries)

    async def save(self, extension: str, presence: Presence, reason: str, at: float) -> None:
        self.entries[extension] = (presence, reason)


class PresenceClerk:
    """``state`` answers with an agent's present state, ``clock`` with Unix seconds."""

    def __init__(self, book: PresenceBook, state: Callable[[str], AgentState], clock: Callable[[], float]) -> None:
        self._book = book
        self._state = state
        self._clock = clock
        self._unsaved: set[str] = set()
        self._work = asyncio.Event()
        self._writing = asyncio.Lock()

    def changed(self, extension: str) -> None:
        self._unsaved.add(extension)
        self._work.set()

    async def write(self) -> None:
        """Save all that is unsaved. What raises or is cancelled stays unsaved."""
        async with self._writing:
            for extension in sorted(self._unsaved):
                await self._save(extension)

    async def _save(self, extension: str) -> None:
        state = self._state(extension)
        wanted = (state.presence, state.pause_reason)
        await self._book.save(extension, *wanted, self._clock())
        state = self._state(extension)
        if (state.presence, state.pause_reason) == wanted:
            self._unsaved.discard(extension)

    async def try_write(self) -> bool:
        """Like write, but a book that is away is logged: the agent goes on, `run` tries again."""
        try:
            await self.write()
        except Exception:  # the edge: whatever the book is made of
            log.exception("presence is not saved yet", extra={"extensions": len(self._unsaved)})
            return False
        return True

    async def run(self) -> None:
        """Write what changes without anybody waiting for it, and again what could not be written."""
        while True:
            await self._work.wait()
            self._work.clear()
            if not await self.try_write():
                self._work.set()
                await asyncio.sleep(RETRY_S)
