"""The text gateways: a file, a web service, a command; and how a site chooses one."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ivr.flow.outside import OutsideFailed, TextMessage
from ivr.texts.command import CommandGateway
from ivr.texts.form import CommandTextsForm, HttpTextsForm, TextsForm
from ivr.texts.outbox import FileGateway
from ivr.texts.web import HttpGateway

MESSAGE = TextMessage("+8613800138000", '您好 "1"\nzwei\ud800', "c-1")


async def test_the_outbox_is_private_and_has_a_line_for_each(tmp_path: Path) -> None:
    file = tmp_path / "texts" / "outbox.jsonl"
    gateway = FileGateway(file, lambda: 1_772_424_000.5)
    await asyncio.gather(*(gateway.send(MESSAGE) for _ in range(20)))
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert len(lines) == 20
    assert lines[0] == {
        "at": "2026-03-02T04:00:00.500+00:00",
        "to": "+8613800138000",
        "text": '您好 "1"\nzwei?',
        "call_id": "c-1",
    }
    assert [path.stat().st_mode & 0o777 for path in (file, file.parent)] == [0o600, 0o700]


async def test_an_outbox_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("a file where a folder should be")
    with pytest.raises(OutsideFailed, match="outbox"):
        await FileGateway(tmp_path / "texts" / "outbox.jsonl", lambda: 0.0).send(MESSAGE)


async def test_what_a_full_disk_has_taken_of_a_line_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "outbox.jsonl"
    await FileGateway(file, lambda: 0.0).send(MESSAGE)
    before, write = file.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:10]))
    with pytest.raises(OutsideFailed, match="No space left"):
        await FileGateway(file, lambda: 0.0).send(MESSAGE)
    assert file.read_bytes() == before


class Server:
    """One answer for everybody; what was asked is kept."""

    def __init__(self, answer: bytes, after_s: float = 0.0) -> None:
        self.asked = b""
        self._answer, self._after_s = answer, after_s

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/send?x=1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        self.asked += head + await reader.readexactly(length)
        await asyncio.sleep(self._after_s)
        writer.write(b"HTTP/1.1 " + self._answer + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()


async def sent_over_web(server: Server, timeout_s: float = 10.0) -> None:
    gateway = HttpGateway(server.url, "s3cret", timeout_s)
    try:
        await gateway.send(TextMessage("+8613800138000", "您好", "c-1"))
    finally:
        await gateway.close()


async def test_a_message_is_posted_with_the_token() -> None:
    async with Server(b"202 Accepted") as server:
        await sent_over_web(server)
    head, _, body = server.asked.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /send?x=1 HTTP/1.1")
    assert b"Authorization: Bearer s3cret" in head
    assert json.loads(body) == {"to": "+8613800138000", "text": "您好", "call_id": "c-1"}


@pytest.mark.parametrize(
    ("answer", "why"), [(b"500 No", "500"), (b"302 There\r\nLocation: http://127.0.0.1:9/", "302"), (b"x", "Error")]
)
async def test_a_gateway_that_does_not_take_it(answer: bytes, why: str) -> None:
    async with Server(answer) as server:
        with pytest.raises(OutsideFailed, match=why) as told:
            await sent_over_web(server)
    assert "s3cret" not in str(told.value)


async def test_a_gateway_that_is_slow_or_away() -> None:
    async with Server(b"200 OK", after_s=5.0) as server:
        with pytest.raises(OutsideFailed, match="Timeout"):
            await sent_over_web(server, timeout_s=0.2)
    with pytest.raises(OutsideFailed, match="ConnectError"):
        await sent_over_web(server)


async def test_a_command_gets_the_message_on_stdin(tmp_path: Path) -> None:
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"
    await CommandGateway([sys.executable, "-c", code, str(tmp_path / "$(x);y")], 20.0).send(MESSAGE)
    found = json.loads((tmp_path / "$(x);y").read_text("utf-8"))
    assert found == {"to": "+8613800138000", "text": '您好 "1"\nzwei?', "call_id": "c-1"}


@pytest.mark.parametrize(
    ("command", "why"),
    [(["false"], "ended with 1"), (["/nowhere/at/all"], "No such file"), (["sleep", "30"], r"more than 0\.3 s")],
)
async def test_a_command_that_does_not_take_it(command: list[str], why: str) -> None:
    with pytest.raises(OutsideFailed, match=why):
        await CommandGateway(command, 0.3).send(MESSAGE)


FORM: TypeAdapter[Any] = TypeAdapter(TextsForm)


def test_a_site_chooses() -> None:
    http = FORM.validate_python({"gateway": "http", "url": "https://sms.example/send", "token": "s3cret"})
    assert isinstance(http, HttpTextsForm)
    assert "s3cret" not in repr(http)
    assert isinstance(FORM.validate_python({"gateway": "command", "command": ["send", "-x"]}), CommandTextsForm)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gateway": "pigeon"},
        {"gateway": "file", "url": "http://x"},
        {"gateway": "http"},
        {"gateway": "http", "url": "ftp://x/"},
        {"gateway": "http", "url": "https:///x"},
        {"gateway": "http", "url": "https://a:b@x/"},
        {"gateway": "http", "url": "https://x/", "token": "a\nb"},
        {"gateway": "http", "url": "https://x/", "timeout_s": 31},
        {"gateway": "command", "command": []},
        {"gateway": "command", "command": "send"},
    ],
)
def test_what_is_no_gateway(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FORM.validate_python(wrong)
