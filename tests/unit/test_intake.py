"""The fail-open spool is taken in once, whole or torn, and a bad file stops nobody."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi_scripts.standalone import fail_open
from crm_bridge.intake import BadRecord, Taken, entries_of, take_in
from crm_bridge.journal import Entry, Journal, JournalClosed
from crm_bridge.reconcile import reconcile

START = {"call_id": "c1", "phase": "start", "dnis": "4008001001", "ani": "13800138000", "name": "", "source": "tv",
         "campaign": "spring", "at": 1000.0}  # fmt: skip
END = {**START, "phase": "end", "at": 1100.0, "started_at": 1000.0, "dialstatus": "ANSWER", "answered_s": 60,
       "agent": "1001", "voicemail": "", "hangup_by": "caller"}  # fmt: skip


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(tmp_path / "j.db")
    yield opened
    await opened.close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def put(spool: Path, name: str, content: Any) -> None:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    (spool / name).write_bytes(text)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def told(journal: Journal) -> list[tuple[str, str, float]]:
    return [(row.entry.call_id, row.entry.kind, row.entry.at) for row in await journal.unrelayed(99)]


async def test_a_call_is_taken_in_and_its_files_are_gone(journal: Journal, spool: Path) -> None:
    put(spool, "c1-start.json", START)
    put(spool, "c1-end.json", END)
    put(spool, "half-written.tmp", b"{")
    assert await take_in(spool, journal) == Taken(taken=2)
    assert await told(journal) == [("c1", "call_started", 1000.0), ("c1", "outcome", 1100.0)]
    outcome = (await journal.unrelayed(99))[1].entry.fields
    assert (outcome["outcome"], outcome["agent"], outcome["talked_s"]) == ("answered", "1001", 60.0)
    assert (outcome["answered_at"], outcome["waited_s"], outcome["hangup_by"]) == (1040.0, 40.0, "caller")
    assert names(spool) == {"half-written.tmp"}


async def test_the_same_files_again_change_nothing(journal: Journal, spool: Path) -> None:
    for _ in range(2):
        put(spool, "a.json", START)
        put(spool, "b.json", END)
        assert await take_in(spool, journal) == Taken(taken=2)
    assert len(await told(journal)) == 2


async def test_what_the_engine_told_first_stands(journal: Journal, spool: Path) -> None:
    await journal.append(Entry("c1", "call_started", 990.0, {"source": "web"}))
    put(spool, "a.json", END)
    await take_in(spool, journal)
    assert await told(journal) == [("c1", "call_started", 990.0), ("c1", "outcome", 1100.0)]


async def test_a_bad_file_is_set_aside_with_its_reason(journal: Journal, spool: Path) -> None:
    bad = {
        "torn.json": b'{"call_id": "c1", "pha',
        "list.json": b"[]",
        "deep.json": b"[" * 50_000,
        "bytes.json": b"\xff\xfe\x00",
        "huge.json": b" " * 70_000,
        "nobody.json": {**START, "call_id": ""},
        "what.json": {**START, "phase": "middle"},
        "when.json": {**START, "at": "soon"},
        "id.json": {**START, "call_id": "../../x\n"},
    }
    for name, content in bad.items():
        put(spool, name, content)
    put(spool, "zz-good.json", START)
    assert await take_in(spool, journal) == Taken(taken=1, bad=len(bad))
    assert await told(journal) == [("c1", "call_started", 1000.0)]
    assert names(spool / "bad") == set(bad) | {f"{name}.reason" for name in bad}
    assert all((spool / "bad" / f"{name}.reason").read_text().strip() for name in bad)


async def test_files_stay_while_the_journal_cannot_be_written(journal: Journal, spool: Path) -> None:
    put(spool, "a.json", START)
    await journal.close()
    with pytest.raises(JournalClosed):
        await take_in(spool, journal)
    assert (spool / "a.json").exists()


async def test_no_folder_is_an_empty_spool(journal: Journal, tmp_path: Path) -> None:
    assert await take_in(tmp_path / "nothing", journal) == Taken()


async def test_a_link_is_not_followed(journal: Journal, spool: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text(json.dumps(START))
    os.symlink(tmp_path / "elsewhere.json", spool / "a.json")
    assert await take_in(spool, journal) == Taken()


async def test_a_start_without_an_end_becomes_pbx_lost(journal: Journal, spool: Path) -> None:
    put(spool, "a.json", START)
    await take_in(spool, journal)
    assert await reconcile(journal, set(), now=2000.0) == ["c1"]


@pytest.mark.parametrize(
    ("hints", "outcome"),
    [
        ({"dialstatus": "ANSWER", "voicemail": "x.wav"}, "answered"),
        ({"dialstatus": "NOANSWER", "voicemail": "x.wav"}, "voicemail"),
        ({"dialstatus": "CANCEL", "voicemail": ""}, "abandoned_queue"),
        ({}, "abandoned_queue"),
    ],
)
def test_the_outcome_follows_the_hints(hints: dict[str, str], outcome: str) -> None:
    bare = {"call_id": "c1", "phase": "end", "at": 1100}
    assert entries_of({**bare, **hints})[1].fields["outcome"] == outcome


async def test_the_record_that_the_fail_open_script_itself_builds(journal: Journal, spool: Path) -> None:
    env = {"agi_uniqueid": "1000.7", "agi_dnid": "4008001001", "agi_callerid": "13800138000"}
    asked = {"source": "tv", "queue": "sales", "language": "mandarin", "joined_ms": "1010000", "dialstatus": "ANSWER",
             "picked_up_ms": "1040000", "agent": "PJSIP/1001", "next": "hangup"}  # fmt: skip
    put(spool, "a.json", fail_open.build("start", env, asked, {}, 1001.0))
    put(spool, "b.json", fail_open.build("end", env, asked, {}, 1100.0))
    put(spool, "c.json", fail_open.build("end", {**env, "agi_uniqueid": "2000.1"}, {}, {}, 2005.0))
    assert await take_in(spool, journal) == Taken(taken=3)
    outcomes = [row.entry.fields for row in await journal.unrelayed(99) if row.entry.kind == "outcome"]
    answered, left_in_menu = outcomes
    assert (answered["outcome"], answered["agent"], answered["queue"]) == ("answered", "1001", "sales")
    assert (answered["talked_s"], answered["waited_s"], answered["hangup_by"]) == (60.0, 30.0, "agent")
    assert left_in_menu["outcome"] == "abandoned_ivr"
    assert "waited_s" not in left_in_menu


def test_numbers_may_be_text_as_dialplan_variables_are() -> None:
    end = {"call_id": "c1", "phase": "end", "at": "1100.5", "dialstatus": "ANSWER", "answered_ms": "1500"}
    start, outcome = entries_of(end)
    assert (start.at, outcome.at, outcome.fields["talked_s"]) == (1100.5, 1100.5, 1.5)


@given(
    st.dictionaries(
        st.sampled_from([*END, "answered_ms", "ended_at"]), st.none() | st.text() | st.floats() | st.integers()
    )
)
def test_any_record_is_entries_or_a_bad_record(record: dict[str, Any]) -> None:
    try:
        entries = entries_of(record)
    except BadRecord:
        return
    assert {entry.kind for entry in entries} <= {"call_started", "outcome"}


def test_a_talk_with_a_number_outside_has_no_agent() -> None:
    record = {"call_id": "c", "phase": "end", "at": 100.0, "outcome": "answered", "talked_s": 7, "hangup_by": "agent"}
    start, told, outcome = entries_of({**record, "agent": "+862155512345@away"})
    assert (told.kind, told.fields) == (
        "transferred",
        {"outside": "", "dialled": "+862155512345@away", "talked_s": 7.0},
    )
    assert (outcome.fields["outcome"], outcome.fields["agent"], outcome.fields["talked_s"]) == ("answered", "", 7)
    assert [entry.kind for entry in entries_of({**record, "agent": "1001"})] == [start.kind, outcome.kind]
