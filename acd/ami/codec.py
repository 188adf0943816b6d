"""The manager interface's wire format, without I/O: bytes in, blocks out; fields in, bytes out.

A stream is a banner line and then blocks of ``Key: value`` lines, each block ended by an empty line; lines
end in CR LF. Text that strangers write (a caller's number) stands in these blocks and Asterisk does not escape
all of it, so a block is believed only if it opens with its one ``Event`` or ``Response``: what does not
is skipped and counted in `StreamFaults`, and the reader's owner asks Asterisk anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from acd.ami.errors import LocalError

MAX_LINE = 64 * 1024  # bytes, without CR LF; a longer one spoils its block
MAX_BLOCK = 1024 * 1024  # bytes
MAX_ACTION_LINE = 1000  # bytes; Asterisk throws away a line that does not fit its buffer of 1,024
BANNER = b"Asterisk Call Manager/"
FORBIDDEN = frozenset("\r\n\0")


@dataclass(slots=True)
class StreamFaults:
    """How many blocks were skipped, by reason. Shared by the sessions to one Asterisk; only grows."""

    too_long: int = 0
    forged: int = 0  # an ``Event`` where none may be
    headless: int = 0  # opens with neither ``Event`` nor ``Response``
    unknown: int = 0  # an answer to a question we have not asked, or no longer wait for

    @property
    def skipped(self) -> int:
        """Blocks that may have held something we needed (an unknown answer holds nothing)."""
        return self.too_long + self.forged + self.headless


@dataclass(frozen=True, slots=True)
class Block:
    """One response or event: its fields in the order in which they came, doubled ones included."""

    fields: tuple[tuple[str, str], ...]
    _first: dict[str, str] = field(repr=False, compare=False)

    @classmethod
    def of(cls, fields: Iterable[tuple[str, str]]) -> Block:
        kept = tuple(fields)
        return cls(kept, {key.lower(): value for key, value in reversed(kept)})

    def get(self, key: str, default: str = "") -> str:
        """The first value under ``key``, whatever its case."""
        return self._first.get(key.lower(), default)

    def all(self, key: str) -> tuple[str, ...]:
        wanted = key.lower()
        return tuple(value for name, value in self.fields if name.lower() == wanted)


class BlockDecoder:
    """Feed it what the socket gives, in any pieces; it never raises. Invalid UTF-8 becomes U+FFFD, decided
    over a whole block, so that no packet border can cut a character."""

    def __init__(self, faults: StreamFaults | None = None) -> None:
        self.faults = faults if faults is not None else StreamFaults()
        self.banner = ""
        self._at_start = True
        self._tail = b""
        self._inside_long_line = False
        self._start_block()

    def feed(self, chunk: bytes) -> list[Block]:
        *lines, self._tail = (self._tail + chunk).split(b"\r\n")
        found = [block for line in lines if (block := self._take_line(line)) is not None]
        if len(self._tail) > MAX_LINE + 1:  # the one more may be the CR of its end
            self._inside_long_line = True
            self._tail = self._tail[-1:] if self._tail.endswith(b"\r") else b""
        return found

    def _start_block(self) -> None:
        self._lines: list[bytes] = []
        self._size = 0
        self._too_long = False

    def _take_line(self, line: bytes) -> Block | None:
        if self._at_start:
            self._at_start = False
            if line.startswith(BANNER):
                self.banner = line.decode("utf-8", "replace")
                return None
        if line or self._inside_long_line:
            self._keep(line)
            return None
        return self._end_block()

    def _keep(self, line: bytes) -> None:
        self._size += len(line)
        if self._inside_long_line or len(line) > MAX_LINE or self._size > MAX_BLOCK:
            self._inside_long_line = False
            self._too_long = True
            self._lines.clear()
        elif not self._too_long:
            self._lines.append(line)

    def _end_block(self) -> Block | None:
        lines, too_long = self._lines, self._too_long
        self._start_block()
        if too_long:
            self.faults.too_long += 1
            return None
        return self._believed(lines) if lines else None

    def _believed(self, lines: list[bytes]) -> Block | None:
        text = b"\r\n".join(lines).decode("utf-8", "replace")
        fields = [_field(line) for line in text.split("\r\n")]
        keys = [key.lower() for key, _ in fields]
        if keys[0] not in ("event", "response"):
            self.faults.headless += 1
            return None
        if "event" in keys[1:]:
            self.faults.forged += 1
            return None
        return Block.of(fields)


def _field(line: str) -> tuple[str, str]:
    """``Key: value``; a line without a colon has an empty key, which nobody asks for."""
    key, colon, value = line.partition(":")
    return (key, value.removeprefix(" ")) if colon else ("", line)


def encode_action(fields: Iterable[tuple[str, str]]) -> bytes:
    """One action, ended. Raises LocalError for CR, LF or NUL anywhere (each would be a second header, or a
    second action), for a key that is none, and for a line that Asterisk would throw away."""
    lines = [_line(key, value) for key, value in fields]
    return b"\r\n".join([*lines, b"", b""])


def _line(key: str, value: str) -> bytes:
    if not key or ":" in key or not FORBIDDEN.isdisjoint(key) or not FORBIDDEN.isdisjoint(value):
        raise LocalError(f"field {key!r} of an action holds what would break out of its line")
    try:
        line = f"{key}: {value}".encode()
    except UnicodeEncodeError:
        raise LocalError(f"field {key!r} of an action is not UTF-8") from None
    if len(line) > MAX_ACTION_LINE:
        raise LocalError(f"field {key!r} of an action is longer than {MAX_ACTION_LINE} bytes")
    return line
