"""Dead letters: entries that the CRM store cannot take, which the relay has parked, and what a person does with them.

To retry is always safe. To drop is not: an outcome that never arrives leaves its call open in the CRM for ever, so it
can only be dropped when the CRM has that call's outcome already. What is dropped stays in the journal, marked, until
its call goes from there too: the journal must know that the call is over.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from crm_bridge.entry import OUTCOME, Json
from crm_bridge.journal import DROPPED, PARKED, PENDING, Journal
from crm_bridge.models import calls
from crm_bridge.store import CrmStore

_PARKED = f"SELECT seq, call_id, kind, at, reason, fields FROM entries WHERE state = {PARKED} ORDER BY seq"  # noqa: S608
_PENDING = f"SELECT count(*), min(seq) FROM entries WHERE state = {PENDING}"  # noqa: S608
_RETRY = f"UPDATE entries SET state = {PENDING}, reason = '' WHERE state = {PARKED} AND seq = ?"  # noqa: S608
_DROP = f"UPDATE entries SET state = {DROPPED} WHERE state = {PARKED} AND seq = ?"  # noqa: S608


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """``at``: Unix seconds, when it happened. ``reason``: why the store refused it."""

    seq: int
    call_id: str
    kind: str
    at: float
    reason: str
    fields: dict[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outbox:
    """``oldest_at``: when the first of the pending ones happened (Unix s); None when nothing is pending."""

    pending: int
    oldest_at: float | None
    parked: Sequence[DeadLetter]


class Undroppable(Exception):
    """The message says which and why."""


async def outbox(journal: Journal) -> Outbox:
    """Raises JournalError."""
    [(pending, oldest)] = await journal.read(_PENDING)
    rows = await journal.read("SELECT at FROM entries WHERE seq = ?", oldest)
    return Outbox(pending, rows[0][0] if rows else None, await parked(journal))


async def parked(journal: Journal) -> list[DeadLetter]:
    return [
        DeadLetter(seq, call_id, kind, at, reason, json.loads(fields))
        for seq, call_id, kind, at, reason, fields in await journal.read(_PARKED)
    ]


async def retry(journal: Journal, seqs: Collection[int]) -> int:
    """Let these try once more; how many were parked. The relay sees them within its own look at the journal. Raises
    JournalError."""
    return await journal.write(partial(_each, sql=_RETRY, seqs=list(seqs)), keep=False)


async def drop(
    journal: Journal,
    store: CrmStore,
    seqs: Collection[int],
    write_down: Callable[[Sequence[DeadLetter]], Awaitable[None]],
) -> list[DeadLetter]:
    """Give these up. ``write_down`` makes them durable elsewhere first. Raises Undroppable (nothing is changed then),
    StoreAway and JournalError."""
    known = {letter.seq: letter for letter in await parked(journal)}
    if strangers := sorted(set(seqs) - set(known)):
        raise Undroppable(f"no parked entry has the seq {', '.join(map(str, strangers))}")
    letters = [known[seq] for seq in sorted(set(seqs))]
    await _refuse_open_calls(store, [letter for letter in letters if letter.kind == OUTCOME])
    await write_down(letters)
    await journal.write(partial(_each, sql=_DROP, seqs=[letter.seq for letter in letters]), keep=False)
    return letters


async def _refuse_open_calls(store: CrmStore, outcomes: Sequence[DeadLetter]) -> None:
    if not outcomes:
        return
    over = await store.read(partial(_over, ids=[letter.call_id for letter in outcomes]))
    for letter in outcomes:
        if letter.call_id not in over:
            raise Undroppable(
                f"{letter.seq} is the outcome of call {letter.call_id}, and the CRM has no other: without it the call"
                " would stay open for ever. Mend what its reason says, then retry it"
            )


def _over(connection: Connection, ids: Sequence[str]) -> set[str]:
    query = select(calls.c.call_id).where(calls.c.call_id.in_(ids), calls.c.outcome.is_not(None))
    return set(connection.execute(query).scalars())


def _each(connection: sqlite3.Connection, sql: str, seqs: Sequence[int]) -> int:
    return sum(connection.execute(sql, (seq,)).rowcount for seq in seqs)


def told(letter: DeadLetter) -> dict[str, Any]:
    """As it is written down: all of it."""
    return {
        "seq": letter.seq,
        "call_id": letter.call_id,
        "kind": letter.kind,
        "at": letter.at,
        "reason": letter.reason,
        "fields": letter.fields,
    }
