"""A few worker processes, started when they are first needed. One that is late or dies is killed; the next call gets a
new one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path

from ivr.flow.outside import OutsideFailed

_WORKER = "ivr.functions.worker"
_MOST_BYTES = 256 * 1024  # of an answer
_MOST_VALUES = 50
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LONGEST = 2000


class FunctionPool:
    """``folder``: the site's scripts. ``size``: how many run at a time; further ones wait, within their own limit."""

    def __init__(self, folder: Path, size: int = 2) -> None:
        self._folder = folder
        self._free = asyncio.Semaphore(size)
        self._idle: list[Process] = []
        self._all: set[Process] = set()

    async def call(self, name: str, values: Mapping[str, str], limit_s: float) -> Mapping[str, str]:
        """As `Functions.call`."""
        question = {"name": name, "values": dict(values), "limit_s": limit_s}
        try:
            async with asyncio.timeout(limit_s), self._free:
                answer = await self._ask(json.dumps(question).encode() + b"\n")
        except TimeoutError:
            raise OutsideFailed(f"its {limit_s:g} s were over") from None
        return _values(answer)

    async def _ask(self, question: bytes) -> bytes:
        """The worker stays only when it has answered with a line; also a caller's hang-up must not leave it an answer
        behind."""
        worker = await self._worker()
        answer = b""
        try:
            answer = await _exchange(worker, question)
        finally:
            if answer.endswith(b"\n"):
                self._idle.append(worker)
            else:
                self._end(worker)
        if not answer.endswith(b"\n"):
            raise OutsideFailed("its process died")
        return answer

    async def _worker(self) -> Process:
        while self._idle:
            worker = self._idle.pop()
            if worker.returncode is None:
                return worker
            self._end(worker)
        words = (sys.executable, "-I", "-m", _WORKER, str(self._folder))
        worker = await asyncio.create_subprocess_exec(
            *words, stdin=PIPE, stdout=PIPE, limit=_MOST_BYTES, start_new_session=True
        )
        self._all.add(worker)
        return worker

    def _end(self, worker: Process) -> None:
        """With all that a function has started."""
        self._all.discard(worker)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.pid, signal.SIGKILL)

    async def close(self) -> None:
        workers = list(self._all)
        for worker in workers:
            self._end(worker)
        self._idle.clear()
        await asyncio.gather(*(worker.wait() for worker in workers))


async def _exchange(worker: Process, question: bytes) -> bytes:
    """b"" or a torn line when it has died."""
    if worker.stdin is None or worker.stdout is None:
        raise ValueError("a worker has two pipes")
    try:
        worker.stdin.write(question)
        await worker.stdin.drain()
        return await worker.stdout.readline()
    except ValueError:
        raise OutsideFailed(f"its answer is larger than {_MOST_BYTES} bytes") from None
    except ConnectionError:
        return b""


def _values(answer: bytes) -> Mapping[str, str]:
    """The worker is ours, but what runs in it is not: its answer is looked at again."""
    try:
        found = json.loads(answer)
    except ValueError:
        raise OutsideFailed("its answer makes no sense") from None
    if not isinstance(found, dict) or not isinstance(values := found.get("values"), dict):
        failed = found.get("failed") if isinstance(found, dict) else None
        raise OutsideFailed(f"it raised {str(failed)[:100]}")
    if len(values) > _MOST_VALUES:
        raise OutsideFailed(f"it returned more than {_MOST_VALUES} values")
    for name, value in values.items():
        if not _NAME.fullmatch(name) or not isinstance(value, str) or len(value) > _LONGEST:
            raise OutsideFailed(f"what it returned as {name[:64]!r} is no value")
    return values
