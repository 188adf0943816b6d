"""After a crash each call without an end and without a channel gets pbx_lost, and no other."""

from __future__ import annotations

from pathlib import Path

from crm_bridge.journal import Entry, Journal
from crm_bridge.reconcile import reconcile


async def test_only_calls_that_asterisk_does_not_have_are_lost(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j.db")
    for call_id, at in (("over", 1.0), ("live", 2.0), ("gone", 3.0), ("newer", 99.0)):
        await journal.append(Entry(call_id, "call_started", at, {}))
    await journal.append(Entry("over", "outcome", 5.0, {"outcome": "answered"}))
    await journal.append(Entry("gone", "answered", 7.0, {"agent": "1001"}))
    assert await reconcile(journal, {"live"}, now=50.0) == ["gone"]
    [lost] = [row.entry for row in await journal.unrelayed(99) if row.entry.kind == "outcome"][1:]
    assert (lost.call_id, lost.fields["outcome"], lost.fields["ended_at"]) == ("gone", "pbx_lost", 7.0)
    assert await reconcile(journal, {"live"}, now=50.0) == []
    await journal.close()


async def test_an_outcome_that_came_meanwhile_wins(tmp_path: Path) -> None:
    class Late(Journal):
        async def append(self, entry: Entry) -> int:
            await super().append(Entry("c1", "outcome", 8.0, {"outcome": "abandoned_queue"}))
            return await super().append(entry)

    journal = await Late.open(tmp_path / "j.db")
    journal.append_soon(Entry("c1", "call_started", 1.0, {}))
    await Journal.append(journal, Entry("c1", "node", 2.0, {}))
    assert await reconcile(journal, set(), now=50.0) == ["c1"]
    told = [row.entry.fields["outcome"] for row in await journal.unrelayed(99) if row.entry.kind == "outcome"]
    assert told == ["abandoned_queue"]
    await journal.close()
