"""An admin's own strategy: one Python function in the site's folder, a key for an idle agent, the smallest first.

    # strategies/newcomers_last.py
    def newcomers_last(agent):
        return agent.idle_since + (600 if agent.extension in {"1007", "1008"} else 0)

It runs in the midst of matching, so it is held to a few milliseconds; one that raises, takes longer or answers with no
number is passed over for that agent (who is ranked as by longest_idle), and after three such failures for good.
Run as a module it tries a file out: `python -m acd.own_strategy FILE`.
"""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from acd.strategies import IdleAgent, StrategyKey, longest_idle

log = logging.getLogger(__name__)

PREFIX = "own:"  # of its name in queues.yaml
_LONGEST_S = 0.02
_PATIENCE = 3
_SAMPLES = (
    IdleAgent("1001", 1.8e9),
    IdleAgent("1002", 1.8e9 + 60, offered_at=1.8e9, answered=12, occupancy=0.8),
    IdleAgent("99999999", 0.0, answered=10_000, occupancy=1.0),
)


class StrategyError(Exception):
    """The file is no strategy; the reason is for its author."""


class TooLong(Exception):
    """The function did not come back in time."""


class OwnStrategy:
    """``failure``: why it is not asked any more, or ''."""

    def __init__(self, name: str, function: StrategyKey) -> None:
        self.name, self._function = name, function
        self.failure = ""
        self._failures = 0

    def __call__(self, agent: IdleAgent) -> float:
        if self.failure:
            return longest_idle(agent)
        try:
            return asked(self._function, agent)
        except Exception as error:  # noqa: BLE001 - the admin's code: whatever it does, agents are chosen
            self._fail(error)
            return longest_idle(agent)

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        log.warning("strategy %s failed: %s: %s", self.name, type(error).__name__, error)
        if self._failures >= _PATIENCE:
            self.failure = f"{type(error).__name__}: {error}"
            log.error("strategy %s is not asked any more; agents are chosen as by longest_idle", self.name)


def asked(function: StrategyKey, agent: IdleAgent) -> float:
    """Raises what the function raises, TooLong, and TypeError or ValueError for what is no number."""
    with _time_box():
        value = function(agent)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} is no number")
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be compared")
    return float(value)


def load(path: Path) -> OwnStrategy:
    """The function that is called like the file. Raises StrategyError."""
    name, namespace = path.stem, {"__name__": f"site_strategy_{path.stem}"}
    try:
        exec(compile(path.read_text("utf-8"), str(path), "exec"), namespace)  # noqa: S102 - the admin's own file
    except Exception as error:
        raise StrategyError(f"{type(error).__name__}: {error}") from error
    function = namespace.get(name)
    if not callable(function):
        raise StrategyError(f"there is no function {name} in it")
    return OwnStrategy(name, function)


def try_out(path: Path) -> None:
    """Ask it about a few agents. Raises StrategyError."""
    function = load(path)._function
    for agent in _SAMPLES:
        try:
            asked(function, agent)
        except Exception as error:
            raise StrategyError(f"{type(error).__name__}: {error}, asked about {agent}") from error


@contextmanager
def _time_box() -> Iterator[None]:
    """Only the main thread can be interrupted; the engine's matching runs there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooLong(f"took longer than {_LONGEST_S * 1000:.0f} ms")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    try:
        try_out(Path(sys.argv[1]))
    except StrategyError as reason:
        sys.exit(str(reason))
