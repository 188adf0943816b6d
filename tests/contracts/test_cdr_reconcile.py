"""Reconciling with Asterisk's call records: what we lack is added once, what was lost gets its true end, and nothing
else is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crm_bridge.cdr import CdrCall, read_cdr
from crm_bridge.cdr_reconcile import SETTLED_S, Findings, House, compare
from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.models import calls, tasks
from crm_bridge.reconcile import reconcile
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore
from tests.unit.test_cdr import OURS, ours

T0 = 1795860860.0  # of the first call in OURS
NOW = T0 + 3600
AGENT = "1003"


def house(messages: dict[str, str] | None = None) -> House:
    return House(
        lambda dialled, source: ("4008001001", source or "unknown", "autumn"),
        {AGENT},
        lambda uniqueid: (messages or {}).get(uniqueid, ""),
    )


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(tmp_path / "journal.db")
    yield opened
    await opened.close()


def records(*lines: str) -> list[CdrCall]:
    return list(read_cdr(lines or OURS.splitlines()).calls.values())


async def relayed(journal: Journal, store: CrmStore) -> None:
    moving = Relay(journal, store)
    while await moving.once():
        pass


async def reconciled(
    journal: Journal, store: CrmStore, found: Sequence[CdrCall], site: House | None = None, **when: float
) -> Findings:
    told = await compare(found, journal, store, site or house(), **{"now": NOW, "since": T0 - 86400, **when})
    for entry in told.entries:
        await journal.append(entry)
    await relayed(journal, store)
    return told


async def rows(store: CrmStore, table: Any = calls) -> list[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key)
    return await store.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


def started(call_id: str, at: float, uniqueid: str) -> Entry:
    return Entry(call_id, "call_started", at, {"ani": "13800138001", "uniqueid": uniqueid, "source": "web"})


async def test_calls_that_nobody_knows_are_added_once(journal: Journal, store: CrmStore) -> None:
    told = await reconciled(journal, store, records())
    assert (told.seen, told.known, len(told.added), len(told.corrected)) == (4, 0, 4, 0)
    found = {row["ani"]: row for row in await rows(store)}
    assert {ani: row["outcome"] for ani, row in found.items()} == {
        "13800138001": "answered",
        "13800138002": "abandoned_ivr",
        "13800138003": "answered",
        "13800138004": "answered",
    }
    first = found["13800138001"]
    assert (first["dnis"], first["media_source"], first["campaign"]) == ("4008001001", "tv_spot", "autumn")
    assert first["started_at"] == datetime.fromtimestamp(T0, UTC)
    assert first["ended_at"] == datetime.fromtimestamp(T0 + 4, UTC)
    assert (first["agent"], first["talked_s"]) == (AGENT, None)  # the record does not say when they were joined
    again = await reconciled(journal, store, records())
    assert (again.known, again.entries) == (4, [])
    assert len(await rows(store)) == 4


@pytest.mark.parametrize("pruned", [False, True])
async def test_a_call_that_we_know_is_left_alone(journal: Journal, store: CrmStore, pruned: bool) -> None:
    """Known by the journal; and by the CRM when the journal has long forgotten it."""
    await journal.append(started("c1", T0, "1795860860.0"))
    await journal.append(Entry("c1", "outcome", T0 + 4, {"outcome": "abandoned_queue"}))
    await relayed(journal, store)
    if pruned:
        assert await journal.prune(T0 + 100) == 2
    told = await reconciled(journal, store, records()[:1])
    assert (told.known, told.entries) == (1, [])
    assert [row["outcome"] for row in await rows(store)] == ["abandoned_queue"]


async def lose(journal: Journal, store: CrmStore, *way: Entry) -> None:
    await journal.append(started("c1", T0 + 0.9, "1795860860.0"))
    for entry in way:
        await journal.append(entry)
    await relayed(journal, store)
    assert await reconcile(journal, (), T0 + 60) == ["c1"]
    await relayed(journal, store)


PICKED_UP = (
    Entry("c1", "queued", T0 + 1, {"queue": "sales"}),
    Entry("c1", "offered", T0 + 1, {"agent": AGENT}),
    Entry("c1", "answered", T0 + 1.5, {"agent": AGENT}),
)


@pytest.mark.parametrize("pruned", [False, True])
async def test_a_lost_call_that_was_a_conversation_is_answered(journal: Journal, store: CrmStore, pruned: bool) -> None:
    await lose(journal, store, *PICKED_UP)
    [row] = await rows(store)
    assert (row["outcome"], row["ended_at"]) == ("pbx_lost", datetime.fromtimestamp(T0 + 1.5, UTC))
    if pruned:
        await journal.prune(T0 + 100)
    told = await reconciled(journal, store, records()[:1])
    assert list(told.corrected) == ["c1"]
    [row] = await rows(store)
    assert (row["outcome"], row["agent"], row["talked_s"]) == ("answered", AGENT, 2.5)
    assert row["answered_at"] == datetime.fromtimestamp(T0 + 1.5, UTC)
    assert row["ended_at"] == datetime.fromtimestamp(T0 + 4, UTC)
    assert row["media_source"] == "web"
    assert (await reconciled(journal, store, records()[:1])).entries == []


async def test_a_lost_call_without_a_conversation_stays_lost_and_gets_its_end(
    journal: Journal, store: CrmStore
) -> None:
    await lose(journal, store)
    at = datetime.fromtimestamp(T0, UTC)
    told = await reconciled(journal, store, records(ours(at, 25, "1795860860.0")))
    assert list(told.corrected) == ["c1"]
    [row] = await rows(store)
    assert (row["outcome"], row["ended_at"]) == ("pbx_lost", datetime.fromtimestamp(T0 + 25, UTC))
    assert row["talked_s"] is None
    assert (await reconciled(journal, store, records(ours(at, 25, "1795860860.0")))).entries == []


async def test_a_correction_changes_no_call_that_was_not_lost(journal: Journal, store: CrmStore) -> None:
    await journal.append(started("c1", T0, "1795860860.0"))
    await journal.append(Entry("c1", "outcome", T0 + 4, {"outcome": "voicemail"}))
    await journal.append(Entry("c1", "corrected", T0 + 9, {"outcome": "answered", "ended_at": T0 + 8, "talked_s": 3}))
    await relayed(journal, store)
    [row] = await rows(store)
    assert (row["outcome"], row["talked_s"], row["ended_at"]) == (
        "voicemail",
        None,
        datetime.fromtimestamp(T0 + 4, UTC),
    )


async def test_a_correction_before_the_outcome_changes_nothing(journal: Journal, store: CrmStore) -> None:
    await journal.append(started("c1", T0, "1795860860.0"))
    await journal.append(Entry("c1", "corrected", T0 + 9, {"outcome": "answered", "ended_at": T0 + 8}))
    await relayed(journal, store)
    [row] = await rows(store)
    assert (row["outcome"], row["ended_at"]) == (None, None)


async def test_a_call_that_may_still_go_on_is_left_alone(journal: Journal, store: CrmStore) -> None:
    told = await reconciled(journal, store, records(), now=T0 + 20 + SETTLED_S)
    assert (told.young, len(told.added)) == (1, 3)


async def test_a_call_whose_events_have_gone_is_not_taken_for_an_unknown_one(journal: Journal, store: CrmStore) -> None:
    """Only the events have Uniqueids: without them every old call would come twice."""
    told = await reconciled(journal, store, records(), since=T0 + 1)
    assert (told.old, len(told.added)) == (1, 3)


async def test_a_message_that_nobody_told_of_becomes_a_task(journal: Journal, store: CrmStore) -> None:
    at = datetime.fromtimestamp(T0, UTC)
    await reconciled(
        journal, store, records(ours(at, 25, "1795860860.0")), house({"1795860860.0": "x_1795860860.0.wav"})
    )
    [row] = await rows(store)
    assert row["outcome"] == "voicemail"
    [task] = await rows(store, tasks)
    assert (task["kind"], task["fields"]["recording"]) == ("voicemail", "x_1795860860.0")


async def test_what_the_fail_open_script_tells_later_is_the_same_call(journal: Journal, store: CrmStore) -> None:
    [call] = records()[1:2]
    await reconciled(journal, store, [call])
    await journal.append(Entry(call.call_id, "call_started", T0, {"ani": "13800138002"}))
    await journal.append(Entry(call.call_id, "outcome", T0, {"outcome": "voicemail"}))
    await relayed(journal, store)
    assert [row["outcome"] for row in await rows(store)] == ["abandoned_ivr"]


async def test_to_look_changes_nothing(journal: Journal, store: CrmStore) -> None:
    told = await compare(records(), journal, store, house(), now=NOW, since=0.0)
    assert len(told.added) == 4
    assert (await journal.backlog()).pending == 0
