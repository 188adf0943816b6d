"""The AGI port over real sockets: strangers (invariant 6), callers who do as they please (invariant 3)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ivr.agi.codec import Reply
from ivr.agi.errors import LocalError
from ivr.agi.server import AgiLimits, AgiServer
from ivr.agi.session import AgiSession
from tests.fakes.fake_asterisk import FakeCaller

SECRET = "a-secret-of-this-boot"
LIMITS = AgiLimits(environment_s=0.3, strangers=100, reply_s=2.0, play_s=2.0, execute_s=2.0)

Serve = Callable[..., Awaitable[AgiServer]]
Script = Callable[[AgiSession], Awaitable[None]]


async def nothing(session: AgiSession) -> None:
    await session.command("NOOP")


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[AgiServer] = []

    async def start(script: Script = nothing, limits: AgiLimits = LIMITS) -> AgiServer:
        server = AgiServer(host="127.0.0.1", port=0, secret=SECRET, routes={"call": script}, limits=limits)
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop(0)
        assert server.sessions == 0


async def closed(reader: asyncio.StreamReader, within_s: float = 5.0) -> bytes:
    """What the server said until it closed. TimeoutError when it did not."""
    try:
        return await asyncio.wait_for(reader.read(), within_s)
    except ConnectionResetError:
        return b""


async def stranger(server: AgiServer, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    said = await closed(reader)
    writer.close()
    return said


def caller(server: AgiServer, **wishes: object) -> FakeCaller:
    return FakeCaller(server.port, SECRET, **wishes)  # type: ignore[arg-type]


# Strangers.


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "malformed"),
        (b"\x00\xff\x16\x03\x01" * 99 + b"\n", "malformed"),
        (b"\n", "malformed"),
        (b"x" * 1_000_000, "malformed"),
        (b"agi_x: y\n" * 100_000, "malformed"),
        (b"", "slow"),
        (b"agi_network: yes\n", "slow"),
    ],
)
async def test_garbage_is_closed_and_counted(serve: Serve, data: bytes, reason: str):
    server = await serve()
    assert await stranger(server, data) == b""
    assert server.refused == {reason: 1}


async def test_one_byte_at_a_time_does_not_stretch_the_time(serve: Serve):
    server = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    began = time.monotonic()

    async def drip() -> None:
        for byte in FakeCaller(1, SECRET).environment():
            writer.write(bytes([byte]))
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    await closed(reader)
    dripping.cancel()
    writer.close()
    assert time.monotonic() - began < 1.5
    assert server.refused["slow"] == 1


async def test_500_idle_sockets_do_not_keep_a_call_out(serve: Serve):
    server = await serve(limits=AgiLimits(environment_s=3.0, strangers=100))
    idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(500)]
    call = await caller(server).call()
    await call.over()
    assert call.commands == [("NOOP",)]
    await asyncio.gather(*(closed(reader) for reader, _ in idle))
    assert server.refused["crowded"] >= 400
    assert server.refused.total() == 500


@pytest.mark.parametrize(
    ("secret", "route", "reason"),
    [
        ("wrong", "call", "secret"),
        ("", "call", "secret"),
        (SECRET + "x", "call", "secret"),
        ("密", "call", "secret"),
        (SECRET, "nope", "route"),
        (SECRET, "", "route"),
        (SECRET, "call/x", "route"),
    ],
)
async def test_only_secret_and_route_open_the_door(
    serve: Serve, secret: str, route: str, reason: str, caplog: pytest.LogCaptureFixture
):
    server = await serve()
    call = await FakeCaller(server.port, secret, route=route).call()
    await call.over()
    assert call.commands == []
    assert server.refused == {reason: 1}
    assert SECRET not in caplog.text


async def test_doubled_entries_are_refused(serve: Serve):
    server = await serve()
    call = await caller(server, number="1\nagi_context: elsewhere").call()
    await call.over()
    assert call.commands == []
    assert server.refused == {"malformed": 1}


async def test_a_reply_to_nothing_ends_the_call(serve: Serve):
    seen: list[Reply] = []

    async def script(session: AgiSession) -> None:
        seen.append(await session.command("NOOP"))
        seen.append(await session.command("NOOP"))

    async def twice(call: FakeCaller, words: tuple[str, ...]) -> str:
        return "200 result=0\n200 result=1"

    server = await serve(script)
    call = await caller(server, answers={"NOOP": twice}).call()
    await call.over()
    assert server.refused == {"malformed": 1}
    assert seen[-1].gone


# Commands.


async def test_a_call_from_end_to_end(serve: Serve):
    seen: list[object] = []

    async def script(session: AgiSession) -> None:
        seen.append(session.request.args)
        await session.command("ANSWER")
        await session.set_variables({"A": 'x,"y"\\=|', "B": "热线"})
        seen.append(await session.full_variable("A", "NOPE", "B"))
        seen.append((await session.execute("Dial", "PJSIP/1001,15,mg")).result)
        seen.append(await session.full_variable("DIALSTATUS", "ANSWEREDTIME_MS", "HANGUPCAUSE"))

    server = await serve(script)
    call = await caller(server, args=("id", "", "x")).call()
    await call.over()
    assert seen == [("id", "", "x"), ('x,"y"\\=|', "", "热线"), "0", ("ANSWER", "1000", "16")]
    assert call.variables["A"] == 'x,"y"\\=|'
    assert [words[0] for words in call.commands] == ["ANSWER", "EXEC", "GET", "EXEC", "GET"]


async def test_no_time_left_closes_the_session(serve: Serve):
    seen: list[object] = []

    async def script(session: AgiSession) -> None:
        seen.append((await session.command("NOOP", timeout_s=0.05)).gone)
        seen.append((session.cut, session.hung_up, session.gone))
        seen.append(await session.full_variable("A", "B"))

    async def never(call: FakeCaller, words: tuple[str, ...]) -> str:
        await call.key("", 60)
        return "200 result=0"

    server = await serve(script)
    call = await caller(server, answers={"NOOP": never}, hurry=1.0).call()
    await call.over()
    assert seen == [True, (True, False, True), ("", "")]
    assert call.commands == [("NOOP",)]


async def test_an_abandoned_command_closes_the_session(serve: Serve):
    seen: list[object] = []

    async def script(session: AgiSession) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await session.command("WAIT", "FOR", "DIGIT", "9000")
        seen.append((session.cut, (await session.command("NOOP")).gone))

    server = await serve(script)
    call = await caller(server, hurry=1.0).call()
    await call.over()
    assert seen == [(True, True)]
    assert call.commands == [("WAIT", "FOR", "DIGIT", "9000")]


async def test_two_commands_at_once_are_our_mistake(serve: Serve):
    seen: list[BaseException | Reply] = []

    async def script(session: AgiSession) -> None:
        both = (session.command("NOOP"), session.command("NOOP"))
        seen.extend(await asyncio.gather(*both, return_exceptions=True))

    server = await serve(script)
    await (await caller(server).call()).over()
    assert isinstance(seen[0], Reply)
    assert isinstance(seen[1], LocalError)


async def test_minus_one_is_asked_about(serve: Serve):
    seen: list[object] = []

    async def script(session: AgiSession) -> None:
        reply = await session.command("STREAM", "FILE", "nofile", "")
        seen.append((reply.result, reply.gone, session.gone))

    server = await serve(script)
    await (await caller(server, missing_files=frozenset({"nofile"})).call()).over()
    assert seen == [("-1", False, False)]


# Hang-ups.


@pytest.mark.parametrize("hangup_first", [False, True])
async def test_hangup_during_a_command(serve: Serve, hangup_first: bool):
    seen: list[object] = []

    async def script(session: AgiSession) -> None:
        seen.append((await session.command("WAIT", "FOR", "DIGIT", "20000")).gone)
        seen.append((session.hung_up, session.cut, session.gone))
        await session.set_variables({"HOTLINE_NEXT": "hangup"})
        seen.append(await session.full_variable("HOTLINE_NEXT"))
        seen.append(await session.command("ANSWER"))

    server = await serve(script)
    call = await caller(server, hurry=1.0, hangup_first=hangup_first).call()
    await call.said("WAIT")
    call.hang_up()
    await call.over()
    dead = Reply(511, text="Command Not Permitted on a dead channel or intercept routine", gone=True)
    assert seen == [True, (True, False, True), ("hangup",), dead]
    assert call.variables["HOTLINE_NEXT"] == "hangup"


async def test_hangup_between_commands_keeps_replies_in_step(serve: Serve):
    seen: list[object] = []
    go_on = asyncio.Event()

    async def script(session: AgiSession) -> None:
        await session.command("NOOP")
        await go_on.wait()
        seen.append((await session.command("GET", "VARIABLE", "A")).note)
        seen.append((await session.command("GET", "VARIABLE", "B")).note)
        seen.append(session.hung_up)

    server = await serve(script)
    call = await caller(server, variables={"A": "1", "B": "2"}).call()
    await call.said("NOOP")
    call.hang_up()
    go_on.set()
    await call.over()
    assert seen == ["1", "2", True]


@pytest.mark.parametrize("after", range(6))
async def test_hangup_between_any_two_commands_ends_the_task(serve: Serve, after: int):
    done: list[bool] = []

    async def script(session: AgiSession) -> None:
        for words in (
            ("ANSWER",),
            ("STREAM", "FILE", "a", ""),
            ("GET", "DATA", "b", "50", "1"),
            ("SET", "MUSIC", "ON"),
        ):
            await session.command(*words)
        await session.command("WAIT", "FOR", "DIGIT", "50")
        done.append(session.hung_up)

    server = await serve(script)
    call = caller(server)

    async def count(_: FakeCaller, words: tuple[str, ...]) -> None:
        if len(call.commands) == after:
            call.hang_up()

    for word in ("ANSWER", "STREAM", "GET", "SET", "WAIT"):
        call.answers[word] = count  # type: ignore[assignment]
    await call.call()
    await call.over(1.0)
    assert done == [0 < after < 6]
    assert server.sessions == 0


async def test_a_cut_line_is_not_a_hangup(serve: Serve):
    seen: list[object] = []
    ended = asyncio.Event()

    async def script(session: AgiSession) -> None:
        seen.append(await session.command("WAIT", "FOR", "DIGIT", "20000"))
        seen.append((session.hung_up, session.cut, session.gone))
        seen.append(await session.set_variables({"A": "1"}))
        ended.set()

    server = await serve(script)
    call = await caller(server, hurry=1.0).call()
    await call.said("WAIT")
    call.cut()
    await asyncio.wait_for(ended.wait(), 1)
    assert seen == [Reply(0, gone=True), (False, True, True), Reply(0, gone=True)]


# The task's edge, and the end.


async def test_a_failing_script_ends_its_own_call_only(serve: Serve, caplog: pytest.LogCaptureFixture):
    async def script(session: AgiSession) -> None:
        if session.request.args == ("bad",):
            raise ZeroDivisionError("as planned")
        await session.command("NOOP")

    server = await serve(script)
    with caplog.at_level(logging.ERROR):
        bad, good = await caller(server, args=("bad",)).call(), await caller(server).call()
        await asyncio.gather(bad.over(), good.over())
    assert (bad.commands, good.commands) == ([], [("NOOP",)])
    assert bad.channel in caplog.text
    assert bad.uniqueid in caplog.text


async def test_stop_waits_then_cancels(serve: Serve):
    ended: list[str] = []

    async def script(session: AgiSession) -> None:
        try:
            await session.command("WAIT", "FOR", "DIGIT", session.request.args[0])
            ended.append("by itself")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    server = await serve(script)
    calls = [await caller(server, hurry=1.0, args=(time_ms,)).call() for time_ms in ("50", "60000")]
    for call in calls:
        await call.said("WAIT")
    await server.stop(0.3)
    assert sorted(ended) == ["by itself", "cancelled"]
    for call in calls:
        await call.over()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", server.port or 1)


async def test_many_calls_at_once_leave_nothing(serve: Serve):
    async def script(session: AgiSession) -> None:
        for n in range(5):
            await session.set_variables({"A": str(n)})
            assert await session.full_variable("A") == (str(n),)

    server = await serve(script)
    calls = await asyncio.gather(*(caller(server).call() for _ in range(100)))
    await asyncio.gather(*(call.over() for call in calls))
    assert all(call.variables["A"] == "4" for call in calls)
    assert not server.refused


@pytest.mark.parametrize("secret", ["", "a/b", "a?b"])
def test_a_secret_that_the_url_cannot_hold_is_refused(secret: str):
    with pytest.raises(ValueError, match="secret"):
        AgiServer(host="127.0.0.1", port=0, secret=secret, routes={})
