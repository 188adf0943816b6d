"""The relay: order kept, store away, poison isolated, doubled deliveries. A real journal; the sink is a fake of
ten lines except where the store itself matters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_bridge import reports
from crm_bridge.fold import EntryRefused
from crm_bridge.journal import Backlog, Entry, Journal, JournalUnwritable, Logged
from crm_bridge.migrating import migrate
from crm_bridge.relay import LAST_RETRY_S, Relay
from crm_bridge.reporting.media import Media
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import answer
from crm_bridge.store import CrmStore, StoreAway, sqlite_url


class Box:
    """Takes batches; refuses those with a poison entry; can be away for a number of tries."""

    def __init__(self, away: int = 0) -> None:
        self.taken: list[int] = []
        self.tries = 0
        self.away = away
        self.took = asyncio.Event()

    async def apply(self, batch: Sequence[Logged]) -> None:
        self.tries += 1
        if self.away:
            self.away -= 1
            raise StoreAway("gone fishing")
        if any(logged.entry.kind == "poison" for logged in batch):
            raise EntryRefused("it is poison")
        self.taken += [logged.seq for logged in batch]
        self.took.set()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(tmp_path / "j.db")
    yield opened
    await opened.close()


async def fill(journal: Journal, *kinds: str) -> list[int]:
    return [await journal.append(Entry("c1", kind, 1000.0, {})) for kind in kinds]


async def test_everything_goes_once_and_in_order(journal: Journal) -> None:
    seqs = await fill(journal, *["node"] * 23)
    box = Box()
    relay = Relay(journal, box, batch=5)
    while await relay.once():
        pass
    assert box.taken == seqs
    assert (await journal.backlog()).pending == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(poison=st.lists(st.booleans(), min_size=1, max_size=24), batch=st.integers(1, 30))
async def test_poison_is_parked_and_all_the_rest_flows(journal: Journal, poison: list[bool], batch: int) -> None:
    before = len(await journal.parked(10_000))
    seqs = await fill(journal, *["poison" if bad else "node" for bad in poison])
    box = Box()
    relay = Relay(journal, box, batch=batch)
    while await relay.once():
        pass
    bad = [seq for seq, is_bad in zip(seqs, poison, strict=True) if is_bad]
    assert box.taken == [seq for seq in seqs if seq not in bad]
    assert (await journal.parked(10_000))[before:] == [(seq, "it is poison") for seq in bad]


async def test_while_the_store_is_away_nothing_is_lost_and_the_tries_grow_rarer(journal: Journal) -> None:
    seqs = await fill(journal, "node", "node")
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    box = Box(away=9)
    relay = Relay(journal, box, sleep=nap)
    running = asyncio.create_task(relay.run())
    assert await relay.drain(10.0)
    running.cancel()
    assert box.taken == seqs
    assert naps[:9] == [min(0.2 * 2**n, LAST_RETRY_S) for n in range(9)]


async def test_a_store_that_goes_away_amid_poison_parks_nothing_that_is_good(journal: Journal) -> None:
    seqs = await fill(journal, "node", "poison", "node", "node")

    class Flaky(Box):
        async def apply(self, batch: Sequence[Logged]) -> None:
            if self.tries == 2:
                self.away = 1
            await super().apply(batch)

    box = Flaky()
    relay = Relay(journal, box)
    with pytest.raises(StoreAway):
        await relay.once()
    while await relay.once():
        pass
    assert box.taken == [seqs[0], *seqs[2:]]
    assert [seq for seq, _ in await journal.parked()] == [seqs[1]]


async def test_news_wakes_it(journal: Journal) -> None:
    box = Box()
    relay = Relay(journal, box, linger_s=0.0)
    running = asyncio.create_task(relay.run())
    assert await relay.drain(5.0)
    seqs = await fill(journal, "node")
    await asyncio.wait_for(box.took.wait(), 2.0)  # well under the 5 s at which it looks by itself
    assert box.taken == seqs
    assert await relay.stop(5.0)
    await asyncio.wait_for(running, 5.0)


async def test_an_outcome_ends_a_pause_that_a_note_waits_out(journal: Journal) -> None:
    box = Box()
    relay = Relay(journal, box, linger_s=0.0, between_s=3600.0)
    running = asyncio.create_task(relay.run())
    await fill(journal, "node")
    await asyncio.wait_for(box.took.wait(), 2.0)
    await fill(journal, "node")
    assert await journal.backlog() == Backlog(0, 1, 0)
    box.took.clear()
    await fill(journal, "outcome")
    await asyncio.wait_for(box.took.wait(), 2.0)
    assert len(box.taken) == 3
    assert await relay.stop(5.0)
    await asyncio.wait_for(running, 5.0)


async def test_a_crash_between_commit_and_mark_doubles_the_delivery_and_not_the_row(
    journal: Journal, tmp_path: Path
) -> None:
    url = sqlite_url(tmp_path / "crm.db")
    await migrate(url)
    store = CrmStore(url)
    await journal.append(Entry("c1", "call_started", 1000.0, {"ani": "13800138000", "source": "tv"}))
    await journal.append(Entry("c1", "outcome", 1010.0, {"outcome": "answered"}))

    class Crashing(Journal):
        async def mark_relayed(self, seqs: object) -> None:
            raise JournalUnwritable("crash")

    crashing = await Crashing.open(journal.path)
    with pytest.raises(JournalUnwritable):
        await Relay(crashing, store).once()
    await crashing.close()
    assert await Relay(journal, store).once() == 2
    [call] = await reports.calls(store)
    assert (call.outcome, call.customer_id) == ("answered", 1)
    first_day = Period(date(1970, 1, 1), date(1970, 1, 1))
    found = await answer(store, Media(first_day, store.rules))
    [source] = [line for line in found.lines if line["source"] == "tv"]
    assert (source["calls"], source["answered"]) == (1, 1)
    await store.close()


async def test_it_forgets_what_is_old_only_when_the_time_has_come(journal: Journal) -> None:
    now = [1000.0]
    await journal.append(Entry("c1", "call_started", 1000.0, {}))
    await journal.append(Entry("c1", "outcome", 1001.0, {}))
    relay = Relay(journal, Box(), keep_s=3600.0, clock=lambda: now[0])
    await relay.once()
    await relay._prune()
    assert await _count(journal) == 2
    now[0] = 1000.0 + 7200.0
    await relay._prune()
    assert await _count(journal) == 0


async def _count(journal: Journal) -> int:
    [[count]] = await journal.read("SELECT count(*) FROM entries")
    return int(count)
