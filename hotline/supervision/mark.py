"""Which process exactly: a pid alone is soon somebody else's.

A mark is pid + start time in clock ticks since boot + the boot's own id. (Not a start time in seconds since 1970:
that one moves when somebody sets the clock.)
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Mark:
    pid: int
    ticks: int
    boot: str

    @property
    def alive(self) -> bool:
        """A zombie is dead: it only waits to be buried."""
        found = _stat(self.pid)
        return found is not None and found == ("alive", self.ticks) and self.boot == _boot()

    def signal(self, number: signal.Signals) -> bool:
        """False when that very process is gone; nobody else is ever hit."""
        if not self.alive:
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def mark_of(pid: int) -> Mark | None:
    """The mark of the process that has this pid now."""
    found = _stat(pid)
    return None if found is None else Mark(pid, found[1], _boot())


def _boot() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()


def _stat(pid: int) -> tuple[str, int] | None:
    """("alive" or "dead", start in ticks). The name in /proc/PID/stat may hold anything, so read from its last ')'."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return ("dead" if fields[0] in "ZX" else "alive", int(fields[19]))


def write_mark(file: Path, mark: Mark) -> None:
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(json.dumps(asdict(mark)), encoding="ascii")
    beside.replace(file)


def read_mark(file: Path) -> Mark | None:
    """The mark that was written, if its process still runs."""
    try:
        found = json.loads(file.read_text(encoding="ascii"))
        mark = Mark(int(found["pid"]), int(found["ticks"]), str(found["boot"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return mark if mark.alive else None
