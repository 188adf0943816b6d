"""A person's rights: everything of theirs is found, told, and forgotten, in every file of the site and every row of the
store; and nothing of anybody else's is touched."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from inspect import iscoroutinefunction
from pathlib import Path
from pkgutil import resolve_name as resolve
from typing import Any

import pytest
from sqlalchemy import insert, select

from crm_bridge.entry import Entry, Json
from crm_bridge.journal import Journal
from crm_bridge.models import (
    api_requests,
    api_tokens,
    appointments,
    calls,
    changes,
    consents,
    customer_numbers,
    customers,
    dealers,
    do_not_call,
    households,
    interactions,
    leads,
    metadata,
    order_lines,
    orders,
    promises,
    quotes,
    shipments,
    tickets,
    work_items,
)
from crm_bridge.persons.spelling import NoNumber, Spellings, known_as
from crm_bridge.relay import Relay
from crm_bridge.store import CrmStore, StoreAway
from hotline.backups import back_up
from hotline.housekeeping import Housekeeping
from hotline.persons import files
from hotline.persons.erasing import InTheBooks, NotNow, Place, erase
from hotline.persons.exporting import export
from hotline.persons.wishes import Wish, open_wishes, write_down
from hotline.restoring import restore
from hotline.settings import SiteFolders
from hotline.site.init import init_site
from hotline.site.loading import load_site
from hotline.site.site import Site

T0 = 1_790_000_000.0
NOW = T0 + 86_400
DAY = date(2026, 9, 1)
AT = datetime.fromtimestamp(T0, UTC)
# 王芳 has two numbers; 李雷's differ from hers by a digit, before and behind.
HERS = ("13800138000", "01065550123")
HIS = ("13800138001", "138001380005")
NAME, HIS_NAME = "王芳芳", "李雷雷"
MAIL = "fang@example.com"
WISH = Wish((f"+86{HERS[0]}",), "cli:anna", "2026-09-22T10:00:00+00:00")
SPELT = [
    re.compile(rf"(?<![0-9])(?:(?:\+|00)?86|0)?{national}(?![0-9])".encode())
    for national in ("13800138000", "1065550123")
]


# --- the spellings


@pytest.mark.parametrize("text", ["+8613800138000", "008613800138000", "8613800138000", "13800138000", "013800138000"])
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    spellings = Spellings.of([known_as("13800138000", "CN")])
    for around in ("{}", "sip:{}@host", "x{}y", '"{}"', "{}\n"):
        assert spellings.blotted(around.format(text)) == around.format("*" * len(text))


@pytest.mark.parametrize("text", ["138001380001", "1380013800", "23800138000", "9913800138000", "1795860860.0"])
def test_a_longer_or_another_number_is_left_alone(text: str) -> None:
    assert Spellings.of(["+8613800138000"]).blotted(f"<{text}>") == f"<{text}>"


def test_numbers_without_a_country() -> None:
    assert known_as("12 345-678", "CN") == "12345678"
    with pytest.raises(NoNumber):
        known_as("anonymous", "CN")
    with pytest.raises(NoNumber):
        known_as("1001", "CN")


def test_values_in_json() -> None:
    spellings = Spellings.of(["+8613800138000"])
    told = {"a": ["x 13800138000"], "13800138000": 1, "n": 13800138000, "f": 1.5, "b": True}
    assert spellings.blotted_value(told) == {"a": ["x ***********"], "***********": 1, "n": None, "f": 1.5, "b": True}


# --- a site with two people in it


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    init_site(tmp_path / "site")
    (tmp_path / "site" / "crm.yaml").write_text("customers: {}\n")
    return SiteFolders((tmp_path / "site").absolute())


@pytest.fixture
def site(folders: SiteFolders, crm_url: str) -> Site:
    return replace(load_site(folders.site), crm_url=crm_url)


@pytest.fixture
async def journal(folders: SiteFolders) -> AsyncIterator[Journal]:
    opened = await Journal.open(folders.journal)
    yield opened
    await opened.close()


@pytest.fixture
async def crm(crm_url: str) -> AsyncIterator[CrmStore]:
    opened = CrmStore(crm_url)
    yield opened
    await opened.close()


@pytest.fixture
def place(site: Site, folders: SiteFolders, crm: CrmStore, journal: Journal) -> Place:
    return Place(site, folders, crm, journal, lambda: NOW, False, lambda: True)


async def relayed(journal: Journal, crm: CrmStore) -> None:
    moving = Relay(journal, crm)
    while await moving.once():
        pass


def call(call_id: str, number: str, name: str, at: float = T0) -> list[Entry]:
    def entry(kind: str, after: float, **fields: Json) -> Entry:
        return Entry(call_id, kind, at + after, fields)

    return [
        entry(
            "call_started", 0, ani=number, name=name, dnis="4008001001", source="tv", uniqueid=f"{int(at)}.{call_id}"
        ),
        entry("node", 1, name="ask", attributes=f"number={number};name={name}"),
        entry("voicemail", 2, box="sales", recording=f"{call_id}_vm", seconds=3, number=f"+86{number.lstrip('0')}"),
        entry("callback", 3, number=number, queue="sales", language="en"),
        entry("callback_state", 3, state="waiting", number=number, queue="sales"),
        entry("callback_state", 4, state="bridged"),
        entry("sms", 4, to=f"+86{number.lstrip('0')}", text=f"Dear {name}", sent=True),
        entry("survey", 5, service=5, comment=f"{call_id}_comment"),
        entry("recorded", 6, agent="1001", file=f"{call_id}_1"),
        entry("leg", 6, agent="1001", began_at=at, talked_s=20.5, queue="sales"),
        entry(
            "outcome", 9, outcome="answered", agent="1001", talked_s=20.5, waited_s=3.0, queue="sales", ended_at=at + 9
        ),
        entry("disposition", 12, agent="1001", code="lead"),
    ]


async def live_with_us(journal: Journal, crm: CrmStore, folders: SiteFolders) -> None:
    """All that calls, people and logs leave of the two."""
    for nr, (number, name) in enumerate([(HERS[0], NAME), (HERS[1], ""), (HIS[0], HIS_NAME)]):
        for entry in call(f"call{nr}", number, name, T0 + 100 * nr):
            await journal.append(entry)
    await journal.append(Entry("call2", "sms", T0 + 300, {"to": HIS[0], "text": f"ask your neighbour {HERS[0]}"}))
    await relayed(journal, crm)
    await crm.write(_rows)
    _write_files(folders)


def _rows(connection: Any) -> None:
    ids = {row.e164: row.customer_id for row in connection.execute(select(customer_numbers))}
    hers, his = ids[f"+86{HERS[0]}"], ids[f"+86{HIS[0]}"]
    also_hers = ids["+861065550123"]
    connection.execute(
        customer_numbers.update().where(customer_numbers.c.e164 == "+861065550123").values(customer_id=hers)
    )
    connection.execute(calls.update().where(calls.c.customer_id == also_hers).values(customer_id=hers))
    for name, id_, mail, house in ((NAME, hers, MAIL, "wang"), (HIS_NAME, his, "lei@example.com", "li")):
        connection.execute(insert(households).values(code=house, name=f"{name}家"))
        told = {"name": name, "email": mail, "household": house, "number": f"8{id_}", "tier": "gold", "company": "x"}
        connection.execute(customers.update().where(customers.c.id == id_).values(told))
        key = {"customer_id": id_}
        order = {"status": "paid", "amount": Decimal("9.90"), "currency": "CNY", "placed_on": DAY, "channel": "phone"}
        connection.execute(insert(orders).values(number=f"A{id_}", **key, **order))
        line = {"line": 1, "product": "p", "quantity": 1, "price": Decimal("9.90"), "amount": Decimal("9.90")}
        connection.execute(insert(order_lines).values(number=f"A{id_}", **line))
        parcel = {"carrier": "SF", "status": "packed", "place": f"{name}'s door"}
        connection.execute(insert(shipments).values(number=f"S{id_}", order_number=f"A{id_}", **parcel))
        made = {"status": "sent", "amount": Decimal(5), "currency": "CNY", "made_on": DAY}
        connection.execute(insert(quotes).values(number=f"Q{id_}", **key, **made))
        lead = {"ref": f"import:{mail}", "text": f"{name} wants", "state": "new", "opened_at": AT}
        connection.execute(insert(leads).values(**key, **lead))
        connection.execute(
            insert(promises).values(**key, ref=f"list:{name}", text=f"call {name}", due_on=DAY, keeper="1001")
        )
        connection.execute(
            insert(appointments).values(**key, at=AT, place=f"{name}'s home", purpose=name, state="planned")
        )
        ticket = {"number": f"T{id_}", "status": "open", "category": "repair", "opened_on": DAY, "text": f"{name} says"}
        connection.execute(insert(tickets).values(**key, **ticket))
        note = {"kind": "mail", "direction": "in", "at": AT, "by": "cli:x", "text": f"from {name}", "address": mail}
        connection.execute(insert(interactions).values(note))
        for address in (mail, f"+86{HERS[0] if id_ == hers else HIS[0]}"):
            connection.execute(insert(consents).values(address=address, channel="sms", given=True, at=AT, by="cli:x"))
        change = {"at": AT, "by": "cli:x", "subject": "customers", "key": str(id_), "field": "name"}
        connection.execute(insert(changes).values(**change, before="", after=name))
        connection.execute(insert(changes).values(**{**change, "field": "stage"}, before="prospect", after="active"))
    number = f"+86{HERS[0]}"
    connection.execute(insert(do_not_call).values(e164=number, since=AT, by="cli:x", reason=NAME))
    connection.execute(insert(work_items).values(item=f"missed-{number}", note=NAME))
    [promise] = connection.execute(select(promises.c.id).where(promises.c.customer_id == hers)).scalars()
    connection.execute(insert(work_items).values(item=f"promise-{promise}", note=f"{NAME} is at work till 5"))
    for another in ("promise-99999", f"missed-+86{HIS[1]}"):
        connection.execute(insert(work_items).values(item=another, note="somebody else's"))
    neighbour = {"text": f"her neighbour is 0086{HERS[0]}, not {HIS[0]}", "customer_id": his}
    connection.execute(insert(interactions).values(kind="note", direction="in", at=AT, by="cli:x", **neighbour))
    connection.execute(insert(api_tokens).values(id=1, name="shop", token_hash="h", scopes="", made_at=AT))
    for key_, text in (
        ("a", json.dumps({"name": NAME})),
        ("b", f"{number}"),
        ("c", json.dumps({"name": HIS_NAME})),
        ("d", HIS[1]),
    ):
        answer = {"token_id": 1, "key": key_, "fingerprint": "", "status": 200, "body": text, "at": AT}
        connection.execute(insert(api_requests).values(answer))


def _write_files(folders: SiteFolders) -> None:
    for folder, name in (
        *((folders.conversations, f"call{nr}_1-{side}.wav") for nr in range(3) for side in ("agent", "caller")),
        *((folders.voicemail, f"call{nr}_{what}.wav") for nr in range(3) for what in ("vm", "comment")),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"RIFF" + name.encode())
    texts: Mapping[Path, str] = {
        folders.logs / "engine.log": f"INFO call from {HERS[0]} ({NAME})\nINFO call from {HIS[0]} ({HIS_NAME})\n",
        folders.logs / "engine.log.2026-08-31": f"WARNING +86{HERS[0]} again\n",
        folders.asterisk_logs / "messages.log": f'WARNING: sip:0086{HERS[0]}@host "{NAME}"\n',
        folders.asterisk_logs
        / "cdr-custom"
        / "calls.csv": f'"a","{HERS[0]}","s"\n"a","{HIS[0]}","s"\n"b","{HIS[1]}"\n',
        folders.events / "2026-09-01.jsonl": "".join(
            json.dumps(
                {
                    "at": T0,
                    "kind": "queued",
                    "call": f"call{nr}",
                    "fields": {"queue": "s", "attributes": {"name": who}},
                },
                ensure_ascii=False,
            )
            + "\n"
            for nr, who in ((0, NAME), (2, HIS_NAME))
        ),
        folders.outbox: "".join(
            json.dumps({"at": "x", "to": f"+86{to}", "text": f"Dear {who}", "call_id": call_id}, ensure_ascii=False)
            + "\n"
            for to, who, call_id in ((HERS[0], NAME, "call0"), (HIS[0], HIS_NAME, "call2"))
        ),
        folders.dropped: json.dumps({"seq": 1, "call_id": "call0", "fields": {"name": NAME}}, ensure_ascii=False)
        + "\n",
        folders.spool / "bad" / "x.json": f'{{"ani": "{HERS[0]}", "name": "{NAME}"',
        folders.spool / "bad" / "y.json": f'{{"ani": "{HIS[0]}"',
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


async def everything(crm: CrmStore) -> dict[str, list[dict[str, Any]]]:
    def read(connection: Any) -> dict[str, list[dict[str, Any]]]:
        return {
            table.name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in metadata.sorted_tables
        }

    return await crm.read(read)


async def places_of_hers(crm: CrmStore, folders: SiteFolders) -> set[str]:
    """Every file of the site and every table of the store in which her numbers, in any spelling, or her name are."""
    found = set()
    for path in folders.site.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        if any(spelt.search(content) for spelt in SPELT) or NAME.encode() in content or MAIL.encode() in content:
            found.add(str(path.relative_to(folders.site)))
    for table, rows in (await everything(crm)).items():
        for row in rows:
            text = repr(row).encode()
            if any(spelt.search(text) for spelt in SPELT) or NAME.encode() in text or MAIL.encode() in text:
                found.add(table)
    return found


SEEN_BEFORE = {
    *(
        "customers",
        "customer_numbers",
        "households",
        "calls",
        "call_events",
        "tasks",
        "interactions",
        "leads",
        "promises",
    ),
    *("appointments", "tickets", "shipments", "consents", "do_not_call", "changes", "work_items", "api_requests"),
    *("var/log/engine.log", "var/log/engine.log.2026-08-31", "var/asterisk/log/messages.log", "var/dropped.jsonl"),
    *("var/asterisk/log/cdr-custom/calls.csv", "var/events/2026-09-01.jsonl", "var/texts/outbox.jsonl"),
    "var/spool/bad/x.json",
}


@pytest.mark.parametrize("asked_by", ["+86 138 0013 8000", "0086 13800138000", "010 6555 0123"])
async def test_after_it_she_is_nowhere_and_he_is_as_he_was(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders, asked_by: str
) -> None:
    await live_with_us(journal, crm, folders)
    before = await everything(crm)
    seen = await places_of_hers(crm, folders)
    assert seen >= SEEN_BEFORE
    assert any(name.startswith("var/journal.db") for name in seen)
    theirs = _of(before, HIS_NAME, HIS[0])

    told = await erase(place, replace(WISH, numbers=(known_as(asked_by, "CN"),)))

    assert await places_of_hers(crm, folders) == set()
    assert told.numbers == (f"+86{HERS[0]}", "+861065550123") or told.numbers == ("+861065550123", f"+86{HERS[0]}")
    assert (told.sounds, told.traces) == (8, False)
    after = await everything(crm)
    assert _of(after, HIS_NAME, HIS[0]) == theirs
    left = sorted(path.name for folder in (folders.conversations, folders.voicemail) for path in folder.iterdir())
    assert left == ["call2_1-agent.wav", "call2_1-caller.wav", "call2_comment.wav", "call2_vm.wav"]
    assert HIS_NAME in (folders.logs / "engine.log").read_text("utf-8")
    assert HIS[1] in (folders.asterisk_logs / "cdr-custom" / "calls.csv").read_text("utf-8")
    assert [row["text"] for row in after["interactions"] if "neighbour is" in row["text"]] == [
        f"her neighbour is {'*' * 15}, not {HIS[0]}"
    ]


def _of(rows: dict[str, list[dict[str, Any]]], name: str, number: str) -> dict[str, list[dict[str, Any]]]:
    """His rows, but for those texts in which she is named."""
    his = {table: [row for row in found if name in repr(row) or number in repr(row)] for table, found in rows.items()}
    return {table: [row for row in found if "neighbour" not in repr(row)] for table, found in his.items()}


async def test_what_is_left_are_figures(place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders) -> None:
    await live_with_us(journal, crm, folders)
    before = await everything(crm)
    await erase(place, WISH)
    after = await everything(crm)
    for table in ("orders", "order_lines", "quotes", "legs", "dispositions", "surveys", "calls", "call_events"):
        assert len(after[table]) == len(before[table]), table
    assert after["orders"] == before["orders"]
    for old, new in zip(before["calls"], after["calls"], strict=True):
        gone = {"ani": "", "ani_e164": None, "caller_name": "", "attributes": None}
        assert new == ({**old, **gone} if old["call_id"] != "call2" else old)
    kinds = {(row["call_id"], row["kind"]): row["fields"] for row in after["call_events"]}
    assert kinds["call0", "call_started"] == {"dnis": "4008001001", "source": "tv", "uniqueid": f"{int(T0)}.call0"}
    assert kinds["call0", "node"] == {"name": "ask"}
    assert kinds["call0", "outcome"]["talked_s"] == 20.5
    [customer] = [row for row in after["customers"] if row["id"] == before["orders"][0]["customer_id"]]
    assert (customer["name"], customer["number"], customer["email"], customer["tier"]) == ("", None, "", "gold")
    assert {row["state"] for row in after["tasks"] if row["call_id"] in ("call0", "call1")} == {"done"}
    assert {row["key"] for row in after["api_requests"]} == {"c", "d"}
    assert [row["note"] for row in after["work_items"]].count("somebody else's") == 2
    kept = [(row["before"], row["after"]) for row in after["changes"] if row["key"] == str(customer["id"])]
    assert kept == [(None, None), ("prospect", "active")]
    lines = [json.loads(line) for line in (folders.events / "2026-09-01.jsonl").read_text("utf-8").splitlines()]
    assert lines[0]["fields"] == {"queue": "s", "attributes": {}}
    assert lines[1]["fields"]["attributes"] == {"name": HIS_NAME}
    texts = [json.loads(line) for line in folders.outbox.read_text("utf-8").splitlines()]
    assert (texts[0]["to"], texts[0]["text"], texts[1]["to"]) == ("", "", f"+86{HIS[0]}")


async def test_again_there_is_nothing_left_to_do(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders
) -> None:
    await live_with_us(journal, crm, folders)
    await erase(place, WISH)
    once = await everything(crm)
    told = await erase(place, WISH)
    assert (told.rows, told.entries, told.sounds, told.lines) == ({}, 0, 0, 0)
    assert await everything(crm) == once


async def test_who_calls_again_is_a_new_customer(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders
) -> None:
    await live_with_us(journal, crm, folders)
    old = {row["customer_id"] for row in (await everything(crm))["calls"]}
    await erase(place, WISH)
    for entry in call("later", HERS[0], "", NOW):
        await journal.append(entry)
    await relayed(journal, crm)
    [again] = [row for row in (await everything(crm))["calls"] if row["call_id"] == "later"]
    assert again["customer_id"] is not None
    assert again["customer_id"] not in old


async def test_entries_that_are_delivered_again_do_not_bring_her_back(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders
) -> None:
    await live_with_us(journal, crm, folders)
    await erase(place, WISH)
    await journal.write(lambda connection: connection.execute("UPDATE entries SET state = 0"), keep=False)
    await relayed(journal, crm)
    assert await places_of_hers(crm, folders) == set()


@pytest.mark.parametrize("step", ["_files", "journal_lines.scrub", "_forget_all", "sweep.sweep", "ledger.note"])
async def test_cut_short_anywhere_the_engine_ends_it(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Before and after each step; what she has, her second number too, is known to the end of it."""
    await live_with_us(journal, crm, folders)
    whole = f"hotline.persons.erasing.{step}"
    done = resolve(whole)

    def before(*_: Any, **__: Any) -> Any:
        raise OSError("cut short")

    def after(*given: Any, **named: Any) -> Any:
        done(*given, **named)
        raise OSError("cut short")

    async def after_soon(*given: Any, **named: Any) -> Any:
        await done(*given, **named)
        raise OSError("cut short")

    for cut in (before, after_soon if iscoroutinefunction(done) else after):
        with monkeypatch.context() as patched:
            patched.setattr(whole, cut)
            with pytest.raises((OSError, StoreAway), match="cut short"):
                await erase(place, replace(WISH, numbers=("+861065550123",)))
    assert [len(wish.numbers) for _, wish in open_wishes(folders)] == [2]
    await Housekeeping(place.site, folders, journal, crm, lambda: NOW).look()
    assert await places_of_hers(crm, folders) == set()
    assert len({json.loads(line)["digest"] for line in folders.erasures.read_text().splitlines()}) == 2


