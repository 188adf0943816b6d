"""The ACD's events on disk: append-only, one JSON object a line, one file for each day (UTC).

Every figure of the ACD can be worked out of these files again, and every decision explained. An event is handed to the
kernel before `append` returns, so it survives the engine's death, though not the machine's; a write that fails is
counted and never holds up a call. A line that a crash has torn is passed over.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from acd.events import AcdEvent, EventKind

log = logging.getLogger(__name__)

_DAY_S = 86400
_SETUP = f'"kind":"{EventKind.SETUP.value}"'


class EventLog:
    """The writer; one for a folder. ``keep_days``: files of days before that are removed when a day begins."""

    def __init__(self, folder: Path, keep_days: int) -> None:
        self._folder = folder
        self._keep_days = keep_days
        self._day = -1
        self._file: int | None = None
        self.lost = 0  # events that could not be written

    def append(self, event: AcdEvent) -> None:
        line = encoded(event)
        try:
            day = int(event.at // _DAY_S)
            if day > self._day or self._file is None:
                self._begin(day)
            assert self._file is not None  # noqa: S101 (for the type checker)
            if os.write(self._file, line) < len(line):
                raise OSError("the disk is full")
        except OSError as error:
            self._lose(error)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _begin(self, day: int) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _file_name(day)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        self._day = day
        if _is_torn(path):
            os.write(self._file, b"\n")
        for old, kept in _files(self._folder):
            if old < day - self._keep_days:
                kept.unlink(missing_ok=True)

    def _lose(self, error: OSError) -> None:
        if self.lost % 1000 == 0:
            log.error("an event of the ACD could not be written (%d before it): %s", self.lost, error)
        self.lost += 1
        self.close()  # the next one opens the file again, and begins a new line after what is half there


def encoded(event: AcdEvent) -> bytes:
    told = {"at": event.at, "kind": event.kind.value}
    for word, value in (("call", event.call_id), ("agent", event.agent), ("queue", event.queue)):
        if value:
            told[word] = value
    if event.fields:
        told["fields"] = dict(event.fields)  # type: ignore[assignment]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decoded(line: str) -> AcdEvent | None:
    """None for a torn line, and for a kind that this version does not know."""
    try:
        told = json.loads(line)
        kind, at = EventKind(told["kind"]), float(told["at"])
    except (ValueError, KeyError, TypeError):
        return None
    return AcdEvent(
        kind, at, told.get("call", ""), told.get("agent", ""), told.get("queue", ""), told.get("fields", {})
    )


def read(folder: Path, since: float, until: float) -> Iterator[AcdEvent]:
    """The events of [``since``, ``until``) (Unix s), in the order in which they happened; before them all those from
    the last ``setup`` at or before ``since`` on, so that whoever follows them knows how things stood."""
    files = [(day, path) for day, path in _files(folder) if day * _DAY_S < until]
    for _, path in files[_first(files, since) :]:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                event = decoded(line)
                if event is not None and event.at < until:
                    yield event


def _first(files: list[tuple[int, Path]], since: float) -> int:
    """The place of the last file that begins no later than the day of ``since`` and has a setup early enough."""
    for place in range(len(files) - 1, -1, -1):
        day, path = files[place]
        if day * _DAY_S <= since and _has_setup(path, since):
            return place
    return 0


def _has_setup(path: Path, since: float) -> bool:
    with path.open(encoding="utf-8", errors="replace") as lines:
        setups = (decoded(line) for line in lines if _SETUP in line)
        return any(event is not None and event.at <= since for event in setups)


def _file_name(day: int) -> str:
    return f"{datetime.fromtimestamp(0, UTC) + timedelta(days=day):%Y-%m-%d}.jsonl"


def _files(folder: Path) -> list[tuple[int, Path]]:
    """(day since 1970, path), the oldest first. Other files are left alone."""
    found = []
    for path in folder.glob("*.jsonl"):
        try:
            day = datetime.strptime(path.stem, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            continue
        found.append((int(day.timestamp() // _DAY_S), path))
    return sorted(found)


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
