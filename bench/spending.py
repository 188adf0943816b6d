"""CPU per call, as `menu` and `ivr` count it: Asterisk, the engine, `hotline up`, every process that Asterisk forks,
and a peer's own; less what the same processes use in the same time without calls.

Rounds are short and alternate, so that what drifts, drifts for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.children import BenchError
from bench.cpu import cpu_s
from bench.hall import Hall
from hotline.sip.callers import Callers, CallPlan
from hotline.sip.scenario import Dial

_IDLE_S = 6.0
_FIRST = 5


@dataclass(frozen=True, slots=True)
class Spent:
    """``per_call_ms``: peer → ms of CPU per call, one figure a round. ``idle``: cores, without calls."""

    per_call_ms: Mapping[str, Sequence[float]]
    idle: float


def came_through_menu(callers: Callers, plan: CallPlan) -> bool:
    """Each call was hung up by the menu, and not before its last key."""
    keys_s = max(press.after_s for press in plan.keys)
    began = {m.call_id: m.at for m in callers.messages() if m.sent and m.method == "INVITE"}
    ended = {m.call_id: m.at for m in callers.messages() if not m.sent and m.method == "BYE"}
    return all(ended.get(call_id, 0.0) - at >= keys_s for call_id, at in began.items())


async def spending(
    hall: Hall,
    peers: Mapping[str, Dial],
    plan: CallPlan,
    *,
    each: int,
    rounds: int,
    rate: float,
    came_through: Callable[[Callers, CallPlan], bool] = came_through_menu,
) -> Spent:
    """``each``: calls of a peer in a round. Raises BenchError for a round whose calls have not ``came_through``."""

    async def used_s(dial: Dial, calls: int) -> tuple[float, float]:
        """CPU seconds and seconds on the clock, until the last call's row is in the CRM store."""
        await hall.until_told()
        cpu, at = _cpu_s(hall), time.monotonic()
        async with hall.callers([dial], plan, count=calls, rate=rate) as callers:
            await callers.ended(timeout_s=30 + calls / rate)
            if not came_through(callers, plan):
                raise BenchError(f"a call to {dial.number} did not come through")
        await hall.until_told()
        return _cpu_s(hall) - cpu, time.monotonic() - at

    for dial in peers.values():
        await used_s(dial, _FIRST)  # the first of everything is not counted
    idle = [await _idle(hall)]
    turns = [(peer, dial) for _ in range(rounds) for peer, dial in peers.items()]
    spent = [(peer, *await used_s(dial, each)) for peer, dial in turns]
    idle.append(await _idle(hall))
    at_rest = sum(idle) / len(idle)
    return Spent(per_call_ms(spent, each, at_rest), at_rest)


def per_call_ms(spent: Sequence[tuple[str, float, float]], calls: int, idle: float) -> dict[str, list[float]]:
    """``spent``: (peer, CPU seconds, seconds on the clock), one per round of ``calls``; ``idle``: CPU s per s."""
    found: dict[str, list[float]] = {}
    for peer, used_s, took_s in spent:
        found.setdefault(peer, []).append(1000 * (used_s - took_s * idle) / calls)
    return found


def on_top(samples: Mapping[str, Sequence[float]], peer: str, bare: str) -> list[float]:
    """Round by round, so that both had the same machine."""
    return [mine - his for mine, his in zip(samples[peer], samples[bare], strict=True)]


def _cpu_s(hall: Hall) -> float:
    return sum(cpu_s(process) for process in (hall.up, *hall.beside))


async def _idle(hall: Hall) -> float:
    """CPU seconds a second."""
    cpu, at = _cpu_s(hall), time.monotonic()
    await asyncio.sleep(_IDLE_S)
    return (_cpu_s(hall) - cpu) / (time.monotonic() - at)