# --- not now


async def test_while_a_call_of_hers_goes_on_nothing_is_touched(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders
) -> None:
    await live_with_us(journal, crm, folders)
    await journal.append(Entry("now", "call_started", NOW - 5, {"ani": HERS[1]}))
    before = await everything(crm)
    with pytest.raises(NotNow, match="goes on"):
        await erase(place, WISH)
    assert await everything(crm) == before
    assert await places_of_hers(crm, folders) >= SEEN_BEFORE


async def test_right_after_a_call_its_last_entries_are_awaited(place: Place, journal: Journal) -> None:
    for entry in call("now", HERS[0], NAME, NOW - 30):
        await journal.append(entry)
    with pytest.raises(NotNow, match="only just ended"):
        await erase(place, WISH)


async def test_a_call_that_only_the_fail_open_script_knows_is_awaited(place: Place, folders: SiteFolders) -> None:
    folders.spool.mkdir(parents=True)
    (folders.spool / "a.start.json").write_text(json.dumps({"call_id": "a", "phase": "start", "ani": HERS[0]}))
    with pytest.raises(NotNow, match="goes on"):
        await erase(place, WISH)


async def test_a_promised_call_back_is_made_first(place: Place, journal: Journal, crm: CrmStore) -> None:
    await journal.append(Entry("c1", "call_started", T0, {"ani": ""}))
    await journal.append(Entry("c1", "callback_state", T0, {"state": "waiting", "number": f"+86{HERS[0]}"}))
    await journal.append(Entry("c1", "outcome", T0, {"outcome": "callback"}))
    await relayed(journal, crm)
    with pytest.raises(NotNow, match="called back"):
        await erase(place, WISH)


