"""The admin's own strategies: the site's `strategies` folder, each tried out before a caller meets it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from acd.own_strategy import PREFIX, OwnStrategy, load
from hotline.site.forms import Forms
from hotline.site.problem import SiteProblem

FOLDER = "strategies"
_PATIENCE_S = 5.0  # a whole Python has to start


def strategy_problems(folder: Path, forms: Forms) -> Iterator[SiteProblem]:
    """In a process of its own: it may never come back."""
    for name, queue in forms.queues.root.items() if forms.queues is not None else ():
        if queue.strategy.startswith(PREFIX):
            path = _file(folder, queue.strategy)
            reason = _reason(path) if path.is_file() else f"there is no {FOLDER}/{path.name}"
            if reason:
                hint = "a function of one argument that answers with a number: docs/routing.md"
                yield forms.pages["queues.yaml"].problem((name, "strategy"), reason, hint)


def own_strategies(folder: Path, names: set[str]) -> dict[str, OwnStrategy]:
    """By their names in queues.yaml. Raises StrategyError; `hotline check` has said so before."""
    return {name: load(_file(folder, name)) for name in names if name.startswith(PREFIX)}


def _file(folder: Path, strategy: str) -> Path:
    return folder / FOLDER / f"{strategy.removeprefix(PREFIX)}.py"


def _reason(path: Path) -> str:
    command = [sys.executable, "-m", "acd.own_strategy", str(path)]
    try:
        tried = subprocess.run(  # noqa: S603 - our own Python, and the admin's own file
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{path.name} does not come back"
    if tried.returncode == 0:
        return ""
    return f"{path.name}: {(tried.stderr.strip().splitlines() or ['it failed'])[-1]}"
