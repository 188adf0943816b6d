"""Runs an AGI script of the site's under a time limit. Asterisk starts this; the script has its stdin and stdout.

    timed SCRIPT SECONDS

The script is ended when its time is up, and soon after the caller has hung up, with everything that it has started.
Why it did not do its work is told to the channel in one variable. What a script writes on stderr may hold what a caller
has typed (pyst2 traces every line there), so of that only the name of the exception goes further.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import IO

from ivr.agi_script import FAILED

_AFTER_HANGUP_S = 2.0
_TAIL = 4096  # bytes of stderr
_EXCEPTION = re.compile(rb"([A-Za-z_][A-Za-z0-9_.]{0,99})(:|$)")


def main(argv: list[str]) -> int:
    """0: it did its work. 1: it did not."""
    script, seconds = Path(argv[0]), float(argv[1])
    failed = _Run(script).until_ended(seconds)
    if failed:
        _tell(failed)
    return 1 if failed else 0


class _Run:
    def __init__(self, script: Path) -> None:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self._hung_up = False
        self._late = ""
        self._tail = b""
        signal.signal(signal.SIGHUP, self._on_hangup)
        self._process = subprocess.Popen(  # noqa: S603  the site's own script
            [sys.executable, str(script)], cwd=script.parent, stderr=subprocess.PIPE, start_new_session=True
        )
        if self._hung_up:  # before there was anybody to be told
            self._pass_on()

    def until_ended(self, seconds: float) -> str:
        """Why it failed, or ''."""
        reader = threading.Thread(target=self._read, args=(self._process.stderr,), daemon=True)
        reader.start()
        alarm = threading.Timer(seconds, self._end, [f"its {seconds:g} s were over"])
        alarm.daemon = True
        alarm.start()
        code = self._process.wait()
        alarm.cancel()
        self._kill()  # what it has left behind
        reader.join(1.0)
        if self._hung_up:
            return ""
        return self._late or (f"it ended with {code}{self._exception()}" if code else "")

    def _on_hangup(self, number: int, frame: FrameType | None) -> None:
        """Asterisk's way to say that the caller has left. The script may still ask the channel for its variables."""
        self._hung_up = True
        if hasattr(self, "_process"):
            self._pass_on()

    def _pass_on(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGHUP)
        alarm = threading.Timer(_AFTER_HANGUP_S, self._kill)
        alarm.daemon = True
        alarm.start()

    def _end(self, why: str) -> None:
        self._late = why
        self._kill()

    def _kill(self) -> None:
        """The script leads a group of its own, which everything is in that it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._tail = (self._tail + line)[-_TAIL:]

    def _exception(self) -> str:
        lines = self._tail.rstrip().splitlines()
        found = _EXCEPTION.match(lines[-1]) if lines else None
        return f" ({found[1].decode()})" if found else ""


def _tell(failed: str) -> None:
    """The first line break ends whatever half of a command the script has left."""
    with contextlib.suppress(OSError):
        os.write(1, f'\nSET VARIABLE {FAILED} "{failed}"\n'.encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
