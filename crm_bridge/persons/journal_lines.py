"""A person's entries in the journal: told, and scrubbed.

Small writes, so that no call waits behind them. The entries themselves stay, and so does what the CRM knows them by.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from crm_bridge.journal import PENDING, Journal
from crm_bridge.persons.entries import scrubbed
from crm_bridge.persons.identity import Person

_AT_ONCE = 200
_OF_CALL = "SELECT seq, call_id, kind, at, fields, reason FROM entries WHERE call_id = ? AND call_id <> '' ORDER BY seq"
_ANYWHERE = (
    "SELECT seq, call_id, kind, at, fields, reason FROM entries WHERE instr(fields, ?) OR instr(reason, ?) ORDER BY seq"
)
_SET = "UPDATE entries SET fields = ?, reason = ? WHERE seq = ?"
_PENDING = f"SELECT DISTINCT call_id FROM entries WHERE state = {PENDING}"  # noqa: S608


async def told(journal: Journal, person: Person) -> list[dict[str, Any]]:
    """Those of their calls. Others that have their number in them are somebody else's, and may name them."""
    return [
        {"seq": seq, "call_id": call_id, "kind": kind, "at": at, "fields": json.loads(fields)}
        for seq, call_id, kind, at, fields, _ in sorted(await _of_calls(journal, person))
    ]


async def scrub(journal: Journal, person: Person) -> int:
    """How many entries were changed. Again is harmless. Raises JournalError."""
    changes = []
    for seq, _, kind, _, fields, reason in await _of_calls(journal, person):
        before = json.loads(fields)
        after, why = scrubbed(kind, before, person.spellings), person.spellings.blotted(reason)
        if (after, why) != (before, reason):
            changes.append((_packed(after), why, seq))
    await _write(journal, changes)
    elsewhere = []
    for seq, _, _, _, fields, reason in await _with_number(journal, person):
        blotted = person.spellings.blotted_value(json.loads(fields))
        elsewhere.append((_packed(blotted), person.spellings.blotted(reason), seq))
    await _write(journal, elsewhere)
    return len(changes) + len(elsewhere)


async def are_pending(journal: Journal, call_ids: Collection[str]) -> bool:
    """Is there anything of these calls that the CRM does not have yet?"""
    return any(call_id in call_ids for (call_id,) in await journal.read(_PENDING))


async def _of_calls(journal: Journal, person: Person) -> list[Any]:
    return [row for call_id in sorted(person.calls) for row in await journal.read(_OF_CALL, call_id)]


async def _with_number(journal: Journal, person: Person) -> list[Any]:
    rows = []
    for core in person.spellings.cores:
        for row in await journal.read(_ANYWHERE, core, core):
            if person.spellings.found_in(row[4]) or person.spellings.found_in(row[5]):
                rows.append(row)
    return rows


async def _write(journal: Journal, changes: Sequence[tuple[str, str, int]]) -> None:
    for begin in range(0, len(changes), _AT_ONCE):
        await journal.write(partial(_set, changes=changes[begin : begin + _AT_ONCE]), keep=False)


def _set(connection: sqlite3.Connection, changes: Sequence[tuple[str, str, int]]) -> None:
    connection.executemany(_SET, changes)


def _packed(fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
