"""The CRM store on a real SQLite file: again is harmless, one customer per number, two parties to blame."""

from __future__ import annotations

import asyncio
import random
import stat
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bench.postgresql import PostgresServer
from crm_bridge import reports
from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.models import agent_events, call_events, customers
from crm_bridge.numbers import e164
from crm_bridge.reporting.media import Media
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import answer
from crm_bridge.store import CrmStore, EntryRefused, SourceName, StoreAway
from tests.servers.writing import writing


def logged(entries: Iterable[Entry], first_seq: int = 1) -> list[Logged]:
    return [Logged(seq, entry) for seq, entry in enumerate(entries, first_seq)]


def started(call_id: str, at: float, **fields: Json) -> Entry:
    return Entry(call_id, "call_started", at, {"dnis": "4008001001", "source": "tv", "campaign": "spring", **fields})


def ended(call_id: str, at: float, outcome: str = "answered") -> Entry:
    return Entry(call_id, "outcome", at, {"outcome": outcome, "ended_at": at, "hangup_by": "caller"})


async def rows(store: CrmStore, table: Any) -> list[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key)
    return await store.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


async def test_a_batch_again_in_other_pieces_changes_nothing(store: CrmStore) -> None:
    batch = logged(
        [
            started("c1", 1000.0, ani="13800138000"),
            Entry("c1", "language", 1001.0, {"language": "mandarin"}),
            Entry("c1", "language", 1002.0, {"language": "english"}),
            Entry("", "agent_presence", 1003.0, {"agent": "1001", "presence": "available"}),
            ended("c1", 1010.0),
            ended("c1", 1011.0, "pbx_lost"),
        ]
    )
    await store.apply(batch)
    before = [await reports.calls(store), *[await rows(store, t) for t in (call_events, agent_events, customers)]]
    for piece in (batch, batch[:2], batch[1:5], batch):
        await store.apply(piece)
    after = [await reports.calls(store), *[await rows(store, t) for t in (call_events, agent_events, customers)]]
    assert after == before
    [call] = await reports.calls(store)
    assert (call.outcome, call.language) == ("answered", "english")
    assert len(before[1]) == 5


async def test_an_old_entry_again_does_not_undo_a_newer_one_of_an_open_call(store: CrmStore) -> None:
    spoken = [Entry("c1", "language", 1001.0 + n, {"language": name}) for n, name in enumerate(("zh", "en"))]
    batch = logged([started("c1", 1000.0), *spoken])
    await store.apply(batch)
    await store.apply(batch[:2])
    [call] = await reports.calls(store)
    assert (call.language, call.outcome) == ("en", None)


async def test_one_customer_for_a_number_however_it_is_written(store: CrmStore) -> None:
    written = ["13800138000", "+8613800138000", "008613800138000"]
    await store.apply(logged(started(f"c{n}", 1000.0 + n, ani=ani) for n, ani in enumerate(written)))
    await store.apply(logged([started("c9", 1009.0, ani="13800138000")], 9))
    assert len(await rows(store, customers)) == 1
    assert {call.customer_id for call in await reports.calls(store)} == {1}
    assert {call.ani for call in await reports.calls(store)} == set(written)


@pytest.mark.parametrize("ani", ["", "anonymous", "1001", "0", "9" * 40, "+", "2001"])
async def test_who_has_no_number_has_no_customer(store: CrmStore, ani: str) -> None:
    await store.apply(logged([started("c1", 1000.0, ani=ani)]))
    [call] = await reports.calls(store)
    assert call.customer_id is None
    assert await rows(store, customers) == []


async def test_the_first_source_is_kept_on_the_customer_and_each_calls_own_on_the_call(store: CrmStore) -> None:
    await store.apply(logged([started("c1", 1000.0, ani="13800138000", source="tv")]))
    await store.apply(logged([started("c2", 2000.0, ani="13800138000", source="web", campaign="autumn")], 2))
    [customer] = await rows(store, customers)
    assert (customer["first_source"], customer["first_campaign"]) == ("tv", "spring")
    assert [call.media_source for call in await reports.calls(store)] == ["web", "tv"]


async def test_an_earlier_call_that_is_taken_in_late_corrects_the_first_source(store: CrmStore) -> None:
    await store.apply(logged([started("c2", 2000.0, ani="13800138000", source="web")]))
    await store.apply(logged([started("c1", 1000.0, ani="13800138000", source="tv")], 2))
    [customer] = await rows(store, customers)
    assert customer["first_source"] == "tv"


async def test_a_bad_entry_refuses_its_whole_batch_and_leaves_no_trace(store: CrmStore) -> None:
    with pytest.raises(EntryRefused, match="outcome"):
        await store.apply(logged([started("c1", 1000.0, ani="13800138000"), ended("c1", 1001.0, "eaten")]))
    assert await reports.calls(store) == []
    assert await rows(store, customers) == []


