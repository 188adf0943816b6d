"""SIPp's short message log (`-trace_shortmsg`) as values. No process is started here.

One line per SIP message, tab-separated: date, time, Unix seconds with microseconds, S or R, Call-ID,
"CSeq:<n> <method>", first line. SIPp stamps a line when it sends the message, or has read it, so a phone's
log is the phone's own truth, to well under a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SipMessage:
    """``at``: Unix seconds, microsecond resolution. ``cseq_method``: the method of its transaction."""

    at: float
    sent: bool
    call_id: str
    cseq: int
    cseq_method: str
    first_line: str

    @property
    def status(self) -> int | None:
        """The code of a response, None for a request."""
        if not self.first_line.startswith("SIP/2.0 "):
            return None
        return int(self.first_line.split(" ", 2)[1])

    @property
    def method(self) -> str | None:
        """The method of a request, None for a response."""
        return None if self.status is not None else self.first_line.split(" ", 1)[0]

    @property
    def user(self) -> str:
        """The user part of a request's URI ("1001" of "INVITE sip:1001@host SIP/2.0"), or ""."""
        if self.method is None:
            return ""
        uri = self.first_line.split(" ")[1].removeprefix("sip:")
        return uri.split("@", 1)[0].split(";", 1)[0] if "@" in uri else ""


def parse_line(line: str) -> SipMessage | None:
    """None for a line that is no message: a header, a blank, or the cut last line of a log still being written."""
    parts = line.rstrip("\n").split("\t")
    if len(parts) != 7 or not parts[5].startswith("CSeq:") or not line.endswith("\n"):
        return None
    number, _, method = parts[5].removeprefix("CSeq:").strip().partition(" ")
    try:
        return SipMessage(float(parts[2]), parts[3] == "S", parts[4], int(number), method, parts[6].strip())
    except ValueError:
        return None


def parse_messages(lines: Iterable[str]) -> Iterator[SipMessage]:
    """``lines`` with their line ends."""
    return (message for line in lines if (message := parse_line(line)) is not None)


class LineTail:
    """The whole lines a file has gained since the last look; a line without its end waits for the rest.
    The file need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new_lines(self) -> list[str]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode("utf-8", "replace").splitlines(keepends=True)
