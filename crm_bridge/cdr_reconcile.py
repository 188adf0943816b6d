"""What Asterisk's call records know and we do not: calls that neither the journal nor the CRM has, and how calls ended
that we had lost.

Whatever is found goes into the journal, as entries with `by: cdr`, and from there into the CRM as any call does. To run
it again is harmless: what it added has its Uniqueid, and what it corrected has its correction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from crm_bridge.cdr import CdrCall
from crm_bridge.entry import CORRECTED, OUTCOME, STARTED, VOICEMAIL, Entry, Json
from crm_bridge.fold import EntryRefused, Row, blank, fold
from crm_bridge.journal import Journal
from crm_bridge.models import call_events, calls
from crm_bridge.outcome import Outcome
from crm_bridge.store import CrmStore

BY = "cdr"
SETTLED_S = 300.0  # a call whose last record is younger may still go on
_MARGIN = timedelta(hours=1)
_WINDOW_S = 86_400.0
_STARTS = f"SELECT call_id, fields FROM entries WHERE kind = '{STARTED}'"  # noqa: S608
_LOST = f"""
SELECT call_id FROM entries WHERE kind = '{OUTCOME}' AND json_extract(fields, '$.outcome') = '{Outcome.PBX_LOST.value}'
"""  # noqa: S608
_OF_CALL = "SELECT call_id, kind, at, fields FROM entries WHERE call_id = ? AND call_id <> '' ORDER BY seq"


@dataclass(frozen=True, slots=True)
class House:
    """What the site knows: ``line_of``: dialled number and tag → number, source, campaign; ``agents``: extensions;
    ``message_of``: Uniqueid → the file of the message that was left in that call, or ''."""

    line_of: Callable[[str, str], tuple[str, str, str]]
    agents: Collection[str]
    message_of: Callable[[str], str]


@dataclass(slots=True)
class Findings:
    """``added``, ``corrected``: the entries, by call. ``young``: calls that may still go on; ``old``: that are too old
    to be told from those whose events have gone."""

    seen: int = 0
    known: int = 0
    young: int = 0
    old: int = 0
    added: dict[str, list[Entry]] = field(default_factory=dict)
    corrected: dict[str, Entry] = field(default_factory=dict)

    @property
    def entries(self) -> list[Entry]:
        return [*(entry for entries in self.added.values() for entry in entries), *self.corrected.values()]


async def compare(
    found: Iterable[CdrCall], journal: Journal, store: CrmStore, house: House, *, now: float, since: float
) -> Findings:
    """``since``: the CRM remembers the Uniqueids of calls after it (Unix s). Writes nothing. Raises StoreAway,
    JournalError."""
    told = Findings()
    judged: list[CdrCall] = []
    for call in found:
        told.seen += 1
        if call.ended_at > now - SETTLED_S:
            told.young += 1
        elif call.started_at < since:
            told.old += 1
        else:
            judged.append(call)
    known, lost = await _known(judged, journal, store)
    for call in judged:
        call_id = known.get(call.uniqueid)
        if call_id is None:
            told.added[call.call_id] = _added(call, house)
            continue
        told.known += 1
        row = await _row(call_id, journal, store) if call_id in lost else None
        if row is not None and row["outcome"] == Outcome.PBX_LOST and not await _is_corrected(call_id, journal, store):
            told.corrected[call_id] = _correction(call_id, call, row, house, now)
    return told


# --- what we know already


async def _known(judged: Sequence[CdrCall], journal: Journal, store: CrmStore) -> tuple[Mapping[str, str], set[str]]:
    """Uniqueid → call id; and which of these calls were lost."""
    known: dict[str, str] = {}
    for call_id, fields in await journal.read(_STARTS):
        known[str(json.loads(fields).get("uniqueid", ""))] = call_id
    lost = {call_id for (call_id,) in await journal.read(_LOST)}
    for begin, end in _windows(judged):
        for row in await store.read(partial(_known_in_store, begin=begin, end=end)):
            known[str(row.fields.get("uniqueid", ""))] = row.call_id
            lost |= {row.call_id} if row.outcome == Outcome.PBX_LOST else set()
    return known, lost


def _windows(judged: Sequence[CdrCall]) -> list[tuple[datetime, datetime]]:
    """Days that have calls, a little wider."""
    days = sorted({int(call.started_at // _WINDOW_S) for call in judged})
    edges = [datetime.fromtimestamp(day * _WINDOW_S, UTC) for day in days]
    return [(edge - _MARGIN, edge + timedelta(seconds=_WINDOW_S) + _MARGIN) for edge in edges]


def _known_in_store(connection: Connection, begin: datetime, end: datetime) -> Sequence[Any]:
    query = (
        select(calls.c.call_id, calls.c.outcome, call_events.c.fields)
        .join(call_events, call_events.c.call_id == calls.c.call_id)
        .where(calls.c.started_at >= begin, calls.c.started_at < end, call_events.c.kind == STARTED)
    )
    return connection.execute(query).all()


async def _row(call_id: str, journal: Journal, store: CrmStore) -> Row | None:
    """As the CRM has it, or will have it once the journal's entries are there."""
    found = await journal.read(_OF_CALL, call_id)
    entries = [Entry(name, kind, at, json.loads(said)) for name, kind, at, said in found]
    if not any(entry.kind == STARTED for entry in entries):  # pruned: then the CRM has all of it
        return await store.read(partial(_stored, call_id=call_id))
    row = blank(entries[0])
    for entry in entries:
        try:
            row = fold(row, entry)
        except EntryRefused:
            continue  # it will be parked
    return row


