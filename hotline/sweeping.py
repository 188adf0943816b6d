"""What is kept for a number of days goes when its days are over."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

_EVERY_S = 3600.0
_DAY_S = 86400.0


async def sweep(folder: Path, days: int) -> None:
    """Every hour: remove the files of ``folder`` that have not been written to for ``days``. Until cancelled."""
    while True:
        await asyncio.to_thread(remove_older_in, folder, time.time() - days * _DAY_S)
        await asyncio.sleep(_EVERY_S)


def remove_older_in(folder: Path, before: float) -> int:
    return remove_older(folder.glob("*") if folder.is_dir() else (), before)


def remove_older(paths: Iterable[Path], before: float) -> int:
    """Files that were written to last before ``before`` (Unix s). How many went; one that cannot is logged, and tried
    again next time."""
    gone = 0
    for path in paths:
        try:
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                gone += 1
        except OSError as error:
            log.warning("%s is past its days and cannot be removed: %s", path, error)
    return gone
