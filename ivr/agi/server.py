"""The FastAGI server: listens, lets in who knows the secret, and runs one coroutine per call.

FastAGI has no authentication, and who answers on this port can run any application: so the URL is
``agi://host:port/<secret>/<route>`` and whoever does not say it, in time and in form, is closed and counted.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from ivr.agi.connection import AgiConnection, Gate
from ivr.agi.limits import AgiLimits
from ivr.agi.request import AgiRequest
from ivr.agi.session import AgiSession

__all__ = ["AgiLimits", "AgiServer", "Route"]

log = logging.getLogger(__name__)

Route = Callable[[AgiSession], Awaitable[None]]


class AgiServer:
    """``refused`` counts what was turned away: slow, malformed, secret, route, crowded, stopping."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        secret: str,
        routes: Mapping[str, Route],
        limits: AgiLimits | None = None,
    ) -> None:
        if not secret or "/" in secret or "?" in secret:
            raise ValueError("the AGI secret must be one non-empty path segment")
        self.refused: Counter[str] = Counter()
        self._host = host
        self._port = port
        self._secret = secret.encode()
        self._routes = dict(routes)
        self._limits = limits or AgiLimits()
        self._gate = Gate(
            arrived=self._arrived, introduced=self._introduced, refused=self._refused, closed=self._closed
        )
        self._server: asyncio.Server | None = None
        self._stopping = False
        self._strangers: dict[AgiConnection, None] = {}  # a dict for its order: the oldest first
        self._calls: dict[asyncio.Task[None], AgiConnection] = {}

    @property
    def port(self) -> int:
        """The bound port; the one asked for while not started."""
        if self._server is None or not self._server.sockets:
            return self._port
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def sessions(self) -> int:
        """Calls whose coroutine runs now."""
        return len(self._calls)

    async def start(self) -> None:
        """Bind and listen. OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._stopping = False
        self._server = await loop.create_server(
            lambda: AgiConnection(self._gate, self._limits), self._host, self._port, backlog=1024
        )

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, give those at work ``grace_s`` seconds, then cancel them. Asterisk goes on with
        each call in the dialplan."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for stranger in list(self._strangers):
            stranger.close()
        if self._calls and grace_s > 0:
            await asyncio.wait(list(self._calls), timeout=grace_s)
        left = list(self._calls)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    # What a connection tells us.

    def _arrived(self, connection: AgiConnection) -> None:
        self._strangers[connection] = None
        if len(self._strangers) > self._limits.strangers:
            oldest = next(iter(self._strangers))
            self._turn_away(oldest, "crowded", "too many connections without an environment")

    def _introduced(self, connection: AgiConnection, request: AgiRequest) -> bool:
        reason = self._objection(request)
        if reason:
            self._turn_away(connection, reason, "")
            return False
        self._strangers.pop(connection, None)
        session = connection.open_session(request)
        task = asyncio.get_running_loop().create_task(self._run(session), name=f"agi {request.channel}")
        self._calls[task] = connection
        task.add_done_callback(self._done)
        return True

    def _objection(self, request: AgiRequest) -> str:
        if not hmac.compare_digest(request.secret.encode(), self._secret):
            return "secret"
        if request.path not in self._routes:
            return "route"
        return "stopping" if self._stopping else ""

    def _turn_away(self, connection: AgiConnection, reason: str, detail: str) -> None:
        self._refused(connection, reason, detail)
        connection.close()

    def _refused(self, connection: AgiConnection, reason: str, detail: str) -> None:
        self._strangers.pop(connection, None)
        self.refused[reason] += 1
        channel = connection.session.request.channel if connection.session else "a stranger"
        log.warning("agi: closing the connection of %s: %s %s", channel, reason, detail)

    def _closed(self, connection: AgiConnection) -> None:
        self._strangers.pop(connection, None)

    async def _run(self, session: AgiSession) -> None:
        """The task's edge: what a script raises ends this one call and is told here."""
        request = session.request
        try:
            await self._routes[request.path](session)
        except Exception:
            log.exception("agi: %s failed for %s %s", request.path, request.channel, request.uniqueid)
        finally:
            session.close()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._calls.pop(task, None)
