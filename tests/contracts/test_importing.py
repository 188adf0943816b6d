"""Files brought into the store, on both kinds of database: whole or not at all, twice is once, who and when are told,
and the reports have what came in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.importing.bring import Brought, bring_in
from crm_bridge.importing.house import House, Who
from crm_bridge.leads import LeadState
from crm_bridge.models import (
    calls,
    changes,
    customer_numbers,
    customers,
    dealers,
    leads,
    media_costs,
    metadata,
    order_lines,
    orders,
    shipments,
)
from crm_bridge.reporting.media import Media
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.touches import By
from crm_bridge.rules import CrmRules
from crm_bridge.store import CrmStore

RULES = CrmRules(regions={"east": ("Shanghai",), "south": ("Guangdong",)})
HOUSE = House(
    rules=RULES,
    languages={"mandarin", "english"},
    codes={"zh", "en"},
    agents={"1001", "1007"},
    sources={"tv", "newspaper"},
    campaigns={"autumn"},
)
AT = datetime(2026, 11, 24, 4, tzinfo=UTC)
WHO = Who("import:file.csv (anna)", AT, AT.date())
WANG = "+8613800138001"
CUSTOMERS = """number,name,phones,tier,region,email
70001,王芳,13800138001;021-62345678,gold,east,fang@example.com
70002,李伟,13800138002,,south,
"""
ORDERS = """number,customer,placed_on,status,currency,product,name,quantity,price
A1,70001,2026-11-20,paid,CNY,P1,笔记本,2,4999.50
A1,,,,,P2,鼠标,1,99
A2,13800138002,2026-11-21,placed,,P2,鼠标,,99
"""
Rows = list[dict[str, Any]]


@pytest.fixture
async def store(crm_url: str) -> AsyncIterator[CrmStore]:
    opened = CrmStore(crm_url, rules=RULES)
    yield opened
    await opened.close()


async def bring(store: CrmStore, noun: str, text: str, *, dry_run: bool = False, house: House = HOUSE) -> Brought:
    return await bring_in(store, noun, text.encode(), house, WHO, dry_run=dry_run)


async def taken(store: CrmStore, noun: str, text: str, new: int = -1, changed: int = 0) -> Brought:
    """It must be taken in."""
    found = await bring(store, noun, text)
    assert [str(one) for one in found.problems] == []
    assert found.written
    assert (new, changed) in ((found.new, found.changed), (-1, found.changed))
    return found


async def refused(store: CrmStore, noun: str, text: str) -> list[str]:
    """It must be refused, and have changed nothing."""
    before = await everything(store)
    found = await bring(store, noun, text)
    assert not found.written
    assert found.problem_count
    assert await everything(store) == before
    return [str(one) for one in found.problems]


async def rows(store: CrmStore, table: Any) -> Rows:
    query = select(table).order_by(*table.primary_key)
    return await store.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


async def everything(store: CrmStore) -> dict[str, Rows]:
    return {table.name: await rows(store, table) for table in metadata.sorted_tables}


async def calls_from(store: CrmStore, call_id: str, ani: str, source: str, at: datetime = AT) -> None:
    start: dict[str, Json] = {"dnis": "4008001001", "ani": ani, "source": source, "campaign": "autumn"}
    end: dict[str, Json] = {"outcome": "answered", "agent": "1001", "talked_s": 60.0}
    entries = [
        Entry(call_id, "call_started", at.timestamp(), start),
        Entry(call_id, "outcome", at.timestamp() + 90, end),
    ]
    await store.apply([Logged(nr, entry) for nr, entry in enumerate(entries, 1)])


async def test_customers_with_their_phones_and_who_made_them(store: CrmStore) -> None:
    await taken(store, "customers", CUSTOMERS, new=2)
    wang, li = await rows(store, customers)
    assert (wang["number"], wang["name"], wang["tier"], wang["region"], wang["email"]) == (
        *("70001", "王芳", "gold", "east"),
        "fang@example.com",
    )
    assert (li["tier"], li["stage"], li["first_source"]) == ("", "prospect", "")
    assert [(row["e164"], row["customer_id"]) for row in await rows(store, customer_numbers)] == [
        (WANG, wang["id"]),
        ("+8613800138002", li["id"]),
        ("+862162345678", wang["id"]),
    ]
    told = {(row["key"], row["field"], row["by"], row["at"]) for row in await rows(store, changes)}
    assert told == {(str(one["id"]), "*", WHO.by, AT) for one in (wang, li)}


@pytest.mark.parametrize("noun", ["customers", "orders", "shipments", "dealers", "costs"])
async def test_a_dry_run_changes_nothing_and_the_second_time_nothing_is_changed(store: CrmStore, noun: str) -> None:
    await taken(store, "customers", CUSTOMERS)
    await taken(store, "orders", ORDERS)
    text = {
        "customers": "number,name\n70003,赵磊\n",
        "orders": ORDERS.replace("A1", "B1").replace("A2", "B2"),
        "shipments": "number,order,carrier,status\nS1,A1,SF,packed\nS2,A2,SF,delivered\n",
        "dealers": 'code,name,region,pin,stock_notice_zh\n301,华东,east,246810,"现货, ""充足"""\n302,华南,south,,\n',
        "costs": "source,begins_on,ends_on,amount\ntv,2026-11-01,2026-11-30,3000\ntv,2026-11-01,2026-11-01,50.5\n",
    }[noun]
    before = await everything(store)
    tried = await bring(store, noun, text, dry_run=True)
    assert tried.problem_count == 0
    assert tried.new
    assert not tried.written
    assert [one.field for one in tried.differences] == ["*"] * tried.new
    assert await everything(store) == before
    await taken(store, noun, text, new=tried.new)
    before = await everything(store)
    again = await taken(store, noun, text, new=0)
    assert again.same == tried.new
    assert await everything(store) == before


