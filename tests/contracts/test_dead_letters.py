"""Dead letters: what the CRM refused can be tried again or given up, but no call is left open by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from crm_bridge import relay, reports
from crm_bridge.dead_letters import DeadLetter, Undroppable, drop, outbox, retry
from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore, StoreAway

BAD = 1e18  # no instant: the store can never take it


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(tmp_path / "journal.db")
    yield opened
    await opened.close()


async def nobody_writes(letters: Sequence[DeadLetter]) -> None: ...


async def fill(journal: Journal, *entries: Entry) -> list[int]:
    return [await journal.append(entry) for entry in entries]


async def relayed(journal: Journal, store: CrmStore) -> None:
    moving = Relay(journal, store)
    while await moving.once():
        pass


def start(call_id: str) -> Entry:
    return Entry(call_id, "call_started", 1000.0, {"ani": "13800138000"})


def end(call_id: str, at: float = 1010.0) -> Entry:
    return Entry(call_id, "outcome", at, {"outcome": "answered"})


async def test_what_waits_and_what_got_stuck(journal: Journal, store: CrmStore) -> None:
    _, bad, _ = await fill(journal, start("c1"), Entry("c1", "node", BAD, {"name": "x"}), end("c1"))
    await relayed(journal, store)
    await fill(journal, Entry("c2", "call_started", 2000.0), Entry("c2", "node", 2001.0))
    found = await outbox(journal)
    assert (found.pending, found.oldest_at) == (2, 2000.0)
    [letter] = found.parked
    assert (letter.seq, letter.call_id, letter.kind, letter.at) == (bad, "c1", "node", BAD)
    assert letter.reason.startswith("at: 1e+18 is no instant")
    assert letter.fields == {"name": "x"}


async def test_an_entry_whose_reason_is_gone_goes_when_it_is_retried(journal: Journal, store: CrmStore) -> None:
    seqs = await fill(journal, start("c1"), Entry("c1", "language", 1001.0, {"language": "en"}), end("c1"))
    await journal.park(seqs[1], "an older version could not")
    await relayed(journal, store)
    assert await retry(journal, [seqs[1], seqs[0]]) == 1  # what is not parked is left alone
    await relayed(journal, store)
    assert (await outbox(journal)).parked == []


async def test_a_running_relay_sees_what_somebody_else_retried(
    journal: Journal, store: CrmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command is another process: nobody nudges the engine's relay, which looks by itself."""
    monkeypatch.setattr(relay, "IDLE_S", 0.05)
    [seq] = await fill(journal, start("c1"))
    await journal.park(seq, "once")
    moving = Relay(journal, store)
    running = asyncio.create_task(moving.run())
    assert await moving.drain(5.0)
    command = await Journal.open(journal.path)
    assert await retry(command, [seq]) == 1
    await command.close()
    async with asyncio.timeout(5.0):
        while not await reports.calls(store):  # noqa: ASYNC110 (another process tells nobody)
            await asyncio.sleep(0.01)
    running.cancel()


async def test_an_outcome_without_which_its_call_would_stay_open_cannot_be_dropped(
    journal: Journal, store: CrmStore
) -> None:
    _, bad = await fill(journal, start("c1"), end("c1", BAD))
    await relayed(journal, store)
    written: list[Sequence[DeadLetter]] = []

    async def write_down(letters: Sequence[DeadLetter]) -> None:
        written.append(letters)

    with pytest.raises(Undroppable, match=rf"{bad} is the outcome of call c1.*open for ever.*retry"):
        await drop(journal, store, [bad], write_down)
    assert written == []
    assert [letter.seq for letter in (await outbox(journal)).parked] == [bad]


async def test_an_outcome_that_the_crm_has_already_can_be_dropped_and_its_call_stays_over(
    journal: Journal, store: CrmStore
) -> None:
    [bad] = await fill(journal, end("c1", BAD))
    await relayed(journal, store)
    other = await Journal.open(journal.path.with_name("other.db"))
    await fill(other, start("c1"), end("c1"))  # as another machine's journal told it
    await relayed(other, store)
    await other.close()
    await fill(journal, start("c1"))
    [dropped] = await drop(journal, store, [bad], nobody_writes)
    assert dropped.seq == bad
    assert (await outbox(journal)).parked == []
    assert await journal.open_calls() == []


async def test_other_entries_are_written_down_before_they_are_dropped(journal: Journal, store: CrmStore) -> None:
    _, bad, also, _ = await fill(journal, start("c1"), Entry("c1", "a", BAD), Entry("c1", "b", BAD), end("c1"))
    await relayed(journal, store)
    seen: list[int] = []

    async def write_down(letters: Sequence[DeadLetter]) -> None:
        seen.extend(letter.seq for letter in letters)
        assert len((await outbox(journal)).parked) == 2

    await drop(journal, store, [also, bad], write_down)
    assert seen == [bad, also]
    assert (await outbox(journal)).parked == []
    assert await retry(journal, [bad]) == 0  # gone is gone


async def test_what_cannot_be_written_down_is_not_dropped(journal: Journal, store: CrmStore) -> None:
    _, bad = await fill(journal, start("c1"), Entry("c1", "a", BAD))
    await relayed(journal, store)

    async def full(letters: Sequence[DeadLetter]) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        await drop(journal, store, [bad], full)
    assert len((await outbox(journal)).parked) == 1


async def test_what_is_not_parked_cannot_be_dropped(journal: Journal, store: CrmStore) -> None:
    [seq] = await fill(journal, start("c1"))
    with pytest.raises(Undroppable, match=f"no parked entry has the seq {seq}, 99"):
        await drop(journal, store, [99, seq], nobody_writes)


async def test_while_the_crm_is_away_no_outcome_is_dropped(journal: Journal, tmp_path: Path) -> None:
    _, bad = await fill(journal, start("c1"), end("c1", BAD))
    await journal.park(bad, "x")
    nowhere = CrmStore(f"sqlite:///{tmp_path / 'empty.db'}", busy_s=0.05)  # without tables
    with pytest.raises(StoreAway):
        await drop(journal, nowhere, [bad], nobody_writes)
    await nowhere.close()


async def test_dropped_entries_go_from_the_journal_with_their_call(journal: Journal, store: CrmStore) -> None:
    _, bad, _ = await fill(journal, start("c1"), Entry("c1", "a", BAD), end("c1"))
    await relayed(journal, store)
    await drop(journal, store, [bad], nobody_writes)
    assert await journal.prune(BAD * 2) == 3
