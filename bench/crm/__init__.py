"""crm: what is stored of calls, how fast, how surely and how soon; imports; and what a call's start asks. On SQLite and
on a PostgreSQL of our own, both of which force to the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bench.crm import bringing, kills, looks, outcomes, visible
from bench.crm.databases import Databases, open_databases
from bench.figures import Report

__all__ = ["CALLS", "CUSTOMERS", "PARTS", "open_databases", "run"]

CALLS, CUSTOMERS = 5000, looks.CUSTOMERS
PARTS = ("outcomes", "kills", "visible", "import", "look-up")
_ROWS = 20  # of a file, for each call


async def run(
    databases: Databases, calls: int = CALLS, *, only: Sequence[str] | None = None, customers: int | None = None
) -> AsyncIterator[Report]:
    """``calls`` of a round of the outcomes; what else is counted goes by it. ``only``: of `PARTS`; None: all."""
    running = {
        "outcomes": lambda: outcomes.run(databases, calls),
        "kills": lambda: kills.run(databases, 2 * calls // 5, min(50, calls // 20)),
        "visible": lambda: visible.run(databases, calls // 5),
        "import": lambda: bringing.run(databases, calls * _ROWS),
        "look-up": lambda: looks.run(databases, customers or CUSTOMERS, min(calls, looks.LOOKS)),
    }
    for part in only or PARTS:
        yield await running[part]()
