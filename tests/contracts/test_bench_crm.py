"""`hotline bench crm` in small: it runs, and what it says of calls that are there exactly once is so. No times."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from bench.__main__ import main
from bench.crm.calls import take_call
from bench.crm.databases import KINDS
from bench.crm.kills import rightness
from crm_bridge.journal import Journal
from crm_bridge.models import call_events, calls, legs
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore

_REPORTS = ("crm outcomes", "crm exactly once", "crm visible", "crm import", "crm look-up")


def test_every_part_measures_both_databases(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["crm", "-n", "60", "--customers", "60", "--json"]) in (0, 1)
    found = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    assert tuple(report["bench"] for report in found) == _REPORTS
    for report in found:
        assert all(any(kind in peer for peer in report["peers"]) for kind in KINDS)
        assert report["ratios"]
    once = found[1]
    assert [once["peers"][kind]["mean"] for kind in KINDS] == [1.0, 1.0]
    assert [once["peers"][kind]["n"] for kind in KINDS] == [24, 24]


def test_a_part_can_be_chosen(capfd: pytest.CaptureFixture[str]) -> None:
    main(["crm", "-n", "60", "--only", "import", "--json"])
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    assert [json.loads(line)["bench"] for line in lines] == ["crm import"]


def test_a_part_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["crm", "--only", "speed"])
    assert "invalid choice: 'speed'" in capsys.readouterr().err


async def test_a_call_that_lacks_something_is_not_right(store: CrmStore, tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "journal.db")
    for nr in range(5):
        await take_call(journal, nr)
    assert await Relay(journal, store).once() == 45
    await journal.close()
    assert await store.read(partial(rightness, count=5)) == [1.0] * 5
    last = (call_events.c.call_id == "bench-1", call_events.c.kind == "outcome")
    await store.write(lambda connection: connection.execute(delete(call_events).where(*last)))
    await store.write(lambda connection: connection.execute(delete(legs).where(legs.c.call_id == "bench-3")))
    lost = update(calls).where(calls.c.call_id == "bench-4").values(outcome=None)
    await store.write(lambda connection: connection.execute(lost))
    assert await store.read(partial(rightness, count=6)) == [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
