"""The Web port over real sockets: what a server may answer, and that it can neither flood us nor lead us elsewhere."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from ivr.flow.outside import OutsideFailed, WebRequest
from ivr.web import MOST_BYTES, HttpWeb

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Its address, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        asked.append(head + await reader.readexactly(int(length[0]) if length else 0))
        try:
            await answer(writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked
    finally:
        listening.close()


def plain(content: bytes, status: str = "200 OK", *headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", ""]
        writer.write("\r\n".join(head).encode() + content)
        await writer.drain()

    return answer


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n[")
    for _ in range(10_000):
        writer.write(b"1," * 1000)
        await writer.drain()


async def fetched(answer: Answer, path: str = "/a", **more: object) -> tuple[object, list[bytes]]:
    web = HttpWeb()
    try:
        async with server(answer) as (address, asked):
            request = WebRequest("GET", address + path) if not more else WebRequest(url=address + path, **more)  # type: ignore[arg-type]
            return await web.fetch(request), asked
    finally:
        await web.close()


async def test_a_json_answer() -> None:
    found, [asked] = await fetched(plain('{"n": 205.50, "m": 7, "t": "明天"}'.encode()), "/stock/a%20b?c=%26")
    assert found == {"n": Decimal("205.50"), "m": 7, "t": "明天"}
    assert str(found["n"]) == "205.50"  # type: ignore[index]
    head = asked.decode().split("\r\n")
    assert head[0] == "GET /stock/a%20b?c=%26 HTTP/1.1"
    assert "Accept-Encoding: identity" in head


async def test_a_body_and_headers() -> None:
    _, [asked] = await fetched(plain(b"{}"), method="POST", body={"sku": "笔"}, headers={"Authorization": "Bearer x"})
    head, body = asked.split(b"\r\n\r\n")
    assert body.decode() == '{"sku":"笔"}'
    assert b"Authorization: Bearer x" in head
    assert b"Content-Type: application/json" in head


async def test_nothing_there_is_no_failure() -> None:
    assert (await fetched(plain(b"no such page", "404 Not Found")))[0] is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (plain(b"{}", "500 Oops"), "answered 500"),
        (plain(b"", "302 Found", "Location: /elsewhere"), "answered 302"),
        (plain(b"<html>"), "no JSON"),
        (plain(b"\xff{}"), "no JSON"),
        (plain(b'{"n": NaN}'), "no JSON"),
        (plain(b"[" * 60_000), "no JSON"),
        (plain(b"9" * 5000), "no JSON"),
        (plain(b"null"), "empty"),
        (plain(b""), "no JSON"),
        (plain(b" " * (MOST_BYTES + 1)), "larger than"),
        (plain(gzip.compress(b" " * 10**7), "200 OK", "Content-Encoding: gzip"), "packed"),
        (endless, "larger than"),
    ],
)
async def test_an_answer_that_is_none(answer: Answer, message: str) -> None:
    with pytest.raises(OutsideFailed, match=message):
        await fetched(answer)


async def test_a_redirect_is_not_followed() -> None:
    async with server(plain(b'{"secret": 1}')) as (elsewhere, asked):
        with pytest.raises(OutsideFailed, match="answered 307"):
            await fetched(plain(b"", "307 Temporary Redirect", f"Location: {elsewhere}/"))
        assert asked == []


async def test_a_server_that_is_away_is_told_without_the_url() -> None:
    web = HttpWeb()
    async with server(plain(b"{}")) as (address, _):
        pass
    with pytest.raises(OutsideFailed) as failed:
        await web.fetch(WebRequest("GET", f"{address}/13800138000"))
    assert str(failed.value) == "the web server could not be asked: ConnectError"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    await web.close()


@pytest.mark.parametrize("url", ["http://x:99999/", "http://127.0.0.1:0/", "http://[::g]/"])
async def test_an_address_that_is_none(url: str) -> None:
    web = HttpWeb()
    with pytest.raises(OutsideFailed):
        await web.fetch(WebRequest("GET", url))
    await web.close()


async def test_the_environment_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server(plain(b'"proxy"')) as (proxy, asked):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        assert (await fetched(plain(b'"server"')))[0] == "server"
        assert asked == []


async def test_an_asker_who_gives_up_leaves_no_connection_behind() -> None:
    over, web = asyncio.Event(), HttpWeb()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # to the end of the connection
        over.set()
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await web.fetch(WebRequest("GET", url))
    await asyncio.wait_for(over.wait(), 2)
    listening.close()
    await web.close()
