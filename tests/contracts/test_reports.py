"""The list of calls, on both kinds of database."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from crm_bridge import reports
from crm_bridge.entry import Entry, Logged
from crm_bridge.store import CrmStore, SourceName

ISSUE_FIELDS = [
    "call_id",
    "dnis",
    "ani",
    "media_source",
    "campaign",
    "language",
    "queue",
    "agent",
    "outcome",
    "started_at",
    "answered_at",
    "ended_at",
    "waited_s",
    "talked_s",
    "hangup_by",
    "customer_id",
]


@pytest.fixture
async def store(crm_url: str) -> AsyncIterator[CrmStore]:
    opened = CrmStore(crm_url)
    ends = ["answered", "abandoned_ivr", "abandoned_queue", "voicemail", None]
    batch = []
    for n, end in enumerate(ends):
        source = "web" if end == "voicemail" else "tv"
        start = {"dnis": "4008001001", "ani": "13800138000", "source": source, "campaign": "spring"}
        batch.append(Logged(2 * n + 1, Entry(f"c{n}", "call_started", 1000.25 + n, start)))
        if end:
            fields = {"outcome": end, "ended_at": 1060.0 + n, "hangup_by": "caller", "waited_s": 2.5}
            batch.append(Logged(2 * n + 2, Entry(f"c{n}", "outcome", 1060.0 + n, fields)))
    await opened.apply(batch)
    await opened.name_sources([SourceName("print", "Newspaper", "print"), SourceName("tv", "TV spot", "tv")])
    yield opened
    await opened.close()


async def test_calls_newest_first_within_the_limit(store: CrmStore) -> None:
    assert [call.call_id for call in await reports.calls(store, 3)] == ["c4", "c3", "c2"]
    since = datetime.fromtimestamp(1003.0, UTC)
    assert [call.call_id for call in await reports.calls(store, since=since)] == ["c4", "c3"]
    assert [call.call_id for call in await reports.calls(store, call_id="c1")] == ["c1"]


async def test_a_row_as_json_has_every_field_of_the_command(store: CrmStore) -> None:
    [call] = await reports.calls(store, call_id="c0")
    row = json.loads(json.dumps(call.as_json()))
    assert list(row)[: len(ISSUE_FIELDS)] == ISSUE_FIELDS
    assert row["started_at"] == "1970-01-01T00:16:40.250Z"
    assert (row["outcome"], row["waited_s"], row["answered_at"], row["customer_id"]) == ("answered", 2.5, None, 1)
