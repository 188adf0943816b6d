"""What a flow learns of callers, orders and dealers, on a real SQLite file that was sown and then called."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update

from crm_bridge.directory import Directory, plain_amount
from crm_bridge.models import dealers
from crm_bridge.pins import _HASHER, NOBODYS, Pins
from crm_bridge.seed import (
    CustomerSeed,
    DealerSeed,
    OrderSeed,
    PromiseSeed,
    Seed,
    ShipmentSeed,
    TicketSeed,
    sow,
)
from crm_bridge.store import CrmStore
from ivr.flow.outside import NOBODY, Caller, OutsideFailed
from tests.servers.writing import writing

TODAY = date(2026, 11, 24)
# Shanghai is on the 25th already for the last eight hours of this day in UTC.
NOON = datetime(2026, 11, 24, 4, tzinfo=UTC).timestamp()
WANG = "+8613800138000"

SEED = Seed(
    customers=[
        CustomerSeed("80001", "王芳", (WANG, "+862162345678"), "gold", "gold_prices", "1002", "mandarin", "wang"),
        CustomerSeed("80002", "Tom"),
    ],
    orders=[
        OrderSeed("A1", "80001", "shipped", Decimal("205.05"), "CNY", date(2026, 11, 20), date(2026, 11, 26)),
        OrderSeed("A2", "80001", "delivered", Decimal("1299"), "CNY", date(2026, 10, 1)),
        OrderSeed("A3", "80001", "placed", Decimal("0.1"), "USD", date(2026, 11, 24)),
        OrderSeed("A4", "80002", "cancelled", Decimal("99999999999999.9999"), "CNY", date(2026, 11, 1)),
    ],
    shipments=[
        ShipmentSeed("S1", "A1", "SF Express", "in_transit", date(2026, 11, 26), place="杭州"),
        ShipmentSeed("S2", "A2", "SF Express", "delivered", date(2026, 10, 3), date(2026, 10, 4), "上海"),
        ShipmentSeed("S3", "A2", "SF Express", "returned", date(2026, 10, 2)),
    ],
    dealers=[
        DealerSeed(
            "301", "华东数码", "east", "1002", "gold", "246810", stock_notices={"zh": "有货。", "en": "In stock."}
        ),
        DealerSeed("302", "No PIN", "west"),
    ],
    tickets=[TicketSeed("T1", "80001", "in_progress", "repair", date(2026, 11, 22), date(2026, 11, 25))],
    promises=[
        PromiseSeed("kept", "80001", "x", date(2026, 11, 1), kept_at=datetime(2026, 11, 1, tzinfo=UTC)),
        PromiseSeed("today", "80001", "x", TODAY),
        PromiseSeed("broken", "80001", "x", date(2026, 11, 23)),
    ],
)


class World:
    now = NOON


@pytest.fixture
async def store(crm_url: str) -> AsyncIterator[CrmStore]:
    opened = CrmStore(crm_url, busy_s=0.05)
    await sow(opened, SEED, TODAY)
    yield opened
    await opened.close()


@pytest.fixture
def directory(store: CrmStore) -> Directory:
    return made(store)


def made(store: CrmStore, pins: Pins | None = None) -> Directory:
    codes = {"mandarin": "zh", "english": "en", "cantonese": "yue"}
    return Directory(
        store, region="CN", codes=codes, zone=ZoneInfo("Asia/Shanghai"), clock=lambda: World.now, pins=pins
    )


async def test_a_caller_by_any_of_their_numbers(directory: Directory) -> None:
    wang = Caller(
        True,
        "王芳",
        "gold",
        "gold_prices",
        "mandarin",
        "1002",
        "wang",
        stage="repeat",
        open_orders=2,
        open_promises=2,
        broken_promises=1,
    )
    assert await directory.caller(WANG) == wang
    assert await directory.caller("+862162345678") == wang


@pytest.mark.parametrize("number", ["+8613900139000", "", "13800138000", "x' OR 1=1 --", "\0", "9" * 500, "\ud800"])
async def test_nobody_has_that_number(directory: Directory, number: str) -> None:
    assert await directory.caller(number) == NOBODY


async def test_a_promise_is_broken_from_the_sites_own_midnight_on(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "now", datetime(2026, 11, 24, 15, 59, tzinfo=UTC).timestamp())
    assert (await directory.caller(WANG)).broken_promises == 1
    monkeypatch.setattr(World, "now", datetime(2026, 11, 24, 16, tzinfo=UTC).timestamp())
    assert (await directory.caller(WANG)).broken_promises == 2


async def test_the_fields_of_each_subject(directory: Directory) -> None:
    assert await directory.look_up("order", "A1", "mandarin") == {
        "number": "A1",
        "status": "shipped",
        "amount": "205.05",
        "currency": "CNY",
        "placed_on": "2026-11-20",
        "expected_on": "2026-11-26",
        "shipment": "S1",
    }
    assert await directory.look_up("shipment", "S2", "mandarin") == {
        "number": "S2",
        "order": "A2",
        "carrier": "SF Express",
        "status": "delivered",
        "expected_on": "2026-10-03",
        "delivered_on": "2026-10-04",
        "place": "上海",
    }
    assert await directory.look_up("ticket", "T1", "mandarin") == {
        "number": "T1",
        "status": "in_progress",
        "category": "repair",
        "opened_on": "2026-11-22",
        "due_on": "2026-11-25",
    }
    assert await directory.look_up("customer", "80001", "mandarin") == {
        "number": "80001",
        "name": "王芳",
        "tier": "gold",
        "price_list": "gold_prices",
        "owner": "1002",
        "language": "mandarin",
        "household": "wang",
        "stage": "repeat",
        "open_orders": "2",
        "open_promises": "2",
    }


async def test_what_is_not_known_is_left_out(directory: Directory) -> None:
    assert await directory.look_up("order", "A3", "english") == {
        "number": "A3",
        "status": "placed",
        "amount": "0.10",
        "currency": "USD",
        "placed_on": "2026-11-24",
    }
    assert await directory.look_up("customer", "80002", "english") == {
        "number": "80002",
        "name": "Tom",
        "stage": "prospect",
        "open_orders": "0",
        "open_promises": "0",
    }
    assert await directory.look_up("dealer", "302", "english") == {"code": "302", "name": "No PIN", "region": "west"}


async def test_an_order_names_the_shipment_that_is_to_come_last(directory: Directory) -> None:
    order = await directory.look_up("order", "A2", "english")
    assert order is not None
    assert order["shipment"] == "S2"


async def test_an_amount_is_exact_where_a_float_is_not(directory: Directory) -> None:
    order = await directory.look_up("order", "A4", "english")
    assert order is not None
    assert order["amount"] == "99999999999999.9999"


async def test_the_stock_notice_is_in_the_language_asked_or_left_out(directory: Directory) -> None:
    dealer = {"code": "301", "name": "华东数码", "region": "east", "owner": "1002", "tier": "gold"}
    assert await directory.look_up("dealer", "301", "mandarin") == {**dealer, "stock_notice": "有货。"}
    assert await directory.look_up("dealer", "301", "english") == {**dealer, "stock_notice": "In stock."}
    assert await directory.look_up("dealer", "301", "cantonese") == dealer
    assert await directory.look_up("dealer", "301", "klingon") == dealer


@pytest.mark.parametrize("key", [WANG, "13800138000", " 008613800138000 ", "021 6234 5678", "80001"])
async def test_a_customer_by_number_or_by_any_way_to_write_their_phone(directory: Directory, key: str) -> None:
    customer = await directory.look_up("customer", key, "mandarin")
    assert customer is not None
    assert customer["number"] == "80001"


@pytest.mark.parametrize("what", ["customer", "order", "shipment", "ticket", "dealer"])
@pytest.mark.parametrize("key", ["", " ", "a1", "A9", "%", "' OR 1=1 --", "A1\0", "A" * 10_000, "\ud800", "１２３"])
async def test_there_is_none(directory: Directory, what: str, key: str) -> None:
    assert await directory.look_up(what, key, "mandarin") is None  # type: ignore[arg-type]


# ---- PINs


async def test_a_pin_is_proved(directory: Directory) -> None:
    assert await directory.prove("dealer", "301", "246810")


@pytest.mark.parametrize(
    ("code", "pin"), [("301", "246811"), ("301", ""), ("302", ""), ("302", "246810"), ("999", "246810"), ("", "")]
)
async def test_a_pin_is_not_proved(directory: Directory, code: str, pin: str) -> None:
    assert not await directory.prove("dealer", code, pin)


async def test_who_has_no_pin_is_the_admins_mistake(directory: Directory) -> None:
    with pytest.raises(OutsideFailed, match="a customer has no PIN"):
        await directory.prove("customer", "80001", "1234")


@pytest.mark.parametrize("code", ["301", "302", "999"])
async def test_time_does_not_tell_whether_there_is_such_an_account(
    store: CrmStore, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """One comparison for each question, as dear as any other."""
    compared: list[str] = []

    def note(pin_hash: str, pin: str) -> bool:
        compared.append(pin_hash)
        return True

    monkeypatch.setattr("crm_bridge.pins.is_pin", note)
    assert await made(store).prove("dealer", code, "1") == (code == "301")
    [pin_hash] = compared
    assert not _HASHER.check_needs_rehash(pin_hash)


def test_nobodys_pin_costs_what_any_other_does() -> None:
    assert not _HASHER.check_needs_rehash(NOBODYS)


async def test_a_crowd_proves_itself_two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = 0, 0

    async def to_thread(_work: object, *_values: str) -> bool:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return True

    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    pins = Pins()
    assert all(await asyncio.gather(*(pins.match("x", "1") for _ in range(20))))
    assert most == 2


async def test_a_hash_that_is_none_fails_without_a_secret(store: CrmStore) -> None:
    await store.write(lambda connection: connection.execute(update(dealers).values(pin_hash="gibberish")))
    with pytest.raises(OutsideFailed, match=r"^a PIN's hash cannot be read: \w+$"):
        await made(store).prove("dealer", "301", "246810")


async def test_no_pin_is_in_the_file(sqlite_store: CrmStore, tmp_path: Path) -> None:
    await sow(sqlite_store, SEED)
    await sqlite_store.close()
    assert b"246810" not in _whole(tmp_path)
    assert "246810" not in repr(SEED)


def _whole(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


# ---- the store away


async def test_every_trouble_of_the_database_is_one_failure(empty_url: str) -> None:
    store = CrmStore(empty_url)
    directory = made(store)
    for question in (
        directory.caller(WANG),
        directory.look_up("order", "A1", "english"),
        directory.prove("dealer", "301", "246810"),
    ):
        with pytest.raises(OutsideFailed, match=r"no such table|UndefinedTable") as failure:
            await question
        assert not re.search(r"13800138000|A1|246810", str(failure.value))
    await store.close()


async def test_reading_waits_for_no_writer(directory: Directory, crm_url: str) -> None:
    async with writing(crm_url):
        assert (await directory.caller(WANG)).known


async def test_who_loses_patience_leaves_nothing_behind(directory: Directory) -> None:
    """A question that is given up at any point costs the next one nothing."""
    for turns in range(40):
        question = asyncio.create_task(directory.caller(WANG))
        for _ in range(turns):
            await asyncio.sleep(0)
        question.cancel()
        await asyncio.gather(question, return_exceptions=True)
    async with asyncio.timeout(5):
        found = await asyncio.gather(*(directory.caller(WANG) for _ in range(30)))
    assert {caller.name for caller in found} == {"王芳"}


@given(st.decimals(0, 10**13, places=4, allow_nan=False) | st.integers(0, 10**13).map(Decimal))
def test_an_amount_in_plain_figures(amount: Decimal) -> None:
    text = plain_amount(amount)
    assert Decimal(text) == amount
    assert re.fullmatch(r"[0-9]+(\.[0-9]{2,4})?", text)


async def test_every_question_goes_by_an_index(sqlite_store: CrmStore, tmp_path: Path) -> None:
    await sow(sqlite_store, SEED)
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_c: object, _cursor: object, statement: str, values: tuple[object, ...], *_: object) -> None:
        asked.append((statement, values))

    event.listen(sqlite_store._database.engine, "before_cursor_execute", note)
    directory = made(sqlite_store)
    await directory.caller(WANG)
    for what in ("customer", "order", "shipment", "ticket", "dealer"):
        await directory.look_up(what, "13800138000", "mandarin")  # type: ignore[arg-type]
    await directory.prove("dealer", "301", "1")
    selects = [(statement, values) for statement, values in asked if statement.startswith("SELECT")]
    assert len(selects) == 8  # a customer is asked for twice: by number, and by phone
    with sqlite3.connect(tmp_path / "crm.db") as database:
        for statement, values in selects:
            plan = database.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            assert not [step for *_, step in plan if step.startswith("SCAN")], (statement, plan)
