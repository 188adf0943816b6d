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
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import crm, ewt, ivr, match, menu, reach, ring, scale, wait
from bench.children import BenchError
from bench.crm.databases import Databases
from bench.figures import Report
from bench.hall import Hall, open_hall, open_ivr_hall
from bench.showing import show
from hotline.control import ControlError
from hotline.sip.sipp import SippError


@dataclass(frozen=True, slots=True)
class _Bench:
    """``hall``: where it is measured; benchmarks that stand one after the other in the same hall share it. ``run`` gets
    what the hall gives: a `Hall`, or something else for a benchmark that needs no Asterisk; and the values of the
    options ``asks``."""

    run: Callable[..., Awaitable[Report] | AsyncIterator[Report]]
    calls: int
    hall: Callable[[Path], AbstractAsyncContextManager[Any]] = open_hall
    asks: tuple[str, ...] = ()


_BENCHES = {
    "ring": _Bench(ring.run, ring.CALLS),
    "reach": _Bench(reach.run, reach.CALLS),
    "menu": _Bench(menu.run, menu.CALLS),
    "match": _Bench(match.run, match.DECISIONS, match.no_hall),
    "ewt": _Bench(ewt.run, ewt.CALLS, match.no_hall),
    "wait": _Bench(wait.run, wait.CALLS),
    "scale": _Bench(scale.run, scale.CALLS, scale.open_small),
    "ivr": _Bench(ivr.run, ivr.CALLS, open_ivr_hall),
    "crm": _Bench(crm.run, crm.CALLS, crm.open_databases, ("only", "customers")),
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
    of_crm = parser.add_argument_group("crm")
    of_crm.add_argument("--only", action="append", choices=crm.PARTS, help="this part alone; may be said again")
    of_crm.add_argument("--customers", type=int, metavar="N", help=f"of the look-up ({crm.CUSTOMERS:,})")
    found = parser.parse_args(argv)
    for name in set(found.name) - set(_BENCHES):
        parser.error(f"there is no benchmark '{name}'; there is {', '.join(_BENCHES)}")
    if found.n is not None and found.n < 60:
        parser.error("-n: 60 calls at least, or there is nothing to rank")
    if found.customers is not None and found.customers < 60:
        parser.error("--customers: 60 at least")
    return found


async def _run(wanted: argparse.Namespace, work: Path, console: Console) -> int:
    _end_in_order()
    met = True
    for place, names in groupby(wanted.name or _BENCHES, key=lambda name: _BENCHES[name].hall):
        folder = work / place.__name__
        folder.mkdir(exist_ok=True)
        async with place(folder) as hall:
            console.print(_where(hall))
            for name in names:
                bench = _BENCHES[name]
                options = {option: getattr(wanted, option) for option in bench.asks}
                async for found in _reports(bench.run(hall, wanted.n or bench.calls, **options)):
                    met = met and found.met
                    _tell(found, wanted, console)
    return 0 if met else 1


def _where(hall: Hall | Databases | None) -> str:
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    if isinstance(hall, Hall):
        return f"Asterisk {hall.place.version}, {machine}; all peers in this one Asterisk.\n"
    return f"{f'{hall}, ' if hall else ''}{machine}; no Asterisk is needed.\n"


async def _reports(running: Awaitable[Report] | AsyncIterator[Report]) -> AsyncIterator[Report]:
    if isinstance(running, AsyncIterator):
        async for found in running:
            yield found
    else:
        yield await running


def _tell(found: Report, wanted: argparse.Namespace, console: Console) -> None:
    if wanted.json:
        print(json.dumps(found.as_json(), ensure_ascii=False), flush=True)
    else:
        show(found, console)


def _end_in_order() -> None:
    """Whoever ends us ends what we started, too: it is in sessions of its own and would stay. (Ctrl-C is asyncio's.)"""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 (for the type checker)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


if __name__ == "__main__":
    sys.exit(main())