async def test_what_is_left_empty_stays_and_what_is_said_is_told_with_who_and_when(store: CrmStore) -> None:
    await taken(store, "customers", CUSTOMERS)
    text = "number,name,tier,phones\n70001,王方,,13900139000\n70002,李伟,,\n"
    tried = await bring(store, "customers", text, dry_run=True)
    assert [(one.key, one.field, one.before, one.after) for one in tried.differences] == [
        ("70001", "name", "王芳", "王方"),
        ("70001", "phones", None, "+8613900139000"),
    ]
    found = await taken(store, "customers", text, new=0, changed=1)
    assert found.same == 1
    [wang, _] = await rows(store, customers)
    assert (wang["name"], wang["tier"]) == ("王方", "gold")
    told = [(row["field"], row["before"], row["after"], row["by"]) for row in await rows(store, changes)][2:]
    assert told == [("name", "王芳", "王方", WHO.by), ("phones", None, "+8613900139000", WHO.by)]


async def test_a_caller_becomes_the_customer_who_has_their_phone(store: CrmStore) -> None:
    await calls_from(store, "c1", "13800138001", "newspaper")
    await taken(store, "customers", CUSTOMERS, new=2)
    [wang] = [row for row in await rows(store, customers) if row["number"] == "70001"]
    [call] = await rows(store, calls)
    assert call["customer_id"] == wang["id"]
    assert (wang["name"], wang["first_source"], wang["first_call_id"]) == ("王芳", "newspaper", "c1")
    assert len(await rows(store, customers)) == 2