async def test_what_the_relay_has_in_its_hands_is_awaited(place: Place, journal: Journal, crm: CrmStore) -> None:
    """It has read them before they were scrubbed, and delivers them now."""
    for entry in call("c1", HERS[0], NAME):
        await journal.append(entry)
    in_its_hands = await journal.unrelayed(100)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await crm.apply(in_its_hands)
        await journal.mark_relayed(logged.seq for logged in in_its_hands)

    await erase(replace(place, engine_up=True, sleep=sleep), WISH)
    assert len(waits) == 1
    assert await places_of_hers(crm, place.folders) == set()


async def test_entries_that_do_not_get_there_leave_it_for_later(place: Place, journal: Journal) -> None:
    for entry in call("c1", HERS[0], NAME):
        await journal.append(entry)

    async def sleep(seconds: float) -> None: ...

    with pytest.raises(NotNow, match="on their way"):
        await erase(replace(place, engine_up=True, sleep=sleep), WISH)


async def test_who_is_in_the_sites_own_book_is_named_there(place: Place, folders: SiteFolders, crm_url: str) -> None:
    (folders.site / "crm.yaml").write_text('customers:\n  "80001": {name: 王芳, phones: ["13800138000"]}\n', "utf-8")
    named = replace(place, site=replace(load_site(folders.site), crm_url=crm_url))
    with pytest.raises(InTheBooks, match=r"crm.yaml names them .customer 80001."):
        await erase(named, WISH)


