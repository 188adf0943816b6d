"""`hotline up`: runs the engine and Asterisk in the foreground, in the right order, until it is told to stop; and the
API beside them, which they can do without.

Order is safety: the engine binds the AGI port before Asterisk starts, because whoever answers there can command
channels; and at the end Asterisk goes first, so that every call's outcome still finds its engine.
A supervisor that was killed leaves both running; the next one adopts the Asterisk, with the calls that talk on it, and
replaces the engine, whose calls knock again.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotline.boot import BootSecrets
from hotline.control import ControlError, ask
from hotline.supervision.beside import Beside, BesideKeeper
from hotline.supervision.child import Child, Command
from hotline.supervision.keeper import Keeper, StartFailed
from hotline.supervision.lock import UpLock
from hotline.supervision.patience import Patience
from hotline.supervision.ports import PortUse, taken
from hotline.supervision.step import State, Step, Tell

SECRETS = "secrets.json"  # in the run folder
_CLI_S = 5.0  # for one command at Asterisk's console


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``hang_s``: an engine silent for so long is killed; ``freeze_s``: an Asterisk that the engine cannot
    get an answer from for so long is killed; ``grace_s``: people may finish talking."""

    grace_s: float = 120.0
    hang_s: float = 10.0
    freeze_s: float = 30.0
    watch_s: float = 2.0
    ready_s: float = 60.0
    end_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. ``asterisk`` None: it is somebody else's, and its secrets stay what they are.

    ``render`` writes every file that the two need. ``asterisk_ready`` and ``asterisk_quiesce`` are console
    commands: the first succeeds once Asterisk has booted, the second asks it to end with its last call. ``api``: beside
    the two; None for a site without it.
    """

    run: Path
    bind: str
    engine: Command
    engine_ports: tuple[PortUse, ...]
    render: Callable[[BootSecrets], Awaitable[None]]
    asterisk: Command | None = None
    asterisk_ports: tuple[PortUse, ...] = ()
    asterisk_ready: tuple[str, ...] = ()
    asterisk_quiesce: tuple[str, ...] = ()
    api: Beside | None = None
    timing: Timing = Timing()


class Supervisor:
    """`run` returns the exit code. `stop` may be called twice: the second time it does not wait for anybody."""

    def __init__(self, plan: Plan, tell: Tell, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._tell = tell
        self._clock = clock
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self.up = asyncio.Event()
        timing = plan.timing
        self._engine = Keeper(plan.engine, ready=self._engine_answers, ready_s=timing.ready_s, tell=tell, clock=clock)
        self._asterisk: Keeper | None = None
        if plan.asterisk is not None:
            self._asterisk = Keeper(
                plan.asterisk, ready=self._asterisk_booted, ready_s=timing.ready_s, tell=tell, clock=clock
            )

        self._api = BesideKeeper(plan.api, tell, clock) if plan.api is not None else None

    def stop(self) -> None:
        (self._hurry if self._stop.is_set() else self._stop).set()

    def stop_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)

    async def run(self) -> int:
        """Raises AlreadyUp. 0 after `stop`; 1 when the first start failed (the rest is stopped again)."""
        with UpLock(self._plan.run):
            keeping = asyncio.create_task(self._bring_up_and_keep(), name="keep")
            stopping = asyncio.create_task(self._stop.wait(), name="stop")
            await asyncio.wait({keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            try:
                return await self._outcome(keeping)
            finally:
                await self._wind_down()

    async def _outcome(self, keeping: asyncio.Task[None]) -> int:
        keeping.cancel()
        try:
            await keeping
        except asyncio.CancelledError:
            return 0
        except StartFailed as failure:
            self._tell(Step("up", State.FAILED, str(failure)))
            self._hurry.set()
        return 1

    async def _bring_up_and_keep(self) -> None:
        secrets = await self._take_over()
        await self._files(secrets)
        await self._engine.bring_up()
        keepers = [self._engine]
        if self._asterisk is not None:
            await self._asterisk.bring_up()
            keepers.append(self._asterisk)
        self.up.set()
        async with asyncio.TaskGroup() as tasks:
            for keeper in keepers:
                tasks.create_task(keeper.keep())
            tasks.create_task(self._watch())
            if self._api is not None:
                tasks.create_task(self._api.keep())

    # --- before the start

    async def _take_over(self) -> BootSecrets:
        """Deal with what a killed supervisor left: the engine goes, Asterisk may stay. The secrets of this boot."""
        stale = Child.adopt(self._plan.engine)
        if stale is not None:
            self._tell(Step("engine", State.NOTE, "ending the one that a killed `hotline up` left"))
            await stale.end(self._plan.timing.end_s)
        secrets = _old_secrets(self._plan.run)
        await self._adopt_asterisk(secrets)
        self._refuse_taken_ports()
        external = self._plan.asterisk is None
        adopted = self._asterisk is not None and self._asterisk.child is not None
        if secrets is None or not (external or adopted):
            secrets = BootSecrets.draw()
            secrets.write(self._plan.run / SECRETS)
        return secrets

    async def _adopt_asterisk(self, secrets: BootSecrets | None) -> None:
        """An Asterisk that answers is kept with its calls; one that does not, or whose secrets are lost, is ended."""
        stale = Child.adopt(self._plan.asterisk) if self._plan.asterisk is not None else None
        if stale is None or self._asterisk is None:
            return
        if secrets is not None and await self._asterisk_booted():
            self._asterisk.child = stale
            self._tell(Step("asterisk", State.NOTE, "adopted from a killed `hotline up`, with its calls"))
        else:
            await stale.end(self._plan.timing.end_s)

    def _refuse_taken_ports(self) -> None:
        adopted = self._asterisk is not None and self._asterisk.child is not None
        wanted = [*self._plan.engine_ports, *(() if adopted else self._plan.asterisk_ports)]
        for port in taken(self._plan.bind, wanted):
            kind = "UDP" if port.udp else "TCP"
            raise StartFailed(
                f"{kind} port {port.number} on {self._plan.bind} is taken by another program; "
                f"change ports.{port.name} in site.yaml"
            )

    async def _files(self, secrets: BootSecrets) -> None:
        self._tell(Step("files", State.DOING, "making prompts and Asterisk's files"))
        await self._plan.render(secrets)
        self._tell(Step("files", State.DONE, "written"))

    # --- while it runs

    async def _watch(self) -> None:
        """Kill what hangs; the keepers do the rest. Only a child that has been at work can be accused of hanging."""
        timing = self._plan.timing
        engine = Patience(timing.hang_s, self._clock())
        asterisk = Patience(timing.freeze_s, self._clock())
        while True:
            await asyncio.sleep(timing.watch_s)
            now = self._clock()
            if self._engine.ready_at is None:
                engine.sign(now)
                asterisk.sign(now)  # nobody can tell how Asterisk is
                continue
            status = await self._engine_status()
            now = self._clock()
            if status is not None:
                engine.sign(now)
            if status != "away" or self._asterisk is None or self._asterisk.ready_at is None:
                asterisk.sign(now)
            if engine.lost(now):
                self._engine.kill(f"no answer for {timing.hang_s:g} s")
            if asterisk.lost(now) and self._asterisk is not None:
                self._asterisk.kill(f"frozen for {timing.freeze_s:g} s")

    async def _engine_status(self) -> str | None:
        """How Asterisk is in the engine's eyes ("up", "away"); None when the engine does not answer."""
        try:
            answer = await ask(self._plan.run, "status", timeout_s=self._plan.timing.watch_s)
        except ControlError:
            return None
        return str(answer.get("asterisk", "up"))

    async def _engine_answers(self) -> bool:
        try:
            await ask(self._plan.run, "ping", timeout_s=1.0)
        except ControlError:
            return False
        return True

    async def _asterisk_booted(self) -> bool:
        return await _console(self._plan.asterisk_ready)

    # --- the end

    async def _wind_down(self) -> None:
        """Asterisk first, when its last talk is over or the grace has run out; then the engine. The API ends meanwhile,
        and nobody waits for it before that."""
        ending = asyncio.create_task(self._api.end(), name="api end") if self._api is not None else None
        if self._asterisk is not None and self._asterisk.child is not None:
            await self._empty(self._asterisk.child)
            await self._tell_engine("close")
            await self._asterisk.end(self._plan.timing.end_s)
        await self._tell_engine("stop", closing=True)
        if self._engine.child is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._plan.timing.end_s):
                    await self._engine.child.wait()
            await self._engine.end(self._plan.timing.end_s)
        if ending is not None:
            await ending

    async def _empty(self, asterisk: Child) -> None:
        """Take no new calls, and let those that talk end. The engine is kept alive meanwhile: it writes their
        outcomes."""
        if self._hurry.is_set() or not asterisk.alive:
            return
        grace_s = self._plan.timing.grace_s
        self._tell(Step("asterisk", State.DOING, f"taking no more calls; those that talk have {grace_s:g} s"))
        keeping = asyncio.create_task(self._engine.keep())
        await self._tell_engine("drain")
        # The console does not come back before Asterisk has ended, so nobody waits for it.
        quiesce = asyncio.create_task(_console(self._plan.asterisk_quiesce))
        ended, hurry = asyncio.create_task(asterisk.wait()), asyncio.create_task(self._hurry.wait())
        await asyncio.wait({ended, hurry}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        await _cancel(ended, hurry, keeping, quiesce)

    async def _tell_engine(self, word: str, **arguments: bool) -> None:
        with contextlib.suppress(ControlError):  # an engine that does not listen is ended all the same
            await ask(self._plan.run, word, timeout_s=2.0, **arguments)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _console(words: Sequence[str]) -> bool:
    """Run one console command; False when it fails or takes longer than it may."""
    if not words:
        return True
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_CLI_S):
            return await process.wait() == 0
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _old_secrets(run: Path) -> BootSecrets | None:
    try:
        return BootSecrets.read(run / SECRETS)
    except (OSError, ValueError):
        return None
