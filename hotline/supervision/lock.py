"""A site runs once. The kernel keeps the lock: it is gone with its holder, however that one ended."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

_FILE = "up.lock"


class AlreadyUp(Exception):
    """Another `hotline up` holds this site."""


class UpLock:
    """``with UpLock(run):`` — raises AlreadyUp. Children do not inherit it."""

    def __init__(self, run: Path) -> None:
        self._file = run / _FILE
        self._descriptor = -1

    def __enter__(self) -> UpLock:
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise AlreadyUp(f"this site is up already, under process {holder or '?'}") from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)  # the file stays: to remove it would let two holders lock two files
