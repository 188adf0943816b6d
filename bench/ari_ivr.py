"""A peer of `ivr`: its menu by ARI, in a process of its own. A plain client: events over one WebSocket, commands over
kept HTTP connections (aiohttp, on uvloop), a table of handlers and the state of each call in a dictionary.

    python -m bench.ari_ivr

It is told {"port", "password", "app", "store", "language", "topic"} on stdin, says {"up": true}, and ends with stdin.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import uvloop

from bench.numbers import KNOWN_CALLER


@dataclass(slots=True)
class _Call:
    """``level``: which of the two menus the caller is in. ``playback``: what they hear there."""

    level: int = 0
    playback: str = ""
    tier: str = ""


class AriMenu:
    def __init__(self, http: aiohttp.ClientSession, customers: sqlite3.Connection, language: str, topic: str) -> None:
        self._http = http
        self._prompts = (language, topic)
        self._customers = customers
        self._calls: dict[str, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers: Mapping[str, Callable[[str, Mapping[str, Any]], Awaitable[None]]] = {
            "StasisStart": self._began,
            "ChannelDtmfReceived": self._pressed,
            "StasisEnd": self._ended,
        }

    def hear(self, event: Mapping[str, Any]) -> None:
        handler = self._handlers.get(event["type"])
        if handler is not None:
            task = asyncio.get_running_loop().create_task(self._handled(handler, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _handled(
        self, handler: Callable[[str, Mapping[str, Any]], Awaitable[None]], event: Mapping[str, Any]
    ) -> None:
        await handler(event["channel"]["id"], event)

    async def _began(self, channel: str, event: Mapping[str, Any]) -> None:
        self._calls[channel] = _Call()
        await self._ask("POST", f"channels/{channel}/answer")
        await self._play(channel, 0)

    async def _pressed(self, channel: str, event: Mapping[str, Any]) -> None:
        call = self._calls.get(channel)
        if call is None:
            return
        await self._ask("DELETE", f"playbacks/{call.playback}")  # 404 when the prompt was over already
        if call.level == 1:
            await self._ask("DELETE", f"channels/{channel}")
            return
        call.level, call.tier = 1, self._tier(event["channel"]["caller"]["number"])
        await self._play(channel, 1)

    def _tier(self, caller: str) -> str:
        row = self._customers.execute("SELECT tier FROM customers WHERE number = ?", (caller,)).fetchone()
        return str(row[0]) if row else ""

    async def _play(self, channel: str, level: int) -> None:
        answer = await self._ask("POST", f"channels/{channel}/play", media=f"sound:{self._prompts[level]}")
        if channel in self._calls:
            self._calls[channel].playback = str(answer.get("id", ""))

    async def _ended(self, channel: str, event: Mapping[str, Any]) -> None:
        self._calls.pop(channel, None)

    async def _ask(self, method: str, path: str, **query: str) -> dict[str, Any]:
        async with self._http.request(method, f"/ari/{path}", params=query) as answer:
            body = await answer.read()
            return dict(json.loads(body)) if body else {}


def _customers(file: str) -> sqlite3.Connection:
    """The look-up's table, in a file of the client's own: AstDB cannot be read over ARI."""
    customers = sqlite3.connect(file)
    with customers:
        customers.execute("CREATE TABLE customers (number TEXT PRIMARY KEY, tier TEXT)")
        customers.execute("INSERT INTO customers VALUES (?, 'gold')", (KNOWN_CALLER,))
    return customers


async def main() -> None:
    told = json.loads(await asyncio.to_thread(sys.stdin.readline))
    base = f"http://127.0.0.1:{told['port']}"
    headers = {"Authorization": "Basic " + b64encode(f"{told['app']}:{told['password']}".encode()).decode()}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(base, headers=headers, connector=connector) as http:
        menu = AriMenu(http, _customers(told["store"]), told["language"], told["topic"])
        async with http.ws_connect("/ari/events", params={"app": told["app"]}) as events:
            print(json.dumps({"up": True}), flush=True)
            ending = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
            ending.add_done_callback(lambda _: asyncio.ensure_future(events.close()))
            async for message in events:
                if message.type is aiohttp.WSMsgType.TEXT:
                    menu.hear(json.loads(message.data))


if __name__ == "__main__":
    uvloop.run(main())
