"""A file that is written whole or not at all, and that nobody else can read: secrets are in most of ours."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Beside, to the disk, renamed: a crash, a full disk or a kill -9 leaves the old file or the new one. Born 0600.
    Raises OSError; the old file is then as it was."""
    beside = file.with_name(f".{file.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)