async def test_a_dealer_stays(place: Place, crm: CrmStore) -> None:
    dealer = {
        "code": "301",
        "name": "d",
        "region": "",
        "owner": "",
        "tier": "",
        "pin_hash": "",
        "phone": f"+86{HERS[0]}",
    }
    await crm.write(lambda connection: connection.execute(insert(dealers).values(dealer)))
    assert (await erase(place, WISH)).dealers == ("301",)
    assert [row["phone"] for row in (await everything(crm))["dealers"]] == [f"+86{HERS[0]}"]


# --- the engine's part


async def test_a_wish_is_granted_when_the_call_is_over(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders
) -> None:
    await live_with_us(journal, crm, folders)
    now = [NOW]
    keeper = Housekeeping(place.site, folders, journal, crm, lambda: now[0])
    start, *_ = call("now", HERS[0], NAME, NOW - 5)
    await journal.append(start)
    write_down(folders, WISH)
    write_down(folders, replace(WISH, by="cli:ben"))
    assert len(list(open_wishes(folders))) == 1
    await keeper.look()
    assert len(list(open_wishes(folders))) == 1
    await journal.append(Entry("now", "outcome", NOW + 5, {"outcome": "answered"}))
    await relayed(journal, crm)
    now[0] += 3600
    await keeper.look()
    assert list(open_wishes(folders)) == []
    assert await places_of_hers(crm, folders) == set()


