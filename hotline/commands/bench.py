"""`hotline bench`: the benchmarks of `bench/`, against peers in the same run."""

from __future__ import annotations

import importlib.util
import os
import sys

import typer

from hotline.commands.showing import refuse
from hotline.settings import REPOSITORY


def bench(context: typer.Context) -> None:
    """Measure against the peers; prints ratios. Further words go to the benchmarks."""
    if importlib.util.find_spec("bench.__main__") is None:
        refuse("the benchmarks are not here: they come with the repository, not with the package")
    # In our place, not below us: a Ctrl-C must reach it once, and nobody may kill it while it stops its site.
    os.chdir(REPOSITORY)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])  # noqa: S606
