"""Logs that are written to all the time: put by once a day under their day's name, and removed when their days are
over. Masked in place, so that whoever writes goes on at the end of the same file."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from hotline.settings import SiteFolders
from hotline.sweeping import remove_older

log = logging.getLogger(__name__)

_PUT_BY = re.compile(r"\.(\d{4}-\d{2}-\d{2}|1)$")  # ".1": the supervisor's own, of a log that had become too large
_PIECE = 1 << 20


def log_files(folders: SiteFolders) -> Iterator[Path]:
    """All of them, also those put by."""
    for folder in (folders.logs, folders.asterisk_logs):
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def put_by(folders: SiteFolders, day: date) -> int:
    """Each log that has anything in it gets a name with ``day``, which has ended. How many."""
    count = 0
    for path in [path for path in log_files(folders) if _PUT_BY.search(path.name) is None and path.stat().st_size]:
        try:
            _put_by(path, path.with_name(f"{path.name}.{day:%Y-%m-%d}"))
            count += 1
        except OSError as error:
            log.warning("%s could not be put by: %s", path, error)
    return count


def _put_by(path: Path, target: Path) -> None:
    """Call records are opened anew for each line, so the file itself can take the name. A log is held open by who
    writes: what is in it is copied and then cut away, as logrotate's copytruncate does."""
    if path.suffix == ".csv" and not target.exists():
        path.rename(target)
        return
    with path.open("r+b") as source, open(target, "ab", opener=_private) as copy:
        while piece := source.read(_PIECE):
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
        source.truncate(0)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def remove_old(folders: SiteFolders, before: float) -> int:
    """Of those put by, the ones that were written to last before ``before`` (Unix s). How many."""
    return remove_older([path for path in log_files(folders) if _PUT_BY.search(path.name) is not None], before)
