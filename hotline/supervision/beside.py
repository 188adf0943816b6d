"""A child that the centre can do without: whatever becomes of it, engine and Asterisk go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hotline.supervision.child import Child, Command
from hotline.supervision.keeper import Keeper, StartFailed
from hotline.supervision.patience import BackOff, Patience
from hotline.supervision.ports import PortUse, taken
from hotline.supervision.step import State, Step, Tell

_TRY_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Beside:
    """``answers``: asks once whether it is at work. ``ports``: that it needs on ``bind``. Killed when it has not
    answered for ``hang_s``, looked at every ``watch_s``."""

    command: Command
    bind: str
    ports: Sequence[PortUse]
    answers: Callable[[], Awaitable[bool]]
    ready_s: float = 60.0
    hang_s: float = 30.0
    watch_s: float = 5.0
    end_s: float = 10.0


class BesideKeeper:
    """``clock``: monotonic seconds."""

    def __init__(self, plan: Beside, tell: Tell, clock: Callable[[], float]) -> None:
        self._plan, self._tell, self._clock = plan, tell, clock
        back_off = BackOff(first_s=1.0, most_s=_TRY_AGAIN_S)
        self._keeper = Keeper(
            plan.command, ready=plan.answers, ready_s=plan.ready_s, tell=tell, clock=clock, back_off=back_off
        )

    async def keep(self) -> None:
        """Until cancelled; raises nothing."""
        while True:
            try:
                await self._end_child()  # also one that a killed supervisor left
                await self._keep_once()
            except Exception as failure:  # noqa: BLE001 (the task's edge: what fails here is not to end the centre)
                self._say(State.FAILED, f"{failure}; calls go on without it")
            await asyncio.sleep(_TRY_AGAIN_S)

    async def _keep_once(self) -> None:
        for port in taken(self._plan.bind, self._plan.ports):
            raise StartFailed(
                f"TCP port {port.number} on {self._plan.bind} is taken by another program; "
                f"change ports.{port.name} in site.yaml"
            )
        await self._keeper.bring_up()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keeper.keep())
            tasks.create_task(self._watch())

    async def _watch(self) -> None:
        patience = Patience(self._plan.hang_s, self._clock())
        while True:
            await asyncio.sleep(self._plan.watch_s)
            if self._keeper.ready_at is None or await self._plan.answers():
                patience.sign(self._clock())
            elif patience.lost(self._clock()):
                self._keeper.kill(f"no answer for {self._plan.hang_s:g} s")

    async def end(self) -> None:
        if await self._end_child():
            self._say(State.DONE, "stopped")

    async def _end_child(self) -> bool:
        child, self._keeper.child = self._keeper.child or Child.adopt(self._plan.command), None
        self._keeper.ready_at = None
        if child is not None:
            await child.end(self._plan.end_s)
        return child is not None

    def _say(self, state: State, text: str) -> None:
        self._tell(Step(self._plan.command.name, state, text))
