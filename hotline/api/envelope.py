"""What is around every request: its body is read whole, within a limit and a time; its answer is kept by nobody; a line
of the log says what was asked by whom, without anything that was sent; and a fault of ours is told as one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hotline.api.problems import ApiProblem, failed

access = logging.getLogger("hotline.api.access")

HEALTH = "/health"
LARGEST_BODY = 256 * 1024
_BODY_S = 30.0
_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")


class Envelope:
    """The outermost one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception as error:  # noqa: BLE001 (the request's edge: it is told and logged without its words)
            problem = failed(error)
            if not status:
                await problem.response()(scope, receive, send_marked)
        _log(scope, status, time.perf_counter() - began)


def _log(scope: Scope, status: int, took_s: float) -> None:
    """The route, not the address: in that one there may be somebody's number."""
    token = scope.get("state", {}).get("token")
    route = getattr(scope.get("route"), "path", "-")
    if route == HEALTH and status == 200:  # the supervisor asks every few seconds
        return
    access.info("%s %s %d %.1f ms %s", scope["method"], route, status, took_s * 1000, token.name if token else "-")


class WholeBody:
    """Reads the body before anybody else does. Too large: 413; too slow: 408."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST_BODY, within_s: float = _BODY_S) -> None:
        self._app, self._largest, self._within_s = app, largest, within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._within_s):
                body = await self._read(scope, receive)
        except TimeoutError:
            body = ApiProblem(408, "the body did not come in time", what_to_do="send it again")
        if isinstance(body, ApiProblem):
            await body.response()(scope, receive, send)
        elif body is not None:
            await self._app(scope, _told_again(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | ApiProblem | None:
        """None: the asker has gone."""
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and int(told) > self._largest:
            return self._too_large()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._largest:
                return self._too_large()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> ApiProblem:
        hint = "send less at a time"
        return ApiProblem(413, f"a body has at most {self._largest // 1024} KB", where="body", what_to_do=hint)


def _told_again(body: bytes, receive: Receive) -> Callable[[], Awaitable[Any]]:
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
