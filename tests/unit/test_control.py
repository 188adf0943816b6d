"""The control socket: answers, refusals, a dead and a silent engine, long paths."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hotline.control import ControlServer, NoAnswer, NotRunning, Refused, ask, socket_folder


async def _ping(question: Mapping[str, Any]) -> dict[str, Any]:
    return {"heard": question.get("word", "")}


async def _broken(question: Mapping[str, Any]) -> dict[str, Any]:
    raise RuntimeError("secret detail")


async def _silent(question: Mapping[str, Any]) -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


HANDLERS = {"ping": _ping, "broken": _broken, "silent": _silent}


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Path]:
    server = ControlServer(tmp_path, HANDLERS)
    await server.start()
    yield tmp_path
    await server.stop()


async def test_a_question_has_its_answer(run: Path) -> None:
    assert await ask(run, "ping", word="热线\n") == {"heard": "热线\n"}


async def test_the_socket_is_its_owners(run: Path) -> None:
    assert stat.S_IMODE((run / "control.sock").stat().st_mode) == 0o600


async def test_an_unknown_word_is_refused_and_told_the_known_ones(run: Path) -> None:
    with pytest.raises(Refused, match="broken, ping, silent"):
        await ask(run, "dance")


async def test_a_failing_handler_is_refused_without_its_details(run: Path) -> None:
    with pytest.raises(Refused) as refused:
        await ask(run, "broken")
    assert "secret" not in str(refused.value)
    assert await ask(run, "ping") == {"heard": ""}


async def test_a_silent_engine_is_told_from_a_dead_one(run: Path, tmp_path: Path) -> None:
    with pytest.raises(NoAnswer):
        await ask(run, "silent", timeout_s=0.05)
    with pytest.raises(NotRunning):
        await ask(tmp_path / "elsewhere", "ping")


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"nonsense\n", b'{"ask": ["ping"]}\n', b"\xff\xfe\n"])
async def test_garbage_is_refused_and_the_connection_lives(run: Path, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(run / "control.sock")
    writer.write(line + b'{"ask": "ping"}\n')
    assert b'"ok": false' in await reader.readline()
    assert b'"ok": true' in await reader.readline()
    writer.close()


async def test_a_line_without_end_is_cut_off(run: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(run / "control.sock")
    writer.write(b"x" * 200_000)
    assert await reader.read() == b""
    writer.close()


async def test_a_socket_that_a_dead_engine_left_is_replaced(run: Path) -> None:
    (run / "control.sock").unlink()
    (run / "control.sock").touch()
    with pytest.raises(NotRunning):
        await ask(run, "ping")
    second = ControlServer(run, HANDLERS)
    await second.start()
    assert await ask(run, "ping") == {"heard": ""}
    await second.stop()


async def test_a_path_too_long_for_a_socket_finds_a_short_private_folder(tmp_path: Path) -> None:
    run = tmp_path / ("x" * 120)
    run.mkdir()
    folder = socket_folder(run)
    assert len(str(folder)) < 60
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert socket_folder(run) == folder
    server = ControlServer(run, HANDLERS)
    await server.start()
    assert await ask(run, "ping") == {"heard": ""}
    await server.stop()
    folder.chmod(0o755)  # somebody else could have put a socket there: not used again
    assert socket_folder(run) != folder
    socket_folder(run).rmdir()
    folder.rmdir()


@pytest.mark.parametrize("heard_first", [True, False])
async def test_stop_closes_open_connections(tmp_path: Path, heard_first: bool) -> None:
    server = ControlServer(tmp_path, HANDLERS)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(tmp_path / "control.sock")
    writer.write(b'{"ask": "ping"}\n{"ask": "silent"}\n')
    if heard_first:
        await reader.readline()
    await asyncio.wait_for(server.stop(), 2)
    with contextlib.suppress(ConnectionResetError):  # the kernel's word when our question was not read
        assert await reader.read() == b""
    assert not (tmp_path / "control.sock").exists()
    writer.close()
