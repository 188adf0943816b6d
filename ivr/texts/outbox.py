"""Texts into a file, one JSON object a line: for a centre without a gateway, or with one that takes them from there."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ivr.flow.outside import OutsideFailed, TextMessage


class FileGateway:
    """``clock``: Unix seconds. The file and its folder are nobody else's to read."""

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    async def send(self, message: TextMessage) -> None:
        """On the disk when it returns."""
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, **asdict(message)}, ensure_ascii=False) + "\n"
        try:
            await asyncio.to_thread(_append, self._file, line.encode("utf-8", "replace"))
        except OSError as fault:
            raise OutsideFailed(f"the outbox cannot be written: {fault.strerror}") from None


def _append(file: Path, line: bytes) -> None:
    """One line after the other, whoever writes. What a full disk has taken of a line is given back."""
    new = not file.exists()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        written = os.write(descriptor, line)
        if written < len(line):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
