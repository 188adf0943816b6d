"""One TCP connection on the AGI port: first a stranger, then, with the secret and a known route, a session.

An `asyncio.Protocol` and not a pair of streams: one method call per read, one write per command.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from ivr.agi.codec import HangupNotice, ReplyDecoder, RequestDecoder
from ivr.agi.errors import RemoteError
from ivr.agi.limits import AgiLimits
from ivr.agi.request import AgiRequest
from ivr.agi.session import AgiSession

_GATHER_S = 0.002


class Gate:
    """What a connection asks and tells its server."""

    def __init__(
        self,
        *,
        arrived: Callable[[AgiConnection], None],
        introduced: Callable[[AgiConnection, AgiRequest], bool],
        refused: Callable[[AgiConnection, str, str], None],
        closed: Callable[[AgiConnection], None],
    ) -> None:
        self.arrived = arrived
        self.introduced = introduced  # False: not let in, and closed already
        self.refused = refused
        self.closed = closed


class AgiConnection(asyncio.Protocol):
    def __init__(self, gate: Gate, limits: AgiLimits) -> None:
        self.session: AgiSession | None = None
        self._gate = gate
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._request = RequestDecoder()
        self._replies = ReplyDecoder()
        self._alarm: asyncio.TimerHandle | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        _no_delay(self._transport)
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(self._limits.environment_s, self._refuse, "slow", "")
        # Asterisk sends an environment in some 23 small writes: read together, they wake us once.
        self._transport.pause_reading()
        loop.call_later(_GATHER_S, self._read_on)
        self._gate.arrived(self)

    def _read_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        try:
            if self.session is None:
                self._read_request(data)
            else:
                self._read_replies(data)
        except RemoteError as error:
            self._refuse("malformed", str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._transport = None
        if self.session is not None:
            self.session.close()
        self._gate.closed(self)

    # the session's side

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close without waiting for a peer that does not read."""
        self._disarm()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()

    def open_session(self, request: AgiRequest) -> AgiSession:
        self.session = AgiSession(request, self, self._limits)
        return self.session

    # reading

    def _read_request(self, data: bytes) -> None:
        self._request.receive(data)
        request = self._request.next_event()
        if request is None:
            return
        self._disarm()
        if self._gate.introduced(self, request):
            self._read_replies(self._request.rest())

    def _read_replies(self, data: bytes) -> None:
        assert self.session is not None  # noqa: S101  (for the type checker)
        self._replies.receive(data)
        while (event := self._replies.next_event()) is not None:
            if isinstance(event, HangupNotice):
                self.session.left()
            else:
                self.session.replied(event)

    def _refuse(self, reason: str, detail: str) -> None:
        self._gate.refused(self, reason, detail)
        if self.session is not None:
            self.session.close()
        self.close()

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def _no_delay(transport: asyncio.Transport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