async def test_an_integer_too_large_for_the_database_is_the_entrys_fault(store: CrmStore) -> None:
    with pytest.raises(EntryRefused):
        await store.apply([Logged(2**70, started("c1", 1000.0))])


async def test_a_locked_store_is_away_and_comes_back(store: CrmStore, crm_url: str) -> None:
    async with writing(crm_url):
        with pytest.raises(StoreAway, match=r"locked|lock timeout"):
            await store.apply(logged([started("c1", 1000.0)]))
        assert await reports.calls(store) == []  # reading waits for no writer
    await store.apply(logged([started("c1", 1000.0)]))
    assert len(await reports.calls(store)) == 1


async def test_a_server_that_hangs_costs_nobody_more_than_their_patience(
    postgresql: PostgresServer, postgresql_template: str
) -> None:
    """Its connections are open and nothing comes. More ask than can at once; when it is awake, all is there once."""
    name = postgresql.database(postgresql_template)
    store = CrmStore(postgresql.url(name))
    await asyncio.gather(store.apply(logged([started("c1", 1000.0)])), *(reports.calls(store) for _ in range(8)))
    with postgresql.frozen():
        owed = asyncio.create_task(store.apply(logged([started("c2", 1001.0)], 2)))
        began = asyncio.get_running_loop().time()
        asked = (asyncio.wait_for(reports.calls(store), 0.3) for _ in range(20))
        assert {type(one) for one in await asyncio.gather(*asked, return_exceptions=True)} == {TimeoutError}
        assert asyncio.get_running_loop().time() - began < 2
        assert not owed.done()
    await asyncio.wait_for(owed, 10)
    assert [call.call_id for call in await asyncio.wait_for(reports.calls(store), 10)] == ["c2", "c1"]
    await store.close()
    postgresql.drop(name)


async def test_a_store_without_tables_is_away(empty_url: str) -> None:
    store = CrmStore(empty_url)
    with pytest.raises(StoreAway):
        await store.apply(logged([started("c1", 1000.0)]))
    await store.close()


async def test_the_file_is_private(sqlite_store: CrmStore, tmp_path: Path) -> None:
    await sqlite_store.apply(logged([started("c1", 1000.0)]))
    assert _modes(tmp_path) == {0o600}


def _modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("crm.db*")}


async def test_awkward_text_is_stored_and_the_next_rows_flow(store: CrmStore) -> None:
    name = "😀'; DROP TABLE calls;-- \u202e" + "字" * 10_240
    await store.apply(logged([started("c1", 1000.0, name=name, ani="=cmd|' /C calc'!A0"), started("c2", 1001.0)]))
    call = (await reports.calls(store))[1]
    assert call.caller_name == name[:120]
    [event] = [row for row in await rows(store, call_events) if row["call_id"] == "c1"]
    assert event["fields"]["name"] == name


async def test_sources_take_their_names_from_the_site(store: CrmStore) -> None:
    await store.apply(logged([started("c1", 1000.0)]))
    await store.name_sources([SourceName("tv", "TV spot", "tv"), SourceName("print", "Newspaper", "print")])
    await store.name_sources([])
    found = await answer(store, Media(Period(date(1970, 1, 1), date(1970, 1, 1)), store.rules))
    report = {line["source"]: (line["name"], line["calls"]) for line in found.lines}
    assert report == {"tv": ("TV spot", 1), "print": ("Newspaper", 0), "unknown": ("unknown", 0)}


async def test_any_split_of_the_same_entries_gives_the_same_rows(new_crm: Callable[[], str]) -> None:
    dice = random.Random(7)
    entries = [
        e
        for n in range(30)
        for e in (started(f"c{n}", 1000.0 + n, ani=f"138001380{n % 9:02d}"), ended(f"c{n}", 1100.0 + n))
    ]
    batch = logged(entries)
    seen = []
    for size in (1, 7, len(batch)):
        store = CrmStore(new_crm())
        for start in range(0, len(batch), size):
            await store.apply(batch[start : start + size])
            await store.apply(batch[max(0, start - dice.randrange(9)) : start + size])
        seen.append([await reports.calls(store, 100), await rows(store, customers)])
        await store.close()
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0][1]) == 9


@given(st.text(max_size=40) | st.text("0123456789+", max_size=40))
def test_a_number_is_e164_or_nothing(raw: str) -> None:
    number = e164(raw, "CN")
    assert number is None or (number[0] == "+" and number[1:].isdigit() and len(number) <= 16)
    assert number is None or e164(number, "US") == number
