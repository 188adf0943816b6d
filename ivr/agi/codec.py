"""AGI on the wire, without I/O: bytes in, values out, bytes out.

A decoder is given bytes as they come (`receive`) and asked for what they make (`next_event`; None: not yet).
It raises RemoteError when the other end breaks a rule: the connection is then of no use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ivr.agi.errors import LocalError, RemoteError
from ivr.agi.limits import ENVIRONMENT_BYTES, LINE_IN_BYTES, LINE_OUT_BYTES
from ivr.agi.request import AgiRequest, add_entry

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:*#+-]+")
_FORBIDDEN = re.compile(r"[\r\n\x00]")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})
_REPLY = re.compile(rb"([0-9]{3})([ -])(.*)", re.DOTALL)
# The note runs to the *last* parenthesis: a variable's value may have its own.
_RESULT = re.compile(rb"result=([^ ]*)(?: \((.*)\))?(?: ([^(].*)?)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """Asterisk's answer to one command.

    ``200 result=1 (timeout) endpos=80`` gives code 200, result "1", note "timeout", text "endpos=80". For
    other codes ``text`` is the whole explanation. ``gone``: the command was not done because the channel has
    left or the connection is cut (code 0 when there was no answer at all).
    """

    code: int
    result: str = ""
    note: str = ""
    text: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class HangupNotice:
    """The line ``HANGUP``: this channel has left our script. It answers no command."""


HANGUP = HangupNotice()


def encode_command(*words: str) -> bytes:
    """One command line. Every word arrives as it is, whatever it holds, or LocalError is raised: a line break
    or an overlong line would be run by Asterisk as a second command."""
    line = " ".join([word if _PLAIN_WORD.fullmatch(word) else _quoted(word) for word in words])
    try:
        wire = line.encode() + b"\n"
    except UnicodeEncodeError:
        raise LocalError("a word of the command is not valid Unicode") from None
    if not words or len(wire) > LINE_OUT_BYTES:
        raise LocalError(f"command of {len(wire)} bytes, {LINE_OUT_BYTES} at most")
    return wire


def _quoted(word: str) -> str:
    if _FORBIDDEN.search(word):
        raise LocalError("CR, LF or NUL in a word of the command")
    return f'"{word.translate(_ESCAPES)}"'


class Lines:
    """Cuts a byte stream into lines, each at most ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0  # no newline before here: a line that comes byte by byte costs no second look

    def receive(self, chunk: bytes) -> None:
        self._buffer += chunk

    def next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._searched)
        length = end if end >= 0 else len(self._buffer)
        if length > self._limit:
            raise RemoteError(f"line over {self._limit} bytes")
        if end < 0:
            self._searched = length
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def rest(self) -> bytes:
        return bytes(self._buffer)


class RequestDecoder:
    """Reads one environment block, up to its blank line. What follows it is in ``rest()``."""

    def __init__(self) -> None:
        self._lines = Lines(ENVIRONMENT_BYTES)
        self._env: dict[str, str] = {}
        self._bytes = 0

    def receive(self, chunk: bytes) -> None:
        self._lines.receive(chunk)

    def next_event(self) -> AgiRequest | None:
        while (line := self._lines.next_line()) is not None:
            if not line:
                return AgiRequest.from_entries(self._env)
            self._bytes += len(line) + 1
            self._check_size()
            add_entry(self._env, line)
        self._check_size(len(self._lines.rest()))
        return None

    def _check_size(self, unfinished: int = 0) -> None:
        if self._bytes + unfinished > ENVIRONMENT_BYTES:
            raise RemoteError(f"environment over {ENVIRONMENT_BYTES} bytes")

    def rest(self) -> bytes:
        return self._lines.rest()


class ReplyDecoder:
    """Reads replies and hang-up notices. A ``520-`` usage text over many lines becomes one Reply."""

    def __init__(self) -> None:
        self._lines = Lines(LINE_IN_BYTES)
        self._usage: list[bytes] | None = None
        self._usage_bytes = 0

    def receive(self, chunk: bytes) -> None:
        self._lines.receive(chunk)

    def next_event(self) -> Reply | HangupNotice | None:
        while (line := self._lines.next_line()) is not None:
            event = self._usage_line(line) if self._usage is not None else self._line(line)
            if event is not None:
                return event
        return None

    def _line(self, line: bytes) -> Reply | HangupNotice | None:
        if line == b"HANGUP":
            return HANGUP
        match = _REPLY.fullmatch(line)
        if match is None:
            raise RemoteError("line that is neither a reply nor HANGUP")
        code, mark, rest = match.groups()
        if mark == b"-":
            self._usage, self._usage_bytes = [rest], len(rest)
            return None
        if code[:1] == b"1":  # 1xx: still at work, the reply comes later
            return None
        return _result(rest) if code == b"200" else Reply(int(code), text=_text(rest))

    def _usage_line(self, line: bytes) -> Reply | HangupNotice | None:
        """Asterisk writes the usage in one piece, so nothing but its end can stand between."""
        assert self._usage is not None  # noqa: S101  (for the type checker)
        if line.startswith(b"520 "):
            usage, self._usage = self._usage, None
            return Reply(520, text=_text(b"\n".join(usage)))
        self._usage.append(line)
        self._usage_bytes += len(line) + 1
        if self._usage_bytes > LINE_IN_BYTES:
            raise RemoteError(f"usage text over {LINE_IN_BYTES} bytes")
        return None


def _result(rest: bytes) -> Reply:
    match = _RESULT.fullmatch(rest)
    if match is None:  # also a note without its end: a line break inside a value
        raise RemoteError("200 without a well-formed result")
    result, note, text = match.groups(b"")
    return Reply(200, _text(result), _text(note), _text(text))


def _text(raw: bytes) -> str:
    """Asterisk does not promise UTF-8 in a value: what is broken becomes U+FFFD."""
    return raw.decode("utf-8", "replace")