async def test_a_phone_of_another_customer_is_nobodys_new_phone(store: CrmStore) -> None:
    await taken(store, "customers", CUSTOMERS)
    told = await refused(store, "customers", "number,name,phones\n70003,赵磊,13800138001\n")
    assert told == [
        f"row 2, phones: {WANG} is the phone of customer 70001, not of 70003: take it from them first, or mend the file"
    ]
    twice = "number,name,phones\n70003,赵磊,13800138003\n70004,孙磊,13800138003\n70003,赵磊,\n"
    assert await refused(store, "customers", twice) == [
        "row 3, phones: +8613800138003 is the phone of customer 70003 (row 2): it can be one customer's only",
        "row 4, number: customer 70003 stands in row 2 already",
    ]


async def test_two_callers_may_be_one_customer_but_not_one_caller_two(store: CrmStore) -> None:
    await calls_from(store, "c1", "13800138001", "newspaper")
    await calls_from(store, "c2", "02162345678", "tv", datetime(2026, 11, 23, tzinfo=UTC))
    await taken(store, "customers", CUSTOMERS)
    [wang] = [row for row in await rows(store, customers) if row["number"] == "70001"]
    assert (wang["first_source"], wang["first_call_id"]) == ("tv", "c2")
    assert {row["customer_id"] for row in await rows(store, calls)} == {wang["id"]}


async def test_a_half_bad_file_is_not_taken_at_all_and_all_is_told(store: CrmStore) -> None:
    text = "number,name,phones,tier,language,owner,email\n"
    text += "70001,王芳,13800138001,gold,mandarin,1001,a@b.cn\n"
    text += "70 02,,12345,Gold,klingon,1003,a@@b\n"
    text += f"70003,{'x' * 200},,,,,\n"
    text += "70004,nul\x00in it,,,,,\n"
    told = [problem.split(": ")[0] for problem in await refused(store, "customers", text)]
    columns = ("email", "language", "name", "number", "owner", "phones", "tier")
    assert told == [*(f"row 3, {name}" for name in columns), "row 4, name", "row 5, name"]


@pytest.mark.parametrize("noun", ["customers", "orders", "shipments", "dealers", "costs"])
async def test_a_file_without_rows_changes_nothing(store: CrmStore, noun: str) -> None:
    heading = {
        "customers": "number,name",
        "orders": "number,customer,placed_on,status",
        "shipments": "number,order,carrier,status",
        "dealers": "code,name,region",
        "costs": "source,begins_on,ends_on,amount",
    }[noun]
    found = await taken(store, noun, f"{heading}\n\n,,\n", new=0)
    assert (found.rows, found.same) == (0, 0)


async def test_an_order_has_its_lines_and_moves_the_customer(store: CrmStore) -> None:
    await taken(store, "customers", CUSTOMERS)
    await taken(store, "orders", ORDERS, new=2)
    first, second = await rows(store, orders)
    assert (first["number"], first["amount"], first["currency"], first["placed_on"], first["channel"]) == (
        *("A1", Decimal("10098.00"), "CNY", date(2026, 11, 20)),
        "import",
    )
    assert (second["amount"], second["currency"], second["call_id"]) == (Decimal(99), "CNY", None)
    assert [tuple(row.values()) for row in await rows(store, order_lines)] == [
        ("A1", 1, "P1", "笔记本", 2, Decimal("4999.5"), Decimal(9999)),
        ("A1", 2, "P2", "鼠标", 1, Decimal(99), Decimal(99)),
        ("A2", 1, "P2", "鼠标", 1, Decimal(99), Decimal(99)),
    ]
    wang, li = await rows(store, customers)
    assert (wang["stage"], wang["last_order_on"]) == ("first_order", date(2026, 11, 20))
    assert (li["stage"], li["last_order_on"]) == ("first_order", date(2026, 11, 21))
    stages = [(row["key"], row["by"]) for row in await rows(store, changes) if row["field"] == "stage"]
    assert sorted(stages) == sorted((str(one["id"]), "rule:stages") for one in (wang, li))


