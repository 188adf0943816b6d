"""Is an HTTP server of ours at work? Asked by hand: a client's libraries would be loaded for one line."""

from __future__ import annotations

import asyncio

_ANSWER_S = 2.0


async def answers(host: str, port: int, path: str, within_s: float = _ANSWER_S) -> bool:
    """Whether it says 200."""
    try:
        async with asyncio.timeout(within_s):
            return await _status(host, port, path) == b"200"
    except (OSError, TimeoutError):
        return False


async def _status(host: str, port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("ascii"))
        line = await reader.read(64)
        return line.split(b" ")[1] if line.startswith(b"HTTP/1.") and b" " in line else b""
    finally:
        writer.close()
