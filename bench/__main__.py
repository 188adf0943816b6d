"""`hotline bench [NAME...]`: runs the benchmarks, prints ratios.

Exit code: 0 all targets met, 1 one is missed, 2 it cannot be measured here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from rich.console import Console

from bench import menu, reach, ring
from bench.children import BenchError
from bench.figures import Report
from bench.hall import Hall, open_hall
from bench.showing import show
from hotline.control import ControlError
from hotline.sip.sipp import SippError

_BENCHES: dict[str, tuple[Callable[[Hall, int], Awaitable[Report]], int]] = {
    "ring": (ring.run, ring.CALLS),
    "reach": (reach.run, reach.CALLS),
    "menu": (menu.run, menu.CALLS),
}


def main(argv: Sequence[str] | None = None) -> int:
    wanted = _arguments(argv)
    console = Console(stderr=wanted.json, highlight=False)
    work = Path(tempfile.mkdtemp(prefix="hotline-bench-"))
    try:
        return asyncio.run(_run(wanted, work, console))
    except (BenchError, SippError, ControlError) as error:
        print(f"hotline bench: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    finally:
        if wanted.keep:
            print(f"kept: {work}", file=sys.stderr)
        else:
            shutil.rmtree(work, ignore_errors=True)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hotline bench", description="Measure hotline against its peers.")
    parser.add_argument("name", nargs="*", help=f"{', '.join(_BENCHES)} (default: all)", metavar="NAME")
    parser.add_argument("-n", type=int, default=None, metavar="CALLS", help="calls per peer")
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the site and every log")
    found = parser.parse_args(argv)
    for name in set(found.name) - set(_BENCHES):
        parser.error(f"there is no benchmark '{name}'; there is {', '.join(_BENCHES)}")
    if found.n is not None and found.n < 60:
        parser.error("-n: 60 calls at least, or there is nothing to rank")
    return found


async def _run(wanted: argparse.Namespace, work: Path, console: Console) -> int:
    _end_in_order()
    met = True
    async with open_hall(work) as hall:
        console.print(
            f"Asterisk {hall.place.version}, Python {platform.python_version()}, {os.cpu_count()} cores,"
            f" load {os.getloadavg()[0]:.1f}; all peers in this one Asterisk.\n"
        )
        for name in wanted.name or _BENCHES:
            work_of, calls = _BENCHES[name]
            found = await work_of(hall, wanted.n or calls)
            met = met and found.met
            if wanted.json:
                print(json.dumps(found.as_json(), ensure_ascii=False), flush=True)
            else:
                show(found, console)
    return 0 if met else 1


def _end_in_order() -> None:
    """Whoever ends us ends what we started, too: it is in sessions of its own and would stay. (Ctrl-C is asyncio's.)"""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 (for the type checker)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


if __name__ == "__main__":
    sys.exit(main())
