"""The event log on disk: nothing torn is read, nothing old is kept, and who begins to read knows how things stood."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from acd.event_log import EventLog, decoded, encoded, read
from acd.events import AcdEvent, EventKind

DAY_S = 86400.0
NOON = 20_000 * DAY_S + DAY_S / 2


def event(at: float, call_id: str = "c1", kind: EventKind = EventKind.QUEUED) -> AcdEvent:
    return AcdEvent(kind, at, call_id, queue="销售", fields={"priority": 1})


def test_an_event_is_read_as_it_was_written() -> None:
    whole = AcdEvent(EventKind.OFFERED, 1.25, "c", "1001", "销售", {"token": "a|b\n", "step": 2, "kept_for": None})
    assert decoded(encoded(whole).decode()) == whole
    assert encoded(whole).count(b"\n") == 1


@pytest.mark.parametrize(
    "line", ["", "{", '{"at":1}', '{"at":"x","kind":"queued"}', '{"at":1,"kind":"new_kind"}', "[]"]
)
def test_what_is_no_event_is_passed_over(line: str) -> None:
    assert decoded(line) is None


def test_a_torn_line_harms_no_other(tmp_path: Path) -> None:
    first = EventLog(tmp_path, 10)
    first.append(event(NOON))
    first.close()
    (file,) = tmp_path.iterdir()
    with file.open("ab") as torn:
        torn.write(encoded(event(NOON + 1))[:-20])
    second = EventLog(tmp_path, 10)
    second.append(event(NOON + 2))
    assert [one.at for one in read(tmp_path, 0, NOON * 2)] == [NOON, NOON + 2]


def test_each_day_has_its_file_and_old_ones_go(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text("mine")
    log = EventLog(tmp_path, 2)
    for day in range(5):
        log.append(event(NOON + day * DAY_S))
    assert len(list(tmp_path.iterdir())) == 3 + 1
    assert [one.at for one in read(tmp_path, 0, NOON * 2)] == [NOON + day * DAY_S for day in (2, 3, 4)]


def test_reading_begins_with_the_setup_before(tmp_path: Path) -> None:
    log = EventLog(tmp_path, 100)
    for day, kind in enumerate([EventKind.SETUP, EventKind.SETUP, EventKind.QUEUED, EventKind.QUEUED, EventKind.SETUP]):
        log.append(event(NOON + day * DAY_S, kind=kind))
    days = [(one.at - NOON) / DAY_S for one in read(tmp_path, NOON + 3 * DAY_S - 60, NOON + 4 * DAY_S)]
    assert days == [1, 2, 3]  # not the first setup, and not what is at the end


def test_a_disk_that_refuses_costs_events_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog(tmp_path, 10)
    log.append(event(NOON))
    whole = os.write
    monkeypatch.setattr(os, "write", lambda file, line: whole(file, line[:7]))
    log.append(event(NOON + 1))
    monkeypatch.setattr(os, "write", whole)
    log.append(event(NOON + 2))
    assert log.lost == 1
    assert [one.at for one in read(tmp_path, 0, NOON * 2)] == [NOON, NOON + 2]
