"""Asterisk's call records: what they prove. The lines of `OURS` were written by Asterisk 22 under our own dialplan."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi_scripts.standalone.fail_open import call_id_of
from crm_bridge.cdr import MASTER, NoCdr, Part, read_cdr

# Answered; hung up in the menu; hung up by the caller; one phone did not answer, the next did.
OURS = """\
"2026-11-28 10:14:20","2026-11-28 10:14:20","2026-11-28 10:14:24","13800138001","s","hotline-call","PJSIP/carrier-00000000","PJSIP/1003-00000001","Dial","3","3","ANSWERED","1795860860.0","1795860860.0","tv_spot"
"2026-11-28 10:14:24","2026-11-28 10:14:24","2026-11-28 10:14:24","13800138001","s","hotline-call","PJSIP/carrier-00000000","","Hangup","0","0","ANSWERED","1795860860.0","1795860860.0","tv_spot"
"2026-11-28 10:14:24","2026-11-28 10:14:24","2026-11-28 10:14:25","13800138002","s","hotline-call","PJSIP/carrier-00000002","","MSet","1","1","ANSWERED","1795860864.2","1795860864.2","tv_spot"
"2026-11-28 10:14:25","2026-11-28 10:14:25","2026-11-28 10:14:28","13800138003","s","hotline-call","PJSIP/carrier-00000003","PJSIP/1003-00000004","Dial","2","2","ANSWERED","1795860865.3","1795860865.3","tv_spot"
"2026-11-28 10:14:28","2026-11-28 10:14:28","2026-11-28 10:14:44","13800138004","s","hotline-call","PJSIP/carrier-00000005","PJSIP/1001-00000006","Dial","16","16","NO ANSWER","1795860868.5","1795860868.5","tv_spot"
"2026-11-28 10:14:44","2026-11-28 10:14:44","2026-11-28 10:14:47","13800138004","s","hotline-call","PJSIP/carrier-00000005","PJSIP/1003-00000007","Dial","3","3","ANSWERED","1795860868.5","1795860868.5","tv_spot"
"2026-11-28 10:14:47","2026-11-28 10:14:47","2026-11-28 10:14:47","13800138004","s","hotline-call","PJSIP/carrier-00000005","","Hangup","0","0","ANSWERED","1795860868.5","1795860868.5","tv_spot"
"2026-11-28 10:15:00","2026-11-28 10:15:00","2026-11-28 10:15:04","1003","*35","hotline-desk","PJSIP/1003-00000008","","AGI","4","4","ANSWERED","1795860900.8","1795860900.8",""
"""  # noqa: E501


def ours(
    start: datetime,
    duration: int,
    uniqueid: str,
    *,
    peer: str = "",
    said: str = "ANSWERED",
    answer: datetime | None = None,
) -> str:
    begin, dst = f"{start:%Y-%m-%d %H:%M:%S}", f"PJSIP/{peer}-0000000a" if peer else ""
    picked = f"{answer or start:%Y-%m-%d %H:%M:%S}"
    cells = [begin, picked, "", "13800138001", "s", "hotline-call", "PJSIP/carrier-00000000", dst, "Dial"]
    cells += [str(duration), str(duration), said, uniqueid, uniqueid, "tv_spot"]
    return ",".join(f'"{cell}"' for cell in cells)


def test_the_calls_in_our_own_file() -> None:
    found = read_cdr(OURS.splitlines(keepends=True))
    assert (found.lines, found.strange) == (8, 0)
    assert [call.ani for call in found.calls.values()] == [f"1380013800{n}" for n in (1, 2, 3, 4)]
    talked, menu, left, second = found.calls.values()
    assert (talked.started_at, talked.ended_at) == (1795860860.0, 1795860864.0)
    assert talked.source == "tv_spot"
    assert talked.conversation == Part(1795860860.0, 1795860863.0, "Dial", True, "1003", True, None)
    assert (menu.conversation, menu.was_dialled) == (None, False)
    assert left.conversation is not None
    assert second.conversation is not None
    assert (second.conversation.peer, second.conversation.begun_at) == ("1003", 1795860884.0)
    assert len(second.parts) == 3


def test_a_pickup_after_which_the_caller_waited_on_was_no_conversation() -> None:
    """An agent hung up during the whisper, and the caller gave up later."""
    at = datetime(2026, 11, 28, 10, 0)  # noqa: DTZ001
    uniqueid = f"{int(at.replace(tzinfo=UTC).timestamp())}.1"
    lines = [ours(at, 9, uniqueid, peer="1003"), ours(at + timedelta(seconds=9), 30, uniqueid)]
    [call] = read_cdr(lines).calls.values()
    assert call.conversation is None
    assert call.was_dialled


def test_where_the_pickup_answered_the_caller_the_record_has_its_instant() -> None:
    at = datetime(2026, 11, 28, 10, 0)  # noqa: DTZ001
    uniqueid = f"{int(at.replace(tzinfo=UTC).timestamp())}.1"
    [call] = read_cdr([ours(at, 30, uniqueid, peer="1003", answer=at + timedelta(seconds=10))]).calls.values()
    talk = call.conversation
    assert talk is not None
    assert talk.answered_at is not None
    assert talk.ended_at - talk.answered_at == 20.0


@given(
    zone=st.integers(-48, 56).map(lambda quarter: timezone(timedelta(minutes=15 * quarter))),
    born=st.integers(1_000_000_000, 2_000_000_000),
    late=st.integers(-1, 800),
)
def test_whatever_zone_that_asterisk_has(zone: timezone, born: int, late: int) -> None:
    """Also for the later parts of a long call."""
    first = datetime.fromtimestamp(born + late, zone)
    lines = [ours(first, 10, f"pbx-{born}.7"), ours(first + timedelta(hours=5), 60, f"pbx-{born}.7")]
    [call] = read_cdr(lines).calls.values()
    assert (call.started_at, call.ended_at) == (born + late, born + late + 5 * 3600 + 60)


def master(**cells: str) -> str:
    usual = dict.fromkeys(MASTER, "") | {
        "src": "13800138001",
        "dst": "4008001001",
        "context": "from-trunk",
        "channel": "PJSIP/carrier-1",
        "start": "2026-11-28 18:14:20",
        "answer": "2026-11-28 18:14:22",
        "end": "2026-11-28 18:14:30",
        "duration": "10",
        "billsec": "8",
        "disposition": "ANSWERED",
        "uniqueid": "1795860860.0",
    }
    return ",".join(f'"{cell}"' for cell in (usual | cells).values())


def test_the_classic_file() -> None:
    line = master(dstchannel="PJSIP/1003-00000001", app="Dial", clid='""Wang"" <13800138001>')
    [call] = read_cdr([line, line.rpartition(",")[0]]).calls.values()  # with and without userfield
    assert (call.dnis, call.ani, call.started_at, call.ended_at) == (
        "4008001001",
        "13800138001",
        1795860860,
        1795860870,
    )
    assert call.conversation is not None
    assert call.conversation.answered_at == 1795860862


def test_a_classic_file_without_uniqueids_is_refused_with_what_to_do() -> None:
    with pytest.raises(NoCdr, match="loguniqueid=yes"):
        read_cdr([master().rsplit(",", 2)[0]])


def test_another_file_is_refused() -> None:
    with pytest.raises(NoCdr, match="line 1 has 3 columns"):
        read_cdr(["a,b,c"])


@pytest.mark.parametrize(
    "cells", [{"start": ""}, {"start": "yesterday"}, {"uniqueid": "asterisk"}, {"duration": "long"}, {"answer": "?"}]
)
def test_a_line_that_cannot_be_read_is_counted_and_the_rest_goes_on(cells: dict[str, str]) -> None:
    found = read_cdr([master(**cells), master(uniqueid="1795860860.9"), "\0"])
    assert (found.strange, len(found.calls)) == (1, 1)


@given(st.text(max_size=60))
def test_whatever_stands_in_a_line(text: str) -> None:
    with suppress(NoCdr):
        read_cdr([text])


def test_a_call_that_no_engine_named_has_the_name_that_the_fail_open_script_gives_it() -> None:
    [call] = read_cdr([master()]).calls.values()
    assert call.call_id == call_id_of("1795860860.0")
