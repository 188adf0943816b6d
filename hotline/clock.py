"""The one steady clock: Unix seconds that never jump while the process lives."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SteadyClock:
    """Set once by the wall, then run on monotonic time: an administrator who sets the machine's clock by an
    hour moves no deadline and swaps no two callers. Callable: seconds since 1970, UTC."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def __call__(self) -> float:
        return self._offset + time.monotonic()


def this_moment() -> datetime:
    """In UTC."""
    return datetime.fromtimestamp(SteadyClock()(), UTC)
