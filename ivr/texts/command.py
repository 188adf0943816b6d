"""Texts to a command of the admin's: the message as JSON on its stdin, no shell; by its exit code it has taken it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import asdict

from ivr.flow.outside import OutsideFailed, TextMessage


class CommandGateway:
    """``command``: words, the first of which is the program. Not one of them comes from a call."""

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        self._command = tuple(command)
        self._timeout_s = timeout_s

    async def send(self, message: TextMessage) -> None:
        null = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, stdout=null, stderr=null, start_new_session=True
            )
        except OSError as fault:
            raise OutsideFailed(f"the text command cannot be started: {fault.strerror}") from None
        try:
            async with asyncio.timeout(self._timeout_s):
                await process.communicate(json.dumps(asdict(message), ensure_ascii=False).encode("utf-8", "replace"))
        except TimeoutError:
            raise OutsideFailed(f"the text command took more than {self._timeout_s:g} s") from None
        finally:
            _end(process.pid)
        if process.returncode != 0:
            raise OutsideFailed(f"the text command ended with {process.returncode}")


def _end(group: int) -> None:
    """It and all that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
