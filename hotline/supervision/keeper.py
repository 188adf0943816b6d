"""Keeps one child alive: starts it, waits until it is ready, starts it again when it dies."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from hotline.supervision.child import Child, Command, last_lines
from hotline.supervision.patience import BackOff
from hotline.supervision.step import State, Step, Tell

_READY_POLL_S = 0.05


class StartFailed(Exception):
    """The child ended, or was not ready in time. The message has the last lines of its log."""


class Keeper:
    """``ready``: asks once whether the child is at work. ``clock``: monotonic seconds."""

    def __init__(
        self,
        command: Command,
        *,
        ready: Callable[[], Awaitable[bool]],
        ready_s: float,
        tell: Tell,
        clock: Callable[[], float],
        back_off: BackOff | None = None,
    ) -> None:
        self._command = command
        self._ready = ready
        self._ready_s = ready_s
        self._tell = tell
        self._clock = clock
        self._back_off = back_off or BackOff()
        self._kill_reason = ""
        self.child: Child | None = None
        self.ready_at: float | None = None  # None: not at work now

    async def bring_up(self) -> None:
        """The first start (or the adopted child's first word). Raises StartFailed."""
        if self.child is None:
            self._say(State.DOING, "starting")
            self.child = await self._started()
        await self._until_ready(self.child)
        self._say(State.DONE, f"up, process {self.child.mark.pid}")

    async def keep(self) -> None:
        """For ever: one death, one restart. Needs `bring_up` first."""
        while self.child is not None:
            began = self.ready_at or self._clock()
            code = await self.child.wait()
            self.ready_at = None
            self._say(State.NOTE, self._obituary(code))
            await asyncio.sleep(self._back_off.pause_s(self._clock() - began))
            await self._again()

    def kill(self, reason: str) -> None:
        """For a child that hangs: it would not hear anything gentler (and may be stopped)."""
        if self.child is not None and self.child.alive:
            self._kill_reason = reason
            self.ready_at = None
            self.child.signal(signal.SIGKILL)

    async def end(self, grace_s: float) -> None:
        self.ready_at = None
        if self.child is not None:
            await self.child.end(grace_s)
            self._say(State.DONE, "stopped")

    async def _again(self) -> None:
        """One try; when it fails the dead child is found by the next round of `keep`."""
        try:
            self.child = await self._started()
            await self._until_ready(self.child)
        except StartFailed as failure:
            self._say(State.FAILED, str(failure))
            if self.child is not None and self.child.alive:
                self.kill("it did not get ready")
        else:
            self._say(State.DONE, f"up again, process {self.child.mark.pid}")

    async def _started(self) -> Child:
        try:
            return await Child.start(self._command)
        except OSError as error:
            raise StartFailed(f"cannot be started: {error.strerror}: {self._command.words[0]}") from None

    async def _until_ready(self, child: Child) -> None:
        deadline = self._clock() + self._ready_s
        while not (child.alive and await self._ready()):
            if not child.alive:
                raise StartFailed(f"ended while it was starting\n{last_lines(self._command.log)}")
            if self._clock() > deadline:
                raise StartFailed(f"not ready within {self._ready_s:g} s\n{last_lines(self._command.log)}")
            await asyncio.sleep(_READY_POLL_S)
        self.ready_at = self._clock()

    def _obituary(self, code: int | None) -> str:
        reason, self._kill_reason = self._kill_reason, ""
        if reason:
            return f"killed: {reason}; starting again"
        if code is not None and code < 0:
            return f"died of {signal.Signals(-code).name}; starting again"
        return f"ended{'' if code is None else f' with code {code}'}; starting again"

    def _say(self, state: State, text: str) -> None:
        self._tell(Step(self._command.name, state, text))
