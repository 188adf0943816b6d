"""`hotline person export | erase` on a site's own folder, with no engine there. What is theirs, and what is left, is in
`tests/contracts/test_persons.py`."""

from __future__ import annotations

import asyncio
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from crm_bridge.entry import Entry
from crm_bridge.journal import Journal
from crm_bridge.migrating import migrate
from crm_bridge.models import customer_numbers, customers
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore
from hotline.cli import app
from hotline.persons.wishes import open_wishes
from hotline.settings import SiteFolders
from hotline.site.init import init_site

NUMBER = "13800138009"  # in no book of the sample site


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    """A site that was called once, long ago."""
    init_site(tmp_path / "site")
    made = SiteFolders((tmp_path / "site").absolute())
    asyncio.run(_call(made, "c1", 1000.0, "outcome"))
    return made


async def _call(folders: SiteFolders, call_id: str, at: float, *more: str) -> None:
    folders.var.mkdir(exist_ok=True)
    await migrate(folders.crm_url)
    journal, store = await Journal.open(folders.journal), CrmStore(folders.crm_url)
    await journal.append(Entry(call_id, "call_started", at, {"ani": NUMBER, "name": "Wang"}))
    for kind in more:
        await journal.append(Entry(call_id, kind, at + 1, {"outcome": "answered"}))
    relay = Relay(journal, store)
    while await relay.once():
        pass
    await journal.close()
    await store.close()


def hotline(folders: SiteFolders, *words: object, said: str = "") -> Any:
    asked = ["person", *(str(word) for word in words), "--site", str(folders.site)]
    return CliRunner().invoke(app, asked, input=said, env={"COLUMNS": "200"})


def test_export(folders: SiteFolders, tmp_path: Path) -> None:
    out = tmp_path / "p.zip"
    told = hotline(folders, "export", "+86 138 0013 8009", "--to", out)
    assert told.exit_code == 0, told.output
    assert "2 entries" in told.output
    with zipfile.ZipFile(out) as archive:
        assert [row["call_id"] for row in json.loads(archive.read("person.json"))["crm"]["calls"]] == ["c1"]
    again = hotline(folders, "export", NUMBER, "--to", out)
    assert (again.exit_code, "there already" in again.output) == (1, True)


def test_erase_asks_first_and_says_what_it_does_not_reach(folders: SiteFolders) -> None:
    refused = hotline(folders, "erase", NUMBER, said="n\n")
    assert refused.exit_code == 1
    assert f"+86{NUMBER}: 1 customers, 1 calls" in refused.output
    told = hotline(folders, "erase", NUMBER, said="y\n")
    assert told.exit_code == 0, told.output
    assert "not reached: 0 backups in" in told.output
    assert list(open_wishes(folders)) == []
    gone = hotline(folders, "erase", NUMBER, said="n\n")
    assert "we know no customer and no call" in gone.output


def test_with_a_call_open_it_is_written_down_once(folders: SiteFolders) -> None:
    asyncio.run(_call(folders, "c2", time.time()))
    for _ in range(2):
        told = hotline(folders, "erase", NUMBER, "--yes")
        assert told.exit_code == 0, told.output
        assert "not yet: a call of theirs goes on. It is written down" in told.output
    assert [wish.numbers for _, wish in open_wishes(folders)] == [(f"+86{NUMBER}",)]


def test_what_is_no_number(folders: SiteFolders) -> None:
    told = hotline(folders, "erase", "anonymous", "--yes")
    assert (told.exit_code, "is no telephone number" in told.output) == (2, True)


def test_where_nobody_is_known_and_where_somebody_was_only_imported(tmp_path: Path) -> None:
    init_site(tmp_path / "new")
    folders = SiteFolders((tmp_path / "new").absolute())
    told = hotline(folders, "export", NUMBER)
    assert (told.exit_code, "nobody is known" in told.output) == (1, True)
    folders.var.mkdir(exist_ok=True)
    asyncio.run(migrate(folders.crm_url))
    asyncio.run(_import(folders.crm_url))
    told = hotline(folders, "erase", NUMBER, "--yes")
    assert told.exit_code == 0, told.output
    assert "1 customer_numbers, 1 customers" in told.output


async def _import(url: str) -> None:
    store = CrmStore(url)
    somebody = {"id": 1, "name": "Wang", "first_source": "", "first_campaign": ""}
    await store.write(lambda connection: connection.execute(insert(customers).values(somebody)))
    owned = {"e164": f"+86{NUMBER}", "customer_id": 1}
    await store.write(lambda connection: connection.execute(insert(customer_numbers).values(owned)))
    await store.close()
