"""One batch of journal entries into the tables, in the transaction it is given.

Delivering a batch again, whole or in other pieces, changes nothing: only entries whose (call_id, seq) the
store does not have are folded. Works with one relay per call; two relays for different calls may run
beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from crm_bridge import bulk
from crm_bridge.becoming.become import become
from crm_bridge.becoming.promise import keep_by_calls
from crm_bridge.contacts import interaction_of
from crm_bridge.conversations import last_dispositions, leg_of, recording_of
from crm_bridge.entry import Logged
from crm_bridge.first_touch import link_customers
from crm_bridge.fold import UNKNOWN_SOURCE, Row, blank, fold, moment
from crm_bridge.follow_ups import scores_of, task_of, wished_once
from crm_bridge.models import (
    agent_events,
    call_events,
    calls,
    dispositions,
    interactions,
    legs,
    media_sources,
    recordings,
    surveys,
    tasks,
)
from crm_bridge.rules import CrmRules
from crm_bridge.upserts import add_missing, put


# Built once for each kind of database: to build one takes longer than to run it.
@cache
def _told(dialect: str) -> Select[Any]:
    of_calls = bulk.among(dialect, call_events.c.call_id)
    between = call_events.c.seq.between(bindparam("first"), bindparam("last"))
    return select(call_events.c.call_id, call_events.c.seq).where(of_calls, between)


@cache
def _known(dialect: str) -> Select[Any]:
    return select(calls).where(bulk.among(dialect, calls.c.call_id)).with_for_update()


def write_batch(connection: Connection, batch: Sequence[Logged], region: str, rules: CrmRules) -> None:
    """Raises fold.EntryRefused and what SQLAlchemy raises; the caller's transaction then rolls back."""
    of_agents = [logged for logged in batch if not logged.entry.call_id]
    of_calls = [logged for logged in batch if logged.entry.call_id]
    add_missing(connection, agent_events, [_agent_event(logged) for logged in of_agents])
    fresh = _fresh(connection, of_calls)
    if not fresh:
        return
    rows = _folded(connection, fresh)
    _name_unknown_sources(connection, rows.values())
    link_customers(connection, list(rows.values()), region)
    put(connection, calls, list(rows.values()))
    add_missing(connection, call_events, [call_event(logged) for logged in fresh])
    found = [task for logged in fresh if (task := task_of(logged, rows, region))]
    add_missing(connection, tasks, wished_once(connection, found))
    add_missing(connection, surveys, [score for logged in fresh for score in scores_of(logged)])
    add_missing(connection, legs, [leg for logged in fresh if (leg := leg_of(logged))])
    add_missing(connection, recordings, [kept for logged in fresh if (kept := recording_of(logged))])
    contacts = [row for logged in fresh if (row := interaction_of(logged, rows, region))]
    add_missing(connection, interactions, contacts)
    said = last_dispositions(fresh)
    put(connection, dispositions, said)
    become(connection, said, rules)
    keep_by_calls(connection, rows.values(), contacts)


def _fresh(connection: Connection, batch: Sequence[Logged]) -> list[Logged]:
    if not batch:
        return []
    dialect, seqs = connection.dialect.name, [logged.seq for logged in batch]
    asked = {"values": bulk.asked(dialect, _call_ids(batch)), "first": min(seqs), "last": max(seqs)}
    known = {tuple(row) for row in connection.execute(_told(dialect), asked)}
    return [logged for logged in batch if (logged.entry.call_id, logged.seq) not in known]


def _folded(connection: Connection, fresh: Sequence[Logged]) -> dict[str, Row]:
    dialect = connection.dialect.name
    found = connection.execute(_known(dialect), {"values": bulk.asked(dialect, _call_ids(fresh))})
    rows: dict[str, Row] = {row["call_id"]: dict(row) for row in found.mappings()}
    for logged in fresh:
        call_id = logged.entry.call_id
        rows[call_id] = fold(rows.get(call_id) or blank(logged.entry), logged.entry)
    return rows


def _call_ids(batch: Sequence[Logged]) -> list[str]:
    return sorted({logged.entry.call_id for logged in batch})


def _name_unknown_sources(connection: Connection, rows: Iterable[Row]) -> None:
    sources = sorted({row["media_source"] for row in rows} | {UNKNOWN_SOURCE})
    add_missing(connection, media_sources, [{"id": name, "name": name, "kind": "unknown"} for name in sources])


def call_event(logged: Logged) -> dict[str, Any]:
    entry = logged.entry
    return {
        "call_id": entry.call_id,
        "seq": logged.seq,
        "kind": entry.kind,
        "at": moment(entry.at),
        "fields": dict(entry.fields),
    }


def _agent_event(logged: Logged) -> dict[str, Any]:
    entry = logged.entry
    return {
        "seq": logged.seq,
        "at": moment(entry.at),
        "agent": str(entry.fields.get("agent") or entry.fields.get("extension") or "")[:64],
        "kind": entry.kind,
        "fields": dict(entry.fields),
    }
