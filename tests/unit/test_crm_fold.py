"""How one call's entries become its row. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.entry import Entry, Json
from crm_bridge.fold import EntryRefused, Row, blank, fold


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def folded(*entries: Entry) -> Row:
    row = blank(entries[0])
    for entry in entries:
        row = fold(row, entry)
    return row


def entry(kind: str, when: float, **fields: Json) -> Entry:
    return Entry("c1", kind, when, fields)


CALL = (
    entry("call_started", 1000.0, dnis="4008001001", ani="13800138000", name="李", source="tv", campaign="spring"),
    entry("language", 1003.0, language="mandarin"),
    entry("node", 1004.0, name="menu"),
    entry("queued", 1005.0, queue="sales", joined_at=1004.5, priority=0, attributes={"language": "mandarin"}),
    entry("offered", 1006.0, agent="1001", token="t1"),
    entry("offer_missed", 1010.0, agent="1001", why="no_answer"),
    entry("offered", 1011.0, agent="1002", token="t2"),
    entry("answered", 1013.0, agent="1002"),
)


def test_a_whole_call() -> None:
    end = entry("outcome", 1100.2, outcome="answered", hangup_by="caller", cause="16", ended_at=1100.0, waited_s=8.5,
                talked_s=87.0, offered_s=6.0, queue="sales", agent="1002", language="mandarin")  # fmt: skip
    row = folded(*CALL, end)
    said = {key: value for key, value in row.items() if value not in (None, "")}
    assert said == {
        "call_id": "c1",
        "dnis": "4008001001",
        "ani": "13800138000",
        "caller_name": "李",
        "media_source": "tv",
        "campaign": "spring",
        "language": "mandarin",
        "queue": "sales",
        "agent": "1002",
        "last_node": "menu",
        "outcome": "answered",
        "hangup_by": "caller",
        "cause": "16",
        "started_at": at(1000.0),
        "queued_at": at(1004.5),
        "offered_at": at(1011.0),
        "answered_at": at(1013.0),
        "ended_at": at(1100.0),
        "waited_s": 8.5,
        "offered_s": 6.0,
        "talked_s": 87.0,
    }


def test_picked_up_but_never_joined_leaves_no_agent_in_the_row() -> None:
    """The agent hung up in the whisper and the caller left: what an event said is taken back, not kept."""
    missed = entry("offer_missed", 1014.0, agent="1002", why="rejected")
    row = folded(*CALL, missed, entry("outcome", 1020.0, outcome="abandoned_queue", hangup_by="caller", agent=""))
    assert (row["agent"], row["answered_at"], row["outcome"]) == ("", None, "abandoned_queue")


def test_the_first_outcome_stands_and_closes_the_row() -> None:
    first = folded(*CALL, entry("outcome", 1100.0, outcome="answered"))
    after = fold(
        fold(first, entry("outcome", 1200.0, outcome="pbx_lost")), entry("language", 1201.0, language="english")
    )
    assert after == first


def test_an_outcome_that_says_little_leaves_what_was_known() -> None:
    row = folded(*CALL, entry("outcome", 1300.0, outcome="pbx_lost", agent="", language="", ended_at=1013.0))
    assert (row["agent"], row["language"], row["answered_at"], row["ended_at"]) == (
        "1002", "mandarin", at(1013.0), at(1013.0)
    )  # fmt: skip


def test_a_start_that_comes_late_still_fills_in_the_beginning() -> None:
    row = folded(entry("outcome", 1100.0, outcome="rejected"), CALL[0])
    assert (row["media_source"], row["started_at"], row["outcome"]) == ("tv", at(1000.0), "rejected")


@pytest.mark.parametrize("outcome", [None, "", "finished", 7, ["answered"]])
def test_an_outcome_that_is_none_of_ours_is_refused(outcome: Json) -> None:
    with pytest.raises(EntryRefused, match="outcome"):
        folded(*CALL, entry("outcome", 1100.0, outcome=outcome))


@pytest.mark.parametrize("when", [-62_135_596_800.0, -1.0, 1e18, 2.6e11])
def test_a_time_in_no_calendar_year_of_ours_is_refused(when: float) -> None:
    with pytest.raises(EntryRefused, match="at"):
        blank(entry("node", when))


def test_fields_of_a_wrong_shape_count_as_not_said() -> None:
    row = folded(
        entry("call_started", 1000.0, dnis=["x"], ani=None, source={"a": 1}, name="n" * 10_240),
        entry("outcome", 1001.0, outcome="answered", waited_s="long", talked_s=-5, ended_at=-62_135_596_800.0,
              hangup_by="martian"),
    )  # fmt: skip
    assert (row["dnis"], row["ani"], row["media_source"], len(row["caller_name"])) == ("", "", "unknown", 120)
    assert (row["waited_s"], row["talked_s"], row["ended_at"], row["hangup_by"]) == (None, 0.0, at(1001.0), "")


_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
_kinds = st.sampled_from(["call_started", "language", "node", "queued", "offered", "answered", "talk_ended", "new"])
_keys = st.sampled_from(
    ["dnis", "ani", "name", "source", "language", "queue", "joined_at", "agent", "waited_s", "ended_at"]
)


@given(
    st.lists(st.builds(Entry, st.just("c1"), _kinds, st.floats(0, 2e9), st.dictionaries(_keys, _values)), min_size=1)
)
def test_no_event_but_an_outcome_can_be_refused_or_end_a_call(entries: list[Entry]) -> None:
    row = folded(*entries)
    assert row["outcome"] is None
    assert row["started_at"] is not None
