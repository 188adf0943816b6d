"""`hotline bench`: the benchmarks of `bench/`, against peers in the same run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import typer

from hotline.commands.showing import refuse
from hotline.settings import REPOSITORY


def bench(context: typer.Context) -> None:
    """Measure against the peers; prints ratios. Further words go to the benchmarks."""
    if importlib.util.find_spec("bench.__main__") is None:
        refuse("the benchmarks are not here: they come with the repository, not with the package")
    done = subprocess.run([sys.executable, "-m", "bench", *context.args], cwd=REPOSITORY, check=False)  # noqa: S603
    raise typer.Exit(done.returncode)