async def test_traces_in_the_journals_file_go_when_no_call_is_up(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an older program left them, which did not write zeros over what it deleted."""
    for entry in call("c1", HERS[0], NAME):
        await journal.append(entry)
    await relayed(journal, crm)
    await journal.write(lambda c: c.execute("CREATE TABLE old AS SELECT fields FROM entries"), keep=False)

    def careless(connection: Any) -> None:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DROP TABLE old")

    await journal.write(careless, keep=False)
    told = await erase(replace(place, is_quiet=lambda: False), WISH)
    assert told.traces
    assert await places_of_hers(crm, folders) == {"var/journal.db"}
    write_down(folders, replace(WISH, numbers=()))
    busy = [True]
    keeper = Housekeeping(place.site, folders, journal, crm, lambda: NOW, lambda: not busy[0])
    await keeper.look()
    assert await places_of_hers(crm, folders) == {"var/journal.db"}
    busy[0] = False
    await keeper.look()
    assert await places_of_hers(crm, folders) == set()


# --- a backup of before


async def test_a_backup_of_before_does_not_bring_her_back(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders, tmp_path: Path
) -> None:
    await live_with_us(journal, crm, folders)
    file = tmp_path / "b.tar"
    back_up(place.site, folders, file, datetime.fromtimestamp(NOW, UTC) - timedelta(hours=1))
    await erase(place, WISH)
    lived = await everything(crm)
    said: list[str] = []
    await restore(place.site, folders, file, datetime.fromtimestamp(NOW, UTC), said.append)
    for path in folders.backups.iterdir():
        path.unlink()
    await relayed(journal, crm)
    assert any("erased after it was made" in line for line in said)
    assert await places_of_hers(crm, folders) == set()
    assert await everything(crm) == lived


async def test_nor_on_another_machine_that_has_the_ledger(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders, tmp_path: Path
) -> None:
    """There the backup's journal takes the place of the one that is gone."""
    await live_with_us(journal, crm, folders)
    file = tmp_path / "b.tar"
    back_up(place.site, folders, file, datetime.fromtimestamp(NOW, UTC) - timedelta(hours=1))
    await erase(place, WISH)
    await journal.close()
    for path in folders.var.glob("journal.db*"):
        path.unlink()
    await restore(place.site, folders, file, datetime.fromtimestamp(NOW, UTC), lambda line: None)
    for path in folders.backups.iterdir():
        path.unlink()
    assert folders.journal.exists()
    assert await places_of_hers(crm, folders) == set()


async def test_nor_whom_only_a_text_tells_of(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders, tmp_path: Path
) -> None:
    note = {"kind": "note", "direction": "in", "at": AT, "by": "cli:x", "text": f"his sister is 0086{HERS[0]}"}
    await crm.write(lambda connection: connection.execute(insert(interactions).values(note)))
    file = tmp_path / "b.tar"
    back_up(place.site, folders, file, datetime.fromtimestamp(NOW, UTC) - timedelta(hours=1))
    await erase(place, WISH)
    await restore(place.site, folders, file, datetime.fromtimestamp(NOW, UTC), lambda line: None)
    assert [row["text"] for row in (await everything(crm))["interactions"]] == [f"his sister is {'*' * 15}"]


async def test_the_ledger_names_nobody(place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders) -> None:
    await live_with_us(journal, crm, folders)
    await erase(place, WISH)
    rows = [json.loads(line) for line in folders.erasures.read_text().splitlines()]
    assert len(rows) == 2
    assert {len(row["digest"]) for row in rows} == {64}


# --- what she gets


async def test_she_is_told_everything(
    place: Place, crm: CrmStore, journal: Journal, folders: SiteFolders, tmp_path: Path
) -> None:
    await live_with_us(journal, crm, folders)
    out = tmp_path / "her.zip"
    count = await export(folders, crm, journal, "+861065550123", out, AT)
    assert out.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(out) as archive:
        told = json.loads(archive.read("person.json"))
        sounds = {name for name in archive.namelist() if name.startswith("sounds/")}
    assert told["numbers"] == ["+861065550123", f"+86{HERS[0]}"]
    assert told["names"] == [NAME]
    tables = {table for table in SEEN_BEFORE if "/" not in table} - {"work_items", "api_requests"}
    assert set(told["crm"]) >= tables | {
        "orders",
        "order_lines",
        "quotes",
        "legs",
        "surveys",
        "dispositions",
        "recordings",
    }
    assert {row["call_id"] for row in told["crm"]["calls"]} == {"call0", "call1"}
    assert [row["number"][0] for row in told["crm"]["orders"]] == ["A"]
    assert {row["call_id"] for row in told["journal"]} == {"call0", "call1"}  # one of his has her number in it: his
    assert set(told["lines"]) == {
        *("log/engine.log", "log/engine.log.2026-08-31", "asterisk/log/messages.log", "dropped.jsonl"),
        *("asterisk/log/cdr-custom/calls.csv", "events/2026-09-01.jsonl", "texts/outbox.jsonl"),
    }
    assert len(sounds) == count["sounds"] == 8
    assert HIS_NAME not in json.dumps(told["crm"], ensure_ascii=False)


# --- in place


def test_who_appends_meanwhile_goes_on_in_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "x.log"
    file.write_bytes(b"one 13800138000\ntorn 13800138000")
    spellings = Spellings.of(["+8613800138000"])
    with file.open("ab", buffering=0) as writer:
        assert files.blot_file(file, spellings.blotted_bytes) == 1
        writer.write(b" end\n")
    assert file.read_bytes() == b"one ***********\ntorn 13800138000 end\n"
    assert files.blot_file(file, spellings.blotted_bytes) == 1


def test_a_change_of_another_length_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.log"
    file.write_bytes(b"one\n")
    with pytest.raises(ValueError, match="keep its length"):
        files.blot_file(file, lambda line: b"")
    assert file.read_bytes() == b"one\n"
