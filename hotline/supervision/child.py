"""One process that we run: started, or adopted from a supervisor that was killed.

It lives in a session of its own (a Ctrl-C at the terminal is for the supervisor, which then stops things in order) and
writes into a file (so it outlives us without a broken pipe).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hotline.supervision.mark import Mark, mark_of, read_mark, write_mark

_POLL_S = 0.2
_LARGEST_LOG = 20 * 1024 * 1024  # bytes; the one before is kept beside it


@dataclass(frozen=True, slots=True)
class Command:
    """``words``: what to run. ``log`` takes stdout and stderr. ``mark_file`` remembers who it is (it must not
    be called asterisk.pid: that one Asterisk writes itself, over whatever is there)."""

    name: str
    words: tuple[str, ...]
    log: Path
    mark_file: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class Child:
    """Use `start` or `adopt`. ``code`` of `wait` is negative for a signal, None for an adopted process."""

    def __init__(self, command: Command, mark: Mark, process: asyncio.subprocess.Process | None) -> None:
        self.command = command
        self.mark = mark
        self._process = process

    @classmethod
    async def start(cls, command: Command) -> Child:
        """Raises OSError when it cannot be started at all."""
        with _open_log(command.log) as log:
            process = await asyncio.create_subprocess_exec(
                *command.words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **command.environment} if command.environment else None,
            )
        mark = mark_of(process.pid) or Mark(process.pid, -1, "")
        write_mark(command.mark_file, mark)
        return cls(command, mark, process)

    @classmethod
    def adopt(cls, command: Command) -> Child | None:
        """The process that an earlier supervisor started and could not end."""
        mark = read_mark(command.mark_file)
        return None if mark is None else cls(command, mark, None)

    @property
    def alive(self) -> bool:
        return self.mark.alive if self._process is None else self._process.returncode is None

    async def wait(self) -> int | None:
        if self._process is not None:
            return await self._process.wait()
        while self.mark.alive:  # noqa: ASYNC110 (the kernel tells only a parent)
            await asyncio.sleep(_POLL_S)
        return None

    def signal(self, number: signal.Signals) -> None:
        """To that process or to nobody."""
        if self._process is None:
            self.mark.signal(number)
        elif self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def end(self, grace_s: float) -> None:
        """TERM, at most ``grace_s`` of patience, KILL. Returns when it is gone; its mark goes too."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.wait()
        self.command.mark_file.unlink(missing_ok=True)


@contextlib.contextmanager
def _open_log(file: Path) -> Iterator[int]:
    """The log, open for appending and private; a large one is put aside first."""
    if file.exists() and file.stat().st_size > _LARGEST_LOG:
        file.replace(file.with_name(f"{file.name}.1"))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def last_lines(log: Path, count: int = 12) -> str:
    """What the child said last; '' when there is nothing."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 16_384))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])