async def test_an_order_that_is_known_is_changed(store: CrmStore) -> None:
    await taken(store, "customers", CUSTOMERS)
    await taken(store, "orders", ORDERS)
    other = ORDERS.replace("paid", "cancelled").replace("P2,鼠标,1,99", "P2,鼠标,2,99")
    await taken(store, "orders", other, new=0, changed=1)
    [first, _] = await rows(store, orders)
    assert (first["status"], first["amount"]) == ("cancelled", Decimal("10197.00"))
    assert [row["stage"] for row in await rows(store, customers)] == ["prospect", "first_order"]
    told = {row["field"]: (row["before"], row["after"]) for row in await rows(store, changes) if row["key"] == "A1"}
    assert told["status"] == ("paid", "cancelled")
    assert told["amount"] == ("10098", "10197")
    assert told["lines"] == ("2 x P1 4999.5; 1 x P2 99", "2 x P1 4999.5; 2 x P2 99")
    await taken(store, "orders", "number,customer,placed_on,status\nA1,70002,,paid\n", new=0, changed=1)
    assert [row["stage"] for row in await rows(store, customers)] == ["prospect", "repeat"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A3,70009,2026-11-20,paid,10,", "customer: '70009' is the number or the phone of no customer"),
        ("A3,,2026-11-20,paid,10,", "customer: is empty, and order A3 is new"),
        ("A3,70001,20/11/2026,paid,10,", "placed_on: '20/11/2026' is no day: write it as 2026-11-24"),
        ("A3,70001,10.11.2026,paid,10,", "placed_on: '10.11.2026' may be two days"),
        ("A3,70001,2026-11-31,paid,10,", "placed_on: '2026-11-31': the calendar has no such day"),
        ("A3,70001,2026-11-20,sold,10,", "status: 'sold' is none of"),
        ("A3,70001,2026-11-20,paid,,", "amount: order A3 has neither an amount nor lines"),
        ('A3,70001,2026-11-20,paid,"1,000.50",', "amount: '1,000.50' is no amount: write it without thousands"),
        ("A3,70001,2026-11-20,paid,-1,", "amount: '-1' is no amount"),
        ("A3,70001,2026-11-20,paid,10,RMB", "currency: 'RMB' is no currency: write CNY"),
        ("A3,70001,2026-11-20,paid,10,CNY\nA3,70001,2026-11-20,paid,10,CNY", "product: order A3 stands in row 2"),
        ("A3,70001,2026-11-20,paid,10,CNY\nA3,70002,2026-11-20,paid,10,CNY", "customer: order A3 has another customer"),
        ("A1,70001,2026-11-20,paid,10,CNY", "amount: order A1 has lines of 10098 in all: give its new lines too"),
        ("A3,70001,2026-11-20,paid,10", "has 5 cells and the heading 6"),
        ("A3,70001,2026-11-20,paid,10\x00,", "amount: '10·' is no amount"),
    ],
)
async def test_what_is_wrong_with_an_order(store: CrmStore, row: str, said: str) -> None:
    await taken(store, "customers", CUSTOMERS)
    await taken(store, "orders", ORDERS)
    told = await refused(store, "orders", f"number,customer,placed_on,status,amount,currency\n{row}\n")
    assert any(said in problem for problem in told), told


async def test_an_amount_that_its_lines_do_not_come_to_is_told(store: CrmStore) -> None:
    await taken(store, "customers", CUSTOMERS)
    text = "number,customer,placed_on,status,amount,product,price\nA3,70001,2026-11-20,paid,10,P1,9.99\n"
    told = await refused(store, "orders", text)
    assert told == ["row 2, amount: order A3 costs 10, and its lines are 9.99 in all"]


async def test_a_line_that_stands_twice_is_told(store: CrmStore) -> None:
    await taken(store, "customers", CUSTOMERS)
    told = await refused(store, "orders", ORDERS + "A2,,,,,P2,鼠标,,99\nA2,,,,,P2,鼠标,3,99\n")
    assert told == ["row 5, product: order A2 has this very line already: leave one out, or add them up"]


