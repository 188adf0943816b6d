"""The engine's work beside the calls, on a site's own folder and by a clock."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.migrating import migrate
from crm_bridge.store import CrmStore
from hotline.housekeeping import Housekeeping, due, until
from hotline.log_files import log_files, put_by, remove_old
from hotline.restoring import due as restore_due
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.problem import SiteError
from hotline.site.site import Keep

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 6, 1, 12, tzinfo=SHANGHAI)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.mark.parametrize(
    ("last", "now", "is_due"),
    [
        (None, NOON, True),
        (NOON, NOON + timedelta(hours=10), False),
        (NOON, NOON + timedelta(hours=14, minutes=59), False),
        (NOON, NOON + timedelta(hours=15), True),
        (NOON + timedelta(hours=15), NOON + timedelta(hours=20), False),
        (NOON - timedelta(days=9), NOON, True),  # the site was off
        (NOON.astimezone(UTC), NOON + timedelta(hours=15), True),
    ],
)
def test_once_in_each_night_by_the_sites_clock(last: datetime | None, now: datetime, is_due: bool) -> None:
    assert due(last, now, SHANGHAI) is is_due


def test_days_before_there_were_any() -> None:
    assert until(Keep(calls_days=36500), NOON).calls == datetime(1970, 1, 1, tzinfo=UTC)
    assert until(Keep(surveys_days=2), NOON).surveys == NOON - timedelta(days=2)


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    init_site(tmp_path / "site")
    return SiteFolders(tmp_path / "site")


@pytest.fixture
async def journal(folders: SiteFolders) -> AsyncIterator[Journal]:
    opened = await Journal.open(folders.journal)
    yield opened
    await opened.close()


@pytest.fixture
async def store(folders: SiteFolders) -> AsyncIterator[CrmStore]:
    await migrate(folders.crm_url)
    opened = CrmStore(folders.crm_url)
    yield opened
    await opened.close()


def log_file(folders: SiteFolders, name: str, text: str) -> Path:
    file = folders.var / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def test_logs_are_put_by_while_somebody_writes(folders: SiteFolders) -> None:
    engine = log_file(folders, "log/engine.log", "one\n")
    records = log_file(folders, "asterisk/log/cdr-custom/calls.csv", "a,b\n")
    empty = log_file(folders, "log/asterisk.log", "")
    with engine.open("ab") as writer:
        assert put_by(folders, NOON.date()) == 2
        writer.write(b"two\n")
    assert engine.read_text() == "two\n"
    assert engine.with_name("engine.log.2026-06-01").read_text() == "one\n"
    assert not records.exists()
    assert records.with_name("calls.csv.2026-06-01").read_text() == "a,b\n"
    assert empty.exists()
    assert put_by(folders, NOON.date()) == 1  # again on the same day: nothing is lost
    assert engine.with_name("engine.log.2026-06-01").read_text() == "one\ntwo\n"


def test_only_what_was_put_by_is_removed_and_only_when_it_is_old(folders: SiteFolders) -> None:
    names = ("log/engine.log", "log/engine.log.2026-05-01", "log/engine.log.1", "asterisk/log/messages.log.2026-05-31")
    files = {name: log_file(folders, name, "x") for name in names}
    old = NOON.timestamp() - 10
    for name in names[:3]:
        os.utime(files[name], (old, old))
    assert remove_old(folders, NOON.timestamp()) == 2
    assert {path.name for path in log_files(folders)} == {"engine.log", "messages.log.2026-05-31"}


async def test_a_night(
    folders: SiteFolders, journal: Journal, store: CrmStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock(NOON)
    keeper = Housekeeping(load_site(folders.site), folders, journal, store, clock)
    message = log_file(folders, "voicemail/old.wav", "x")
    fresh = log_file(folders, "voicemail/new.wav", "x")
    log = log_file(folders, "log/engine.log", "yesterday\n")
    os.utime(message, (0, 0))
    await keeper.look()
    assert log.read_text() == "yesterday\n"  # what there is on the first day is of that day
    assert (message.exists(), fresh.exists()) == (False, True)
    assert "past their days and gone: 0 api_requests, 0 call_events, 0 calls" in caplog.text
    assert "1 message_files" in caplog.text
    caplog.clear()
    await keeper.look()
    assert "gone" not in caplog.text
    clock.now = NOON + timedelta(hours=16)
    await keeper.look()
    assert log.read_text() == ""
    assert log.with_name("engine.log.2026-06-01").read_text() == "yesterday\n"
    await Housekeeping(load_site(folders.site), folders, journal, store, clock).look()  # another engine, the same night
    assert caplog.text.count("gone") == 1


async def test_a_store_that_is_away_at_night_is_swept_later(
    folders: SiteFolders, journal: Journal, store: CrmStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock(NOON)
    keeper = Housekeeping(load_site(folders.site), folders, journal, store, clock)
    store.hold("away")
    running = asyncio.create_task(keeper.run(0.01))
    await _said(caplog, "housekeeping waits: away")
    store.release()
    clock.now += timedelta(minutes=11)
    await _said(caplog, "past their days and gone")
    running.cancel()


async def _said(caplog: pytest.LogCaptureFixture, text: str) -> None:
    async with asyncio.timeout(5.0):
        while text not in caplog.text:  # noqa: ASYNC110 (a log tells nobody)
            await asyncio.sleep(0.01)


async def test_a_restore_that_died_is_brought_to_its_end(
    folders: SiteFolders, journal: Journal, store: CrmStore
) -> None:
    seq = await journal.append(Entry("c1", "call_started", 1000.0))
    await journal.mark_relayed([seq])
    keeper = Housekeeping(load_site(folders.site), folders, journal, store, Clock(NOON))

    async def die() -> None:
        with restore_due(folders):
            await keeper.look()
            assert (await journal.backlog()).pending == 0  # somebody is at it
            raise RuntimeError("killed after the swap")

    with pytest.raises(RuntimeError):
        await die()
    await keeper.look()
    assert (await journal.backlog()).pending == 1
    assert not folders.redeliver.exists()


@pytest.mark.parametrize(
    ("keep", "says"),
    [
        ({"call_events_days": 500, "calls_days": 400}, "call_events_days is more than calls_days"),
        ({"call_events_days": 7, "journal_days": 7}, "journal_days must be less than call_events_days"),
        ({"logs_days": 0}, "keep.logs_days"),
        ({"mails_days": 3}, "keep.mails_days"),
    ],
)
def test_days_that_do_not_go_together(folders: SiteFolders, keep: dict[str, int], says: str) -> None:
    page = folders.site / "site.yaml"
    page.write_text(page.read_text() + f"\nkeep: {keep}\n", "utf-8")
    with pytest.raises(SiteError) as error:
        load_site(folders.site)
    assert says in str(error.value)


def test_days_as_the_site_says_them(folders: SiteFolders) -> None:
    page = folders.site / "site.yaml"
    page.write_text(page.read_text() + "\nkeep: {calls_days: 90, call_events_days: 30, journal_days: 3}\n", "utf-8")
    keep = load_site(folders.site).keep
    assert (keep.calls_days, keep.call_events_days, keep.journal_days, keep.events_days) == (90, 30, 3, 400)
