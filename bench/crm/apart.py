"""What runs in processes of its own: a relay that is to be killed, and a reader who looks for calls."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crm_bridge.database import plain_engine
from crm_bridge.journal import Journal
from crm_bridge.models import calls
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore

_LOOK_S = 0.002
_BACK = timedelta(seconds=5)  # calls that began before that are not looked for any more

# Made from a process that has all modules and no thread: it is up in some milliseconds.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["bench.crm.apart"])


@contextmanager
def apart(what: Callable[..., None], *words: Any) -> Iterator[tuple[BaseProcess, Connection]]:
    """The process, once it has said that it is ready, and our end of its pipe. Killed at the end if it still runs."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=what, args=(theirs, *words), daemon=True)
    process.start()
    try:
        ours.recv()
        yield process, ours
    finally:
        process.kill()
        process.join()


def relay_on(told: Connection, journal: Path, url: str, batch: int) -> None:
    """Until it is killed."""
    asyncio.run(_relay_on(told, journal, url, batch))


async def _relay_on(told: Connection, journal: Path, url: str, batch: int) -> None:
    relay = Relay(await Journal.open(journal), CrmStore(url), batch=batch)
    told.send("ready")
    await relay.run()


def look_on(told: Connection, url: str) -> None:
    """Until something is sent. Then: call id → the instant (of the monotonic clock, which all processes share) at which
    its outcome was seen."""
    engine, seen = plain_engine(url, reading=True), dict[str, float]()
    over = select(calls.c.call_id).where(calls.c.outcome.is_not(None))
    told.send("ready")
    while not told.poll(_LOOK_S):
        with engine.connect() as connection:
            found = connection.execute(over.where(calls.c.started_at > datetime.now(UTC) - _BACK)).scalars().all()
        now = time.monotonic()
        for call_id in found:
            seen.setdefault(call_id, now)
    told.send(seen)
    engine.dispose()