async def test_a_cost_per_order_of_the_newspaper(store: CrmStore) -> None:
    """What was paid, brought in, over the orders, brought in, of customers whom the newspaper has made call."""
    await calls_from(store, "c1", "13800138001", "newspaper", datetime(2026, 11, 19, 8, tzinfo=UTC))
    await calls_from(store, "c2", "13800138002", "tv", datetime(2026, 11, 19, 9, tzinfo=UTC))
    lead = {"ref": "l1", "state": LeadState.NEW.value, "opened_at": AT, "media_source": "newspaper"}
    await taken(store, "customers", CUSTOMERS)

    def open_lead(connection: Connection) -> None:
        wang = connection.execute(select(customers.c.id).where(customers.c.number == "70001")).scalar_one()
        connection.execute(leads.insert().values({**lead, "customer_id": wang}))

    await store.write(open_lead)
    await taken(store, "orders", ORDERS)
    foreign = "number,customer,placed_on,status,amount,currency\nE1,70001,2026-11-22,paid,100,EUR\n"
    await taken(store, "orders", foreign)
    costs = "source,campaign,begins_on,ends_on,amount,currency\n"
    costs += "newspaper,autumn,2026-11-01,2026-11-30,3000,\n,autumn,2026-11-01,2026-11-30,60,CNY\n"
    await taken(store, "costs", costs, new=2)
    november = Period(date(2026, 11, 1), date(2026, 11, 30))
    report = await store.read(Media(november, RULES).report)
    assert all(check.adds_up for check in report.checks)
    lines = {line["source"]: line for line in report.lines}
    assert {name: lines["newspaper"][name] for name in ("calls", "leads", "orders", "revenue", "cost")} == {
        "calls": 1,
        "leads": 1,
        "orders": 1,
        "revenue": Decimal(10098),
        "cost": Decimal(3000),
    }
    assert lines["newspaper"]["cost_per_order"] == 3000
    assert (lines["tv"]["orders"], lines["tv"]["revenue"]) == (1, Decimal(99))
    assert [(one.what, one.count, one.currency) for one in report.foreign] == [("orders", 1, "EUR")]
    by_campaign = await store.read(Media(november, RULES, By.CAMPAIGN).report)
    assert [line["cost"] for line in by_campaign.lines if line["campaign"] == "autumn"] == [Decimal(3060)]


async def test_costs_are_known_again_by_source_campaign_and_days_or_by_their_ref(store: CrmStore) -> None:
    heading = "source,campaign,begins_on,ends_on,amount,ref\n"
    await taken(store, "costs", f"{heading}tv,autumn,2026-11-01,2026-11-02,10,\ntv,,2026-11-01,2026-11-02,5,bill-7\n")
    await taken(store, "costs", f"{heading}tv,autumn,2026-11-01,2026-11-02,11,\n", new=0, changed=1)
    await taken(store, "costs", f"{heading}newspaper,,2026-11-01,2026-11-02,5,bill-7\n", new=0, changed=1)
    found = {row["ref"]: (row["media_source"], row["amount"]) for row in await rows(store, media_costs)}
    assert found == {
        "tv/autumn/2026-11-01/2026-11-02": ("tv", Decimal(11)),
        "bill-7": ("newspaper", Decimal(5)),
    }
    twice = f"{heading}tv,,2026-11-01,2026-11-02,1,\ntv,,2026-11-01,2026-11-02,1,\n"
    [again] = await refused(store, "costs", twice)
    assert again.startswith("row 3, ref: the cost tv//2026-11-01/2026-11-02 stands in row 2 already; two for one")
    bad = (
        f"{heading}tv,spring,2026-11-02,2026-11-01,x,\n,,2026-11-01,2026-11-02,1,\ntv,spring,2026-11-02,2026-11-01,1,\n"
    )
    told = await refused(store, "costs", bad)
    assert told[0].startswith("row 2, amount: 'x' is no amount: write it as 1234.50, digits only")
    assert told[1:] == [
        "row 3, source: is empty, and so is campaign: whose cost is it?",
        "row 4, campaign: 'spring' is no campaign; the nearest is 'autumn'",
        "row 4, ends_on: 2026-11-01 is before begins_on, 2026-11-02",
    ]


