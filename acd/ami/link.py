"""One logged-in manager session, used once. A lost link is not mended: `pbx` opens a new one and asks anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from panoramisk import Manager
from panoramisk.message import Message

from acd.ami.codec import StreamFaults
from acd.ami.errors import Lost, Refused
from acd.ami.protocol import HotlineAMIProtocol


class Link(Manager):  # type: ignore[misc]  # panoramisk is untyped
    """``lost`` is done, with the reason, once the session is gone."""

    protocol: HotlineAMIProtocol | None

    def __init__(self, host: str, port: int, username: str, secret: str, *, events: bool, faults: StreamFaults) -> None:
        super().__init__(
            host=host,
            port=port,
            username=username,
            secret=secret,
            events="on" if events else "off",
            protocol_factory=lambda: HotlineAMIProtocol(faults),
        )
        self.lost: asyncio.Future[str]
        self._heard: dict[str, Callable[[Message], None]] = {}

    async def open(self) -> None:
        """Connect and log in. Raises OSError, Lost or Refused; the caller sets the deadline."""
        self.loop = asyncio.get_running_loop()
        self.lost = self.loop.create_future()
        await self.connect()
        answer = await self.authenticated_future
        if not answer.success:
            raise Refused(f"log-in as {self.config['username']}: {answer.message}")

    def hear(self, event: str, callback: Callable[[Message], None]) -> None:
        """Call back for each such event, in the order of the stream. One callback for an event."""
        self._heard[event] = callback

    def send(self, action: str, **fields: str) -> asyncio.Future[Any]:
        """Write the action before returning; the future is the answer (see `HotlineAMIProtocol.send`)."""
        if self.protocol is None:
            raise Lost("the session was never open")
        return self.protocol.send({"Action": action, **fields})

    async def ask(self, action: str, *, timeout_s: float, **fields: str) -> Message:
        """One answer. Raises Refused, Lost, LocalError, TimeoutError."""
        answer = await self._answer(self.send(action, **fields), timeout_s)
        return answer[0] if isinstance(answer, list) else answer

    async def ask_list(self, action: str, *, timeout_s: float, **fields: str) -> list[Message]:
        """The items of a list and its closing message. Raises as `ask`."""
        answer = await self._answer(self.send(action, **fields), timeout_s)
        return answer[1:] if isinstance(answer, list) else []

    async def _answer(self, future: asyncio.Future[Any], timeout_s: float) -> Any:
        async with asyncio.timeout(timeout_s):
            answer = await future
        first = answer[0] if isinstance(answer, list) else answer
        if not first.success:
            raise Refused(first.message or "no reason given")
        return answer

    # What panoramisk calls, and how a link differs: it never tries again by itself, does not ping, and looks an event
    # up by its name, where panoramisk tries one pattern after the other.

    def dispatch(self, event: Message) -> None:
        callback = self._heard.get(event.event)
        if callback is not None:
            callback(event)

    def connection_made(self, opening: asyncio.Future[tuple[Any, Any]]) -> None:
        if not opening.cancelled() and opening.exception() is None:
            super().connection_made(opening)

    def login(self, future: asyncio.Future[Message]) -> bool:
        if future.cancelled() or future.exception() is not None:
            return False
        return bool(super().login(future))

    def ping(self) -> None:
        """Asterisk can freeze while Ping still answers: health is the owner's question."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()
        if not self.lost.done():
            self.lost.set_result(f"connection lost ({exc})" if exc else "connection closed by Asterisk")
