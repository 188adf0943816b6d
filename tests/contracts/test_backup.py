"""Backup and restore: of either kind of database into either kind; proved first, whole or not at all, beside a relay
that goes on."""

from __future__ import annotations

import asyncio
import io
import json
import multiprocessing
import os
import random
import sqlite3
import stat
import tarfile
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from bench.postgresql import PostgresServer
from crm_bridge import relay as relaying
from crm_bridge.backup import form, swapping, writing
from crm_bridge.backup.form import BadBackup
from crm_bridge.backup.reading import open_backup, verified
from crm_bridge.backup.staging import build, deliver_left
from crm_bridge.backup.swapping import swap_in
from crm_bridge.backup.writing import write_backup
from crm_bridge.database import plain_engine
from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.migrating import migrate
from crm_bridge.models import call_events, calls, customers
from crm_bridge.redelivery import deliver_again
from crm_bridge.relay import Relay
from crm_bridge.rules import CrmRules
from crm_bridge.store import CrmStore, sqlite_url
from tests.contracts.test_migrations import REVISIONS, read, run, write
from tests.servers.full_store import counts, everything, fill

AT = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)


@pytest.fixture
def new_store(
    postgresql: PostgresServer, postgresql_template: str, sqlite_template: Path, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """Makes a store of the kind that it is told: all tables, no rows."""
    made: list[str] = []

    def new(kind: str) -> str:
        if kind == "sqlite":
            file = tmp_path / f"store{len(list(tmp_path.glob('store*.db')))}.db"
            file.write_bytes(sqlite_template.read_bytes())
            return sqlite_url(file)
        made.append(postgresql.database(postgresql_template))
        return postgresql.url(made[-1])

    yield new
    for name in made:
        postgresql.drop(name)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(tmp_path / "journal.db")
    yield opened
    await opened.close()


def backup(url: str, out: Path, journal: Path | None = None) -> Path:
    write_backup(url, journal, out, site="Sample", at=AT)
    return out


def restore(file: Path, url: str, room: Path) -> None:
    built = room / f"built{len(list(room.glob('built*')))}.db"
    with open_backup(file) as archive:
        archive.verify()
        build(archive, built)
    swap_in(built, url, busy_s=5.0)


# --- there and back


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
@pytest.mark.parametrize("of", ["sqlite", "postgresql"])
def test_every_row_of_every_table_is_carried(new_store: Callable[[str], str], tmp_path: Path, of: str, to: str) -> None:
    source, target = new_store(of), new_store(to)
    fill(source)
    fill(target, each=2)  # which must go
    restore(backup(source, tmp_path / "b.tar"), target, tmp_path)
    assert everything(target) == everything(source)


def test_both_kinds_write_the_same_lines(new_store: Callable[[str], str], tmp_path: Path) -> None:
    files = []
    for kind in ("sqlite", "postgresql"):
        url = new_store(kind)
        fill(url)
        files.append(backup(url, tmp_path / f"{kind}.tar"))
    assert verified(files[0]).tables == verified(files[1]).tables


def test_ids_go_on_behind_those_that_were_restored(new_store: Callable[[str], str], tmp_path: Path) -> None:
    source, target = new_store("sqlite"), new_store("postgresql")
    fill(source)
    restore(backup(source, tmp_path / "b.tar"), target, tmp_path)
    engine = plain_engine(target)
    with engine.begin() as connection:
        row = {"name": "x", "first_source": "", "first_campaign": ""}
        new = connection.execute(insert(customers).values(row).returning(customers.c.id)).scalar_one()
    engine.dispose()
    assert new == 61


@pytest.mark.parametrize("revision", REVISIONS[:-1])
async def test_a_backup_of_an_older_version_is_what_its_store_would_have_become(
    empty_url: str, new_crm: Callable[[], str], tmp_path: Path, revision: str
) -> None:
    await migrate(empty_url, revision)
    await run(empty_url, lambda connection: write(connection, revision))
    file = backup(empty_url, tmp_path / "b.tar")
    assert verified(file).revision == revision
    await migrate(empty_url)
    target = new_crm()
    restore(file, target, tmp_path)
    assert await run(target, read) == await run(empty_url, read)


# --- the file


def test_the_file_is_private_and_named_only_when_it_is_whole(
    crm_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(crm_url)
    folder = tmp_path / "backups"
    folder.mkdir()
    assert stat.S_IMODE(backup(crm_url, folder / "b.tar").stat().st_mode) == 0o600

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "_add", full)
    with pytest.raises(OSError, match="No space"):
        backup(crm_url, folder / "c.tar")
    assert [path.name for path in folder.iterdir()] == ["b.tar"]


def test_it_is_one_moment_however_long_it_takes(crm_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(crm_url)
    before, add = everything(crm_url), writing._add_table

    def and_meanwhile(tar: Any, connection: Any, table: Any, *rest: Any) -> Any:
        engine = plain_engine(crm_url, busy_s=1.0)
        with engine.begin() as writer:
            writer.execute(text("UPDATE calls SET dnis = 'later'"))
            writer.execute(text("DELETE FROM surveys"))
        engine.dispose()
        return add(tar, connection, table, *rest)

    monkeypatch.setattr(writing, "_add_table", and_meanwhile)
    file = backup(crm_url, tmp_path / "b.tar")
    assert everything(crm_url) != before
    restore(file, crm_url, tmp_path)
    assert everything(crm_url) == before


def test_it_is_not_held_in_memory(new_store: Callable[[str], str], tmp_path: Path) -> None:
    peaks = []
    for rows in (1_000, 40_000):
        url = new_store("sqlite")
        engine = plain_engine(url)
        with engine.begin() as connection:
            for begin in range(0, rows, 1000):
                fresh = [
                    {"call_id": f"c{nr}", "seq": nr, "kind": "node", "at": AT, "fields": {"name": "x" * 200}}
                    for nr in range(begin, begin + 1000)
                ]
                connection.execute(insert(call_events), fresh)
        engine.dispose()
        tracemalloc.start()
        restore(backup(url, tmp_path / f"b{rows}.tar"), url, tmp_path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 8 * 1024 * 1024, peaks  # the rows alone are 20 MB


@pytest.fixture
def sound(sqlite_template: Path, tmp_path: Path) -> Path:
    url = sqlite_url(tmp_path / "sound.db")
    (tmp_path / "sound.db").write_bytes(sqlite_template.read_bytes())
    fill(url)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t (x)")
    return backup(url, tmp_path / "sound.tar", other)


def test_a_byte_that_is_another_is_found_or_means_nothing(sound: Path, tmp_path: Path) -> None:
    """Each place that is not padding: in a name, a header, a row, the manifest."""
    whole, told, dice = sound.read_bytes(), verified(sound), random.Random(7)
    damaged = tmp_path / "damaged.tar"
    found = 0
    for place in [*range(0, 700, 13), *(dice.randrange(len(whole)) for _ in range(400))]:
        content = bytearray(whole)
        content[place] ^= 1 << dice.randrange(8)
        damaged.write_bytes(content)
        try:
            assert verified(damaged) == told
        except BadBackup:
            found += 1
    assert found > 100


def test_a_file_that_was_cut_is_found(sound: Path, tmp_path: Path) -> None:
    whole = sound.read_bytes()
    cut = tmp_path / "cut.tar"
    with tarfile.open(sound) as tar:
        manifest = tar.getmember(form.MANIFEST)
    end = manifest.offset_data + manifest.size
    for length in [*range(0, end, end // 150), end - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(BadBackup):
            verified(cut)


def rewritten(sound: Path, out: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """With another manifest, and the right hash for it."""
    with tarfile.open(sound) as tar, tarfile.open(out, "w") as new:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name == form.MANIFEST:
                body = json.loads(data)["manifest"]
                change(body)
                data = json.dumps({"manifest": body, "sha256": form._hash_of(body)}).encode()
                member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda body: body.update(product="mail"), "another program's"),
        (lambda body: body.update(format=2), "format 2.*update hotline first"),
        (lambda body: body.update(revision="0999"), "revision 0999.*newer.*update hotline"),
        (lambda body: body["tables"].pop("calls"), "does not hold what its manifest names"),
        (lambda body: body["tables"]["calls"].update(rows=7), "calls is not what was written"),
        (lambda body: body["tables"]["calls"].update(sha256="0"), "calls is not what was written"),
        (lambda body: body.update(journal_sha256="0" * 64), "journal in it is not what was written"),
        (lambda body: body.pop("site"), "lacks something"),
    ],
)
def test_what_is_foreign_or_newer_is_refused(sound: Path, tmp_path: Path, change: Any, says: str) -> None:
    with pytest.raises(BadBackup, match=says):
        verified(rewritten(sound, tmp_path / "other.tar", change))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", b"\0" * 20_000, b"x" * 20_000])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "b.tar"
    file.write_bytes(content)
    with pytest.raises(BadBackup):
        verified(file)


def test_rows_that_do_not_fit_their_table_are_refused_before_anything_is_touched(
    sound: Path, crm_url: str, tmp_path: Path
) -> None:
    fill(crm_url, each=2)
    before = everything(crm_url)
    strange = rewritten(sound, tmp_path / "x.tar", lambda body: body["tables"]["calls"]["columns"].__setitem__(0, "zz"))
    with pytest.raises(BadBackup, match="rows of calls do not fit"):
        restore(strange, crm_url, tmp_path)
    assert everything(crm_url) == before


def test_there_is_nothing_to_back_up_without_tables(empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(BadBackup, match="nothing to back up"):
        backup(empty_url, tmp_path / "b.tar")
    assert not list(tmp_path.glob("*b.tar*"))


# --- the swap


def built_with(new_crm: Callable[[], str], tmp_path: Path, each: int) -> Path:
    url = new_crm()
    fill(url, each)
    built = tmp_path / f"built-{each}.db"
    with open_backup(backup(url, tmp_path / f"{each}.tar")) as archive:
        build(archive, built)
    return built


def test_who_reads_meanwhile_sees_the_old_content_or_the_new(new_crm: Callable[[], str], tmp_path: Path) -> None:
    url = new_crm()
    fill(url, 40)
    built = built_with(new_crm, tmp_path, 300)
    seen: set[tuple[int, int]] = set()
    faults: list[Exception] = []
    over = threading.Event()

    def look() -> None:
        engine = plain_engine(url, reading=True)
        query = [select(func.count()).select_from(table) for table in (calls, customers)]
        while not over.is_set():
            try:
                with engine.connect() as connection:
                    if engine.dialect.name == "postgresql":
                        connection = connection.execution_options(isolation_level="REPEATABLE READ")
                    seen.add((connection.execute(query[0]).scalar_one(), connection.execute(query[1]).scalar_one()))
            except SQLAlchemyError as error:
                faults.append(error)
        engine.dispose()

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(3):
        swap_in(built, url)
    over.set()
    for reader in readers:
        reader.join()
    assert seen <= {(40, 40), (300, 300)}
    assert (300, 300) in seen
    assert faults == []


def test_who_is_killed_in_the_midst_of_it_leaves_the_old_content_or_the_new(
    new_crm: Callable[[], str], tmp_path: Path
) -> None:
    url, dice = new_crm(), random.Random(3)
    fill(url, 30)
    built = built_with(new_crm, tmp_path, 400)
    old, new = counts(url), counts(sqlite_url(built))
    for _ in range(10):
        swapper = multiprocessing.get_context("fork").Process(target=swap_in, args=(built, url))
        swapper.start()
        time.sleep(dice.uniform(0.0, 0.3))
        swapper.kill()
        swapper.join()
        assert counts(url) in (old, new)
    swap_in(built, url)
    assert counts(url) == new


def test_a_store_that_somebody_writes_into_for_long_is_left_as_it_is(
    new_crm: Callable[[], str], tmp_path: Path, sqlite_template: Path
) -> None:
    url = new_crm()
    fill(url, 2)
    built = built_with(new_crm, tmp_path, 3)
    before = everything(url)
    engine = plain_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE calls SET dnis = 'x'"))
        with pytest.raises(swapping.SwapFailed, match="try again"):
            swap_in(built, url, busy_s=0.3)
        connection.rollback()
    engine.dispose()
    assert everything(url) == before
    swap_in(built, url)
    assert counts(url) == counts(sqlite_url(built))


async def test_the_store_of_a_newer_version_is_left_as_it_is(new_crm: Callable[[], str], tmp_path: Path) -> None:
    url, built = new_crm(), built_with(new_crm, tmp_path, 3)
    await run(url, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '0999'")))
    with pytest.raises(swapping.SwapFailed, match="0999"):
        swap_in(built, url)


async def test_others_may_still_read_what_they_could_read(
    postgresql: PostgresServer, new_store: Callable[[str], str], tmp_path: Path
) -> None:
    url, source = new_store("postgresql"), new_store("sqlite")
    fill(source)
    role = f"reporter_{os.getpid()}"
    name = url.rpartition("/")[2]
    postgresql.run(f"CREATE ROLE {role}")
    postgresql.run(f"GRANT SELECT ON calls TO {role}; GRANT UPDATE ON orders TO PUBLIC", name)
    restore(backup(source, tmp_path / "b.tar"), url, tmp_path)
    query = "SELECT has_table_privilege(:role, :table, :what)"
    wanted = {("calls", "SELECT"): True, ("calls", "UPDATE"): False, ("orders", "UPDATE"): True}
    for (table, what), may in wanted.items():
        told = {"role": role, "table": table, "what": what}
        assert await run(url, lambda c, told=told: c.execute(text(query), told).scalar()) is may
    postgresql.run(f"DROP OWNED BY {role}; DROP ROLE {role}", name)


async def test_a_view_of_the_admins_shows_the_new_rows(new_store: Callable[[str], str], tmp_path: Path) -> None:
    url, source = new_store("postgresql"), new_store("sqlite")
    fill(source)
    await run(url, lambda connection: connection.execute(text("CREATE VIEW mine AS SELECT count(*) FROM calls")))
    restore(backup(source, tmp_path / "b.tar"), url, tmp_path)
    assert await run(url, lambda connection: connection.execute(text("SELECT * FROM mine")).scalar()) == 6


@pytest.mark.parametrize("revision", [None, *REVISIONS[:-1]])
async def test_a_store_of_other_tables_gets_ours(
    empty_url: str, new_store: Callable[[str], str], tmp_path: Path, revision: str | None
) -> None:
    if revision is not None:
        await migrate(empty_url, revision)
        await run(empty_url, lambda connection: write(connection, revision))
    source = new_store("sqlite")
    fill(source)
    restore(backup(source, tmp_path / "b.tar"), empty_url, tmp_path)
    assert everything(empty_url) == everything(source)


# --- with the journal


def call(nr: int) -> list[Entry]:
    at = 1_790_000_000.0 + nr
    number = f"138{nr % 50:08d}"
    return [
        Entry(f"c{nr}", "call_started", at, {"ani": number, "dnis": "4008001001", "source": "tv", "campaign": "x"}),
        Entry(f"c{nr}", "language", at + 1, {"language": "en"}),
        Entry(f"c{nr}", "callback", at + 2, {"number": number, "queue": "sales"}),
        Entry(f"c{nr}", "outcome", at + 3, {"outcome": "callback", "ended_at": at + 3, "queue": "sales"}),
    ]


async def append(journal: Journal, numbers: range) -> None:
    for nr in numbers:
        await asyncio.gather(*(journal.append(entry) for entry in call(nr)))


async def relayed(journal: Journal, url: str) -> None:
    store = CrmStore(url)
    moving = Relay(journal, store, batch=37)
    while await moving.once():
        pass
    await store.close()


async def test_last_nights_backup_loses_nothing_that_the_journal_still_has(
    new_crm: Callable[[], str], tmp_path: Path, journal: Journal
) -> None:
    url = new_crm()
    await append(journal, range(20))
    await relayed(journal, url)
    file = backup(url, tmp_path / "b.tar", journal.path)
    await append(journal, range(20, 60))
    await relayed(journal, url)
    lived = everything(url)
    restore(file, url, tmp_path)
    assert len(everything(url)["calls"]) == 20
    assert await deliver_again(journal) == 240
    await relayed(journal, url)
    assert everything(url) == lived


async def test_what_the_journal_had_not_delivered_yet_is_in_a_restored_store(
    new_crm: Callable[[], str], tmp_path: Path, journal: Journal
) -> None:
    """On another machine, say, which has no journal of its own; a bad entry stops none of the rest."""
    url, other = new_crm(), new_crm()
    await append(journal, range(5))
    await relayed(journal, url)
    await append(journal, range(5, 9))
    await journal.append(Entry("c9", "outcome", 1e18, {"outcome": "answered"}))
    await append(journal, range(10, 12))
    file = backup(url, tmp_path / "b.tar", journal.path)
    built, copy = tmp_path / "built.db", tmp_path / "copy.db"
    with open_backup(file) as archive:
        build(archive, built)
        with copy.open("wb") as out:
            archive.copy_journal(out)
    assert deliver_left(copy, built, "CN", CrmRules()) == 24
    assert deliver_left(copy, built, "CN", CrmRules()) == 24  # again is harmless
    swap_in(built, other)
    await relayed(journal, url)
    assert everything(other) == everything(url)
    assert {row["outcome"] for row in everything(other)["calls"]} == {"callback"}


async def test_a_relay_goes_on_beside_it(
    new_crm: Callable[[], str], tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls come in all the while; in the end each has its one row."""
    monkeypatch.setattr(relaying, "FIRST_RETRY_S", 0.01)
    url = new_crm()
    await append(journal, range(30))
    store = CrmStore(url, busy_s=0.2)
    moving = Relay(journal, store, linger_s=0.0, between_s=0.0)
    running = asyncio.create_task(moving.run())
    assert await moving.drain(20.0)
    file = backup(url, tmp_path / "b.tar", journal.path)
    calling = asyncio.create_task(append(journal, range(30, 90)))
    await asyncio.to_thread(restore, file, url, tmp_path)
    await deliver_again(journal)
    await calling
    assert await moving.drain(30.0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()
    found = everything(url)
    assert sorted(row["call_id"] for row in found["calls"]) == sorted(f"c{nr}" for nr in range(90))
    assert {row["outcome"] for row in found["calls"]} == {"callback"}
    assert len(found["tasks"]) == 90
    assert len(found["call_events"]) == 360
    assert (await journal.backlog()).parked == 0
