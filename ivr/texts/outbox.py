"""Texts into a file, one JSON object a line: for a centre without a gateway, or with one that takes them from there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ivr.flow.outside import OutsideFailed, TextMessage
from ivr.on_disk import append_lines


class FileGateway:
    """``clock``: Unix seconds. The file and its folder are nobody else's to read."""

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock

    async def send(self, message: TextMessage) -> None:
        """On the disk when it returns."""
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        try:
            await asyncio.to_thread(append_lines, self._file, [{"at": at, **asdict(message)}])
        except OSError as fault:
            raise OutsideFailed(f"the outbox cannot be written: {fault.strerror}") from None
