"""Presence is kept in the journal's file and survives a restart."""

from __future__ import annotations

from pathlib import Path

from acd.model import Presence
from crm_bridge.journal import Entry, Journal
from crm_bridge.presence import JournalPresenceBook, last_conversations


async def test_the_last_word_survives_a_restart(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j.db")
    book = JournalPresenceBook(journal)
    assert await book.load() == {}
    await book.save("1001", Presence.AVAILABLE, "", 1000.0)
    await book.save("1002", Presence.PAUSED, "lunch", 1001.0)
    await book.save("1001", Presence.PAUSED, "rona", 900.0)  # the clock was set back: still the last word
    await journal.close()
    journal = await Journal.open(tmp_path / "j.db")
    assert await JournalPresenceBook(journal).load() == {
        "1001": (Presence.PAUSED, "rona"),
        "1002": (Presence.PAUSED, "lunch"),
    }
    await journal.close()


async def test_a_word_of_another_version_reads_as_logged_out(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j.db")
    sql = "INSERT INTO presence VALUES ('1001', 'levitating', '', 1.0)"
    await journal.write(lambda own: own.execute(sql), keep=False)
    assert await JournalPresenceBook(journal).load() == {"1001": (Presence.LOGGED_OUT, "")}
    await journal.close()


async def test_the_last_conversation_of_each_agent(tmp_path: Path) -> None:
    """What a new engine needs to give an agent the rest of their wrap-up."""
    journal = await Journal.open(tmp_path / "j.db")
    told = [
        ("c1", "answered", "1001", "sales", 1010.0),
        ("c2", "answered", "1001", "service", 1030.0),
        ("c3", "abandoned_queue", "", "sales", 1031.0),
        ("c4", "answered", "1002", "sales", 900.0),
        ("c5", "answered", "", "sales", 1032.0),  # to a number outside
    ]
    for call_id, outcome, agent, queue, ended_at in told:
        fields = {"outcome": outcome, "agent": agent, "queue": queue, "ended_at": ended_at}
        await journal.append(Entry(call_id, "outcome", ended_at, fields))
    assert await last_conversations(journal, 1000.0) == {"1001": ("service", 1030.0)}
    await journal.close()