async def test_shipments_are_of_orders_that_are_there(store: CrmStore) -> None:
    await taken(store, "customers", CUSTOMERS)
    await taken(store, "orders", ORDERS)
    text = "number,order,carrier,status,expected_on,delivered_on,place\nS1,A1,顺丰,delivered,,2026/11/23,上海\n"
    await taken(store, "shipments", text, new=1)
    [parcel] = await rows(store, shipments)
    assert (parcel["order_number"], parcel["delivered_on"], parcel["place"]) == ("A1", date(2026, 11, 23), "上海")
    assert await refused(store, "shipments", text + "S2,A9,SF,packed,,,\nS1,A1,SF,packed,,,\n") == [
        "row 3, order: there is no order A9: import the orders first",
        "row 4, number: shipment S1 stands in row 2 already",
    ]


async def test_dealers_with_region_phone_and_pin(store: CrmStore) -> None:
    text = "code,name,region,owner,phone,pin,stage,stock_notice_zh\n301,华东数码,east,1007,021-62345678,246810,,现货\n"
    await taken(store, "dealers", text, new=1)
    [dealer] = await rows(store, dealers)
    assert (dealer["region"], dealer["phone"], dealer["stage"], dealer["stock_notices"]) == (
        *("east", "+862162345678", "active"),
        {"zh": "现货"},
    )
    assert dealer["pin_hash"].startswith("$argon2")
    await taken(store, "dealers", "code,name,region,pin\n301,华东数码,east,135791\n", new=0, changed=1)
    told = [row for row in await rows(store, changes) if row["field"] == "pin_hash"]
    assert [(row["before"], row["after"]) for row in told] == [("…", "…")]
    bad = "code,name,region,owner,phone,pin,stage\n302,x,west,1003,12,12,closed\n"
    problems = await refused(store, "dealers", bad)
    assert [problem.split(": ")[0] for problem in problems] == [
        f"row 2, {name}" for name in ("owner", "phone", "pin", "region", "stage")
    ]


async def test_thousands_of_rows_are_as_few_of_them_are(store: CrmStore) -> None:
    people = "number,name,phones\n" + "".join(f"C{nr},客户{nr},1380{nr:07}\n" for nr in range(3000))
    await taken(store, "customers", people, new=3000)
    bought = "number,customer,placed_on,status,product,price,quantity\n"
    bought += "".join(f"O{nr // 2},C{nr // 2},2026-11-{1 + nr % 2:02},paid,P,1.25,2\n" for nr in range(0, 6000, 2))
    await taken(store, "orders", bought, new=3000)
    query = select(func.count()).select_from(order_lines)
    assert await store.read(lambda connection: connection.execute(query).scalar_one()) == 3000
    assert {row["stage"] for row in await rows(store, customers)} == {"first_order"}
    assert {row["amount"] for row in await rows(store, orders)} == {Decimal("2.5")}
    renamed = people.replace("客户", "顾客")
    await taken(store, "customers", renamed, new=0, changed=3000)
    assert {row["name"][:2] for row in await rows(store, customers)} == {"顾客"}


async def test_two_files_at_once_are_one_after_the_other(store: CrmStore) -> None:
    """Whoever comes second sees what the first has written: nothing is new twice."""
    found = await asyncio.gather(*(bring(store, "customers", CUSTOMERS) for _ in range(3)))
    assert sorted(one.new for one in found) == [0, 0, 2]
    count = partial(Connection.execute, statement=select(func.count()).select_from(customers))
    assert (await store.read(lambda connection: count(connection).scalar_one())) == 2