def _stored(connection: Connection, call_id: str) -> Row | None:
    found = connection.execute(select(calls).where(calls.c.call_id == call_id)).mappings().one_or_none()
    return None if found is None else dict(found)


async def _is_corrected(call_id: str, journal: Journal, store: CrmStore) -> bool:
    if any(kind == CORRECTED for _, kind, _, _ in await journal.read(_OF_CALL, call_id)):
        return True
    return await store.read(partial(_correction_stored, call_id=call_id))


def _correction_stored(connection: Connection, call_id: str) -> bool:
    query = select(call_events.c.seq).where(call_events.c.call_id == call_id, call_events.c.kind == CORRECTED)
    return connection.execute(query.limit(1)).first() is not None


# --- what it comes to


def _added(call: CdrCall, house: House) -> list[Entry]:
    dnis, source, campaign = house.line_of(call.dnis, call.source)
    start: dict[str, Json] = {
        "dnis": dnis,
        "ani": call.ani,
        "name": "",
        "source": source,
        "campaign": campaign,
        "channel": call.channel,
        "uniqueid": call.uniqueid,
        "by": BY,
    }
    outcome = {**_outcome(call, house), "ended_at": call.ended_at, "by": BY}
    return [
        Entry(call.call_id, STARTED, call.started_at, start),
        Entry(call.call_id, OUTCOME, call.ended_at, outcome),
    ]


def _outcome(call: CdrCall, house: House) -> dict[str, Json]:
    """A conversation's length is told only where the record has its beginning."""
    talk = call.conversation
    if talk is not None:
        agent = talk.peer if talk.peer in house.agents else ""
        said: dict[str, Json] = {"outcome": Outcome.ANSWERED.value, "agent": agent}
        if talk.answered_at is not None:
            said |= {"answered_at": talk.answered_at, "talked_s": talk.ended_at - talk.answered_at}
        return said
    message = house.message_of(call.uniqueid)
    if message:
        return {"outcome": Outcome.VOICEMAIL.value, VOICEMAIL: message}
    return {"outcome": (Outcome.ABANDONED_QUEUE if call.was_dialled else Outcome.ABANDONED_IVR).value}


def _correction(call_id: str, call: CdrCall, row: Row, house: House, now: float) -> Entry:
    """The pick-up is in our own entries, if anywhere; the end is in the record."""
    said: dict[str, Json] = {"ended_at": call.ended_at, "uniqueid": call.uniqueid, "by": BY, "cause": "told by the CDR"}
    talk = call.conversation
    if talk is not None:
        agent = talk.peer if talk.peer in house.agents else ""
        said |= {"outcome": Outcome.ANSWERED.value, "agent": agent, **_talk(talk.begun_at, talk.answered_at, call, row)}
    return Entry(call_id, CORRECTED, now, said)


def _talk(begun_at: float, answered_at: float | None, call: CdrCall, row: Row) -> dict[str, Json]:
    known = row["answered_at"].timestamp() if row["answered_at"] is not None else answered_at
    if known is None:
        return {}
    began = min(max(known, begun_at), call.ended_at)
    return {"answered_at": began, "talked_s": round(call.ended_at - began, 3)}


def as_told(entry: Entry) -> Mapping[str, Any]:
    """For people and programs."""
    return {"call_id": entry.call_id, "kind": entry.kind, "at": entry.at, **entry.fields}
