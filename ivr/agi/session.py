"""One call's conversation with Asterisk: one command at a time, each with its answer and its deadline.

A hang-up is an everyday ending and comes back as a value. The session never does I/O itself: it writes to a
`Wire` and is told what came in, by `ivr/agi/connection.py` or by a test.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Protocol

from ivr.agi.assignment import assignments
from ivr.agi.codec import Reply, encode_command
from ivr.agi.errors import LocalError, RemoteError
from ivr.agi.limits import AgiLimits
from ivr.agi.request import AgiRequest

log = logging.getLogger(__name__)

GONE = Reply(0, gone=True)
_DONE = Reply(200, "0")
_DEAD_CHANNEL = 511


class Wire(Protocol):
    """The connection as the session needs it. Neither may block, and both may be called after a close."""

    def send(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class AgiSession:
    """``hung_up``: Asterisk said that the channel has left us. It says so with the line HANGUP, with 511, or
    with a ``-1`` that a question confirms; variables can still be read and set then. ``cut``: the connection
    ended before that, by a crash or by us; the call may still be alive in Asterisk.
    """

    def __init__(self, request: AgiRequest, wire: Wire, limits: AgiLimits) -> None:
        self.request = request
        self.limits = limits
        self.hung_up = False
        self._closed = False
        self._wire = wire
        self._pending: asyncio.Future[Reply] | None = None
        # A caller may put anything into a value, but cannot know this: the values stay apart.
        self._separator = f"|{secrets.token_hex(4)}|"

    @property
    def cut(self) -> bool:
        return self._closed and not self.hung_up

    @property
    def gone(self) -> bool:
        """Nobody is there to hear us any more."""
        return self._closed or self.hung_up

    async def command(self, *words: str, timeout_s: float | None = None) -> Reply:
        """Send one command and wait for its reply. Never raises for a hang-up: the reply is then ``gone``.

        When ``timeout_s`` (default: `AgiLimits.reply_s`) passes, or the waiting task is cancelled, the
        session is closed: the late reply would be taken for the next command's. LocalError: the words cannot
        be sent, or another command is still waiting.
        """
        reply = await self._exchange(encode_command(*words), timeout_s or self.limits.reply_s)
        if reply.result == "-1" and not await self._still_there():
            return Reply(reply.code, reply.result, reply.note, reply.text, gone=True)
        return reply

    async def execute(self, app: str, args: str = "", timeout_s: float | None = None) -> Reply:
        """EXEC an application; `AgiLimits.execute_s` when no time is given. Result "-2": Asterisk has no such
        application; what it achieved is in its own variables (DIALSTATUS, ...)."""
        return await self.command("EXEC", app, args, timeout_s=timeout_s or self.limits.execute_s)

    async def full_variable(self, *names: str) -> tuple[str, ...]:
        """The values of variables or functions, in one command; "" for one that is not set, and for all when
        the connection is cut. Answers on a hung-up channel too."""
        if not names:
            return ()
        wish = self._separator.join(f"${{{name}}}" for name in names)
        reply = await self.command("GET", "FULL", "VARIABLE", wish)
        return self._values(reply, len(names))

    async def set_variables(self, values: Mapping[str, str]) -> Reply:
        """Set them all, in one command when there are at most 24. Works on a hung-up channel too. LocalError
        for a bad name or a control character: then some may be set already. The reply is the last one's."""
        reply = _DONE
        for line in assignments(values):
            reply = await self.command("EXEC", "MSet", line)
            if reply.gone:
                break
        return reply

    def _values(self, reply: Reply, count: int) -> tuple[str, ...]:
        if reply.gone or reply.result != "1":
            return ("",) * count
        values = tuple(reply.note.split(self._separator))
        if len(values) != count:
            raise RemoteError(f"{len(values)} values came for {count} names")
        return values

    async def _still_there(self) -> bool:
        """``-1`` is what Asterisk says for a hang-up, and for a missing file too; the HANGUP line follows up
        to 40 ms later (Nagle at Asterisk's end). CHANNEL STATUS is refused on a dead channel, and brings it
        along."""
        if not self.gone:
            await self._exchange(b"CHANNEL STATUS\n", self.limits.reply_s)
        return not self.gone

    async def _exchange(self, line: bytes, timeout_s: float) -> Reply:
        if self._closed:
            return GONE
        if self._pending is not None:
            raise LocalError("a command is sent while another one waits for its reply")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        self._pending = future
        alarm = loop.call_later(timeout_s, self._too_late)
        self._wire.send(line)
        try:
            return await future
        finally:
            alarm.cancel()
            self._pending = None
            if future.cancelled():
                self.close()

    def _too_late(self) -> None:
        log.warning("agi: no reply in time on %s, closing", self.request.channel)
        self.close()

    # What the connection tells us.

    def replied(self, reply: Reply) -> None:
        """Raises RemoteError for a reply to nothing: from there on every answer would be off by one."""
        if self._pending is None or self._pending.done():
            raise RemoteError("reply without a command")
        if reply.code == _DEAD_CHANNEL:
            self.hung_up = True
            reply = Reply(reply.code, text=reply.text, gone=True)
        self._pending.set_result(reply)

    def left(self) -> None:
        """HANGUP was read. The pending command is not ended by it: its own reply still comes."""
        self.hung_up = True

    def close(self) -> None:
        """End the session from our side or because the connection is lost. The pending command is
        ``gone``."""
        self._closed = True
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(GONE)
        self._wire.close()
