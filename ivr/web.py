"""The Web port over HTTP: one question, one bounded JSON answer.

What another server sends is data from outside: its size is bounded while it comes, and a redirect is not followed (it
could lead anywhere). Nothing of it, nor of the URL, which holds what a caller has typed, is put into a message.
"""

from __future__ import annotations

import json
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import httpx

from ivr.flow.outside import OutsideFailed, WebRequest

MOST_BYTES = 64 * 1024
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)
# A server that does not answer while its asker has given up already is let go at last.
_TIMES = httpx.Timeout(10.0, pool=2.0)
_ASKED_FOR = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "hotline"}


class HttpWeb:
    """Keeps its connections until `close`. Neither proxies nor credentials are taken from the environment."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            headers=_ASKED_FOR, timeout=_TIMES, limits=_LIMITS, follow_redirects=False, trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def fetch(self, request: WebRequest) -> Any:
        """As `Web.fetch`. Numbers with a point come as Decimal, as exact as they were written."""
        try:
            question = self._client.build_request(
                request.method, request.url, headers=request.headers, json=request.body
            )
            async with aclosing(await self._client.send(question, stream=True)) as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                if not answer.is_success:
                    raise OutsideFailed(f"the web server answered {answer.status_code}")
                return _json(await _bounded(answer))
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise OutsideFailed(f"the web server could not be asked: {type(fault).__name__}") from None


async def _bounded(answer: httpx.Response) -> bytes:
    """As it came over the wire: what was packed all the same is refused, for who knows how large it is."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise OutsideFailed("the web server's answer is packed, which was not asked for")
    content = bytearray()
    async for piece in answer.aiter_raw():
        content += piece
        if len(content) > MOST_BYTES:
            raise OutsideFailed(f"the web server's answer is larger than {MOST_BYTES} bytes")
    return bytes(content)


def _json(content: bytes) -> Any:
    """None stands for a 404 only, and so does not come from here."""
    try:
        found = json.loads(content, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise OutsideFailed("the web server's answer is no JSON") from None
    if found is None:
        raise OutsideFailed("the web server's answer is empty")
    return found


def _no_number(constant: str) -> Any:
    raise ValueError(constant)  # NaN and Infinity are none of JSON's
