"""A customer's card, the line of their contacts and the trail of changes, on both kinds of database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Table, insert, select

from crm_bridge.card.card import Card, card_of
from crm_bridge.card.finding import find_customers
from crm_bridge.card.noting import note, set_fields
from crm_bridge.card.time_line import Contact, time_line
from crm_bridge.card.trail import Change, trail
from crm_bridge.consent import Channel, say
from crm_bridge.do_not_call import Listed, add
from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.models import (
    appointments,
    customers,
    interactions,
    leads,
    order_lines,
    promises,
    quote_lines,
    quotes,
    tickets,
)
from crm_bridge.rules import CrmRules, DispositionRule
from crm_bridge.seed import (
    CompanySeed,
    CustomerSeed,
    HouseholdSeed,
    OrderSeed,
    PromiseSeed,
    Seed,
    ShipmentSeed,
    sow,
)
from crm_bridge.store import CrmStore
from crm_bridge.work_lists.items import read_item
from crm_bridge.work_lists.working import close, take

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
TODAY = date(2026, 11, 24)
DAY = timedelta(days=1)
WANG, HOME, LI = "+8613800138000", "+862162345678", "+8613900139000"
MAIL = "fang@example.com"
SEED = Seed(
    households=[HouseholdSeed("wang", "王家")],
    companies=[CompanySeed("longtech", "龙腾", "silver", "silver_prices", "1003")],
    customers=[
        CustomerSeed("80001", "王芳", (WANG, HOME), tier="gold", household="wang", company="longtech", email=MAIL),
        CustomerSeed("80002", "王建国", (LI,), household="wang"),
    ],
    orders=[
        OrderSeed("A1", "80001", "shipped", Decimal("205.05"), "CNY", TODAY - 3 * DAY),
        OrderSeed("A2", "80001", "placed", Decimal(7), "CNY", TODAY),
        OrderSeed("A3", "80001", "delivered", Decimal(9), "CNY", TODAY - 30 * DAY),
        OrderSeed("A4", "80001", "cancelled", Decimal(9), "CNY", TODAY),
        OrderSeed("B1", "80002", "placed", Decimal(1), "CNY", TODAY),
    ],
    shipments=[
        ShipmentSeed("S1", "A1", "SF", "in_transit", TODAY),
        ShipmentSeed("S3", "A3", "SF", "delivered", TODAY, TODAY - 20 * DAY),
        ShipmentSeed("T1", "B1", "SF", "packed", TODAY),
    ],
    promises=[
        PromiseSeed("p1", "80001", "later", TODAY + DAY),
        PromiseSeed("p2", "80001", "kept", TODAY - 5 * DAY, kept_at=NOW - 5 * DAY),
        PromiseSeed("p3", "80001", "broken", TODAY - DAY),
        PromiseSeed("p4", "80001", "today", TODAY),
        PromiseSeed("q1", "80002", "another's", TODAY),
    ],
)
RULES = CrmRules(zone=ZONE, dispositions={"sale": DispositionRule("order")})


@pytest.fixture
async def books(crm_url: str) -> AsyncIterator[CrmStore]:
    store = CrmStore(crm_url, rules=RULES)
    await sow(store, SEED, TODAY)
    yield store
    await store.close()


async def find(store: CrmStore, key: str) -> Sequence[int]:
    return await store.read(partial(find_customers, key=key, region="CN"))


async def wang(store: CrmStore) -> int:
    [found] = await find(store, "80001")
    return found


async def card(store: CrmStore, key: str = "80001") -> Card:
    [found] = await find(store, key)
    card = await store.read(partial(card_of, customer_id=found, now=NOW, zone=ZONE))
    assert card is not None
    return card


async def add_rows(store: CrmStore, table: Table, *rows: dict[str, Any]) -> None:
    await store.write(lambda connection: connection.execute(insert(table), list(rows)))


async def contacts(store: CrmStore, limit: int = 50) -> list[Contact]:
    return await store.read(partial(time_line, customer_id=await wang(store), limit=limit))


async def changes(store: CrmStore, key: str = "80001", limit: int = 50) -> list[Change]:
    [found] = await find(store, key)
    return await store.read(partial(trail, customer_id=found, limit=limit))


# ---- who is meant


async def test_a_customer_by_number_phone_mail_and_id(books: CrmStore) -> None:
    id_ = await wang(books)
    for key in (
        "80001",
        " 80001 ",
        WANG,
        "13800138000",
        "021 6234 5678",
        MAIL,
        "FANG@Example.com",
        f"#{id_}",
        f"c{id_}",
    ):
        assert await find(books, key) == [id_], key
    for key in ("80003", "13700137000", "x@example.com", "#999", "c", "", "@", "#x", "wang", "2001"):
        assert [*await find(books, key)] == [], key


async def test_a_number_of_a_customers_own_counts_before_an_id(books: CrmStore) -> None:
    await sow(books, Seed(customers=[CustomerSeed("c1", "Odd")]))
    [odd] = await find(books, "c1")
    assert odd != await wang(books)


async def test_two_of_one_mail_address_are_both_meant(books: CrmStore) -> None:
    await sow(books, Seed(customers=[CustomerSeed("80002", "王建国", email=MAIL)]))
    assert len(await find(books, MAIL)) == 2


# ---- the card


async def test_who_they_are_and_what_is_their_companys(books: CrmStore) -> None:
    found = await card(books)
    row = found.customer
    assert (row["name"], row["number"], row["tier"], row["price_list"], row["owner"]) == (
        "王芳",
        "80001",
        "gold",
        "silver_prices",
        "1003",
    )
    assert row["from_company"] == ["price_list", "owner"]
    assert (row["stage"], row["email"]) == ("repeat", MAIL)
    assert found.household is not None
    assert found.household["name"] == "王家"
    assert [member["number"] for member in found.household["members"]] == ["80001", "80002"]
    assert found.company is not None
    assert (found.company["name"], len(found.company["members"])) == ("龙腾", 1)
    other = await card(books, "80002")
    assert (other.customer["tier"], other.customer["from_company"], other.company) == ("", [], None)


async def test_open_orders_with_their_lines_and_what_is_on_its_way(books: CrmStore) -> None:
    line = {"number": "A1", "product": "14", "name": "laptop", "quantity": 1, "price": Decimal(5), "amount": Decimal(5)}
    await add_rows(books, order_lines, {**line, "line": 2, "name": "bag"}, {**line, "line": 1})
    found = await card(books)
    assert [order["number"] for order in found.orders] == ["A2", "A1"]
    assert [each["name"] for each in found.orders[1]["lines"]] == ["laptop", "bag"]
    assert (found.orders[0]["lines"], found.orders[1]["amount"], found.order_count) == ([], Decimal("205.05"), 3)
    assert [shipment["number"] for shipment in found.shipments] == ["S1", "S3"]


async def test_promises_broken_first_and_kept_last(books: CrmStore) -> None:
    assert [(row["text"], row["standing"]) for row in (await card(books)).promises] == [
        ("broken", "broken"),
        ("today", "today"),
        ("later", "later"),
        ("kept", "kept"),
    ]


async def test_leads_tickets_quotes_and_appointments_newest_first(books: CrmStore) -> None:
    id_ = await wang(books)
    lead = {"customer_id": id_, "state": "new"}
    await add_rows(books, leads, {**lead, "ref": "a", "opened_at": NOW - DAY}, {**lead, "ref": "b", "opened_at": NOW})
    ticket = {"customer_id": id_, "category": "repair", "opened_on": TODAY}
    await add_rows(books, tickets, {**ticket, "number": "1", "status": "solved"})
    quote = {"customer_id": id_, "status": "sent", "amount": Decimal(9), "currency": "CNY", "made_on": TODAY}
    await add_rows(books, quotes, {**quote, "number": "Q1"})
    line = {"number": "Q1", "line": 1, "product": "x", "quantity": 2, "price": Decimal(1), "amount": Decimal(2)}
    await add_rows(books, quote_lines, line)
    await add_rows(books, appointments, {"customer_id": id_, "at": NOW, "state": "planned"})
    found = await card(books)
    assert [row["ref"] for row in found.leads] == ["b", "a"]
    assert [row["status"] for row in found.tickets] == ["solved"]
    assert [(row["number"], len(row["lines"])) for row in found.quotes] == [("Q1", 1)]
    assert [row["state"] for row in found.appointments] == ["planned"]


async def test_what_they_allow_and_which_number_must_not_be_called(books: CrmStore) -> None:
    for given, at in ((True, NOW - DAY), (False, NOW)):
        await books.write(partial(say, address=WANG, channel=Channel.SMS, given=given, by="cli:anna", at=at))
    await books.write(partial(say, address=MAIL, channel=Channel.MAIL, given=True, by="cli:anna", at=NOW))
    await books.write(partial(say, address=LI, channel=Channel.SMS, given=True, by="cli:anna", at=NOW))
    await books.write(partial(add, entry=Listed(HOME, NOW - DAY, None, "asked", "cli:anna")))
    await books.write(partial(add, entry=Listed(WANG, NOW - DAY, NOW - timedelta(hours=1), "", "cli:anna")))
    found = await card(books)
    assert [(row["e164"], row["do_not_call"], row["reason"]) for row in found.numbers] == [
        (WANG, False, None),
        (HOME, True, "asked"),
    ]
    assert [(row["address"], row["channel"], row["given"]) for row in found.consents] == [
        (WANG, "sms", False),
        (MAIL, "mail", True),
    ]


async def test_of_nobody_there_is_no_card(books: CrmStore) -> None:
    assert await books.read(partial(card_of, customer_id=999, now=NOW, zone=ZONE)) is None


# ---- the line of contacts


async def calls(store: CrmStore) -> None:
    """Two calls of hers, an hour apart; one of another customer's."""
    begin = NOW.timestamp()

    def entry(call_id: str, kind: str, after: float, **fields: Json) -> Entry:
        return Entry(call_id, kind, begin + after, fields)

    story = [
        entry("c1", "call_started", 0, dnis="1", ani=WANG, source="tv"),
        entry("c1", "leg", 60, agent="1001", queue="sales", began_at=begin + 10, talked_s=30),
        entry("c1", "leg", 90, agent="1002", queue="sales", began_at=begin + 50, talked_s=20),
        entry("c1", "outcome", 90, outcome="answered", agent="1002", queue="sales", talked_s=50.0, waited_s=9.0),
        entry("c1", "disposition", 95, agent="1002", code="sale", amount="299.70"),
        entry("c1", "sms", 100, to=WANG, text="thank you"),
        entry("c2", "call_started", 3600, dnis="1", ani=HOME, source="tv"),
        entry("c2", "voicemail", 3650, recording="c2_1", box="night", number=HOME),
        entry("c2", "outcome", 3660, outcome="voicemail"),
        entry("c3", "call_started", 10, dnis="1", ani=LI),
        entry("c4", "call_started", 7200, dnis="1", ani=WANG),
        entry("c4", "outcome", 7260, outcome="voicemail", voicemail="/srv/x/c4_9.wav"),
        entry("c4", "rung_back", 7300, agent="1003"),
        entry("c4", "rung_back_end", 7400, agent="1003", number=WANG, talked_s=40),
    ]
    await store.apply([Logged(seq, each) for seq, each in enumerate(story, 1)])


async def test_every_contact_newest_first(books: CrmStore) -> None:
    await calls(books)
    id_ = await wang(books)
    await books.write(partial(note, customer_id=id_, kind="visit", text="at the shop", out=False, by="cli:a", at=NOW))
    out, untold, message, hers, text, first, visit = await contacts(books)
    assert (out.kind, out.direction, out.talked_s, out.by) == ("call_out", "out", 40.0, "agent:1003")
    assert (untold.outcome, untold.recording) == ("voicemail", "c4_9")  # no engine was there to tell of it
    assert (message.kind, message.recording, message.address) == ("voicemail", "c2_1", HOME)
    assert (hers.kind, hers.outcome, hers.recording) == ("call", "voicemail", "")
    assert (text.kind, text.direction, text.text) == ("sms", "out", "thank you")
    assert (first.call_id, first.disposition, first.amount, first.by) == ("c1", "sale", Decimal("299.70"), "1002")
    assert (first.waited_s, first.talked_s, first.queue, first.source) == (9.0, 50.0, "sales", "tv")
    assert [(leg["agent"], leg["talked_s"]) for leg in first.legs] == [("1001", 30.0), ("1002", 20.0)]
    assert (visit.kind, visit.direction, visit.text, visit.by) == ("visit", "in", "at the shop", "cli:a")
    assert await contacts(books, limit=3) == [out, untold, message]


async def test_a_call_that_we_made_goes_out(books: CrmStore) -> None:
    start = Entry("c1", "call_started", NOW.timestamp(), {"dnis": "1", "ani": WANG})
    await books.apply([Logged(1, start), Logged(2, Entry("c1", "called_back", NOW.timestamp(), {"of": "c0"}))])
    [contact] = await contacts(books)
    assert (contact.direction, contact.outcome) == ("out", None)


async def test_what_was_noted_of_an_address_without_a_customer_is_theirs(books: CrmStore) -> None:
    row = {"kind": "mail", "direction": "in", "at": NOW, "by": "api:mail", "text": ""}
    await add_rows(books, interactions, {**row, "address": MAIL}, {**row, "address": HOME}, {**row, "address": LI})
    assert sorted(contact.address for contact in await contacts(books)) == sorted([MAIL, HOME])


# ---- what people write


@pytest.mark.parametrize(
    ("key", "kind", "said", "address"),
    [
        ("80001", "mail", "", MAIL),
        ("80001", "visit", "", WANG),
        ("80001", "note", HOME, HOME),
        ("80002", "mail", "", LI),
        ("80003", "note", "", ""),
    ],
)
async def test_a_note_is_of_the_address_that_fits(
    books: CrmStore, key: str, kind: Any, said: str, address: str
) -> None:
    await sow(books, Seed(customers=[CustomerSeed("80003", "nobody's number")]))
    [id_] = await find(books, key)
    job = partial(note, customer_id=id_, kind=kind, text="hello", out=True, by="cli:anna", at=NOW, address=said)
    await books.write(job)
    [row] = await books.read(lambda connection: list(connection.execute(select(interactions))))
    assert (row.customer_id, row.address, row.kind, row.direction, row.at) == (id_, address, kind, "out", NOW)
    assert (row.text, row.by, row.call_id, row.talked_s) == ("hello", "cli:anna", None, None)


async def test_fields_are_set_and_told(books: CrmStore) -> None:
    id_ = await wang(books)
    setting = partial(set_fields, customer_id=id_, values={"tier": "", "owner": "1009"}, by="cli:anna", at=NOW)
    assert await books.write(setting)
    assert not await books.write(setting)
    row = (await card(books)).customer
    assert (row["tier"], row["owner"], row["from_company"]) == ("silver", "1009", ["tier", "price_list"])
    told = [(change.field, change.before, change.after, change.by) for change in await changes(books)]
    assert sorted(told[:2]) == [("owner", "", "1009", "cli:anna"), ("tier", "gold", "", "cli:anna")]


@pytest.mark.parametrize("values", [{"number": "1"}, {"id": "1"}, {"tier": "x" * 65}, {"name": "x", "owner": "1" * 17}])
async def test_what_cannot_be_set_changes_nothing(books: CrmStore, values: dict[str, str]) -> None:
    with pytest.raises(Exception, match=r"not set here|more than"):
        await books.write(partial(set_fields, customer_id=1, values=values, by="cli:a", at=NOW))
    assert await changes(books) == [change for change in await changes(books) if change.by == "rule:stages"]


# ---- the trail


async def test_the_trail_is_of_every_row_that_is_theirs_and_of_no_other(books: CrmStore) -> None:
    await calls(books)  # a sale: an order of hers
    id_ = await wang(books)
    [li] = await find(books, "80002")

    def work(connection: Connection) -> None:
        for customer, number in ((id_, HOME), (li, LI)):
            set_fields(connection, customer, {"name": "N"}, by="cli:anna", at=NOW)
            note(connection, customer, "note", "x", out=False, by="cli:anna", at=NOW)
            say(connection, number, Channel.SMS, False, by="cli:anna", at=NOW)
            add(connection, Listed(number, NOW, None, "", "cli:anna"))
            [promise] = connection.execute(
                select(promises.c.id).where(promises.c.customer_id == customer).order_by(promises.c.id).limit(1)
            ).scalars()
            close(connection, read_item(f"promise-{promise}", "CN"), me="cli:anna", at=NOW)
        take(connection, read_item("voicemail-1", "CN"), me="cli:anna", at=NOW)
        close(connection, read_item("delivery-S3", "CN"), me="cli:anna", at=NOW)

    await books.write(work)
    hers = {(row.subject, row.field) for row in await changes(books)}
    assert hers == {
        ("customers", "name"),
        ("customers", "stage"),
        ("orders", "*"),
        ("interactions", "*"),
        ("consents", "*"),
        ("do_not_call", "*"),
        ("promises", "kept_at"),
        ("work_items", "closed_at"),
        ("work_items", "taken_by"),
        ("shipments", "confirmed_at"),
        ("shipments", "confirmed_by"),
    }
    keys = {row.key for row in await changes(books, "80002")}
    assert not keys & {row.key for row in await changes(books) if row.subject not in ("consents", "interactions")}
    assert LI in keys
    newest = await changes(books, limit=2)
    assert newest == (await changes(books))[:2]


async def test_the_row_of_a_customer_who_only_called_can_be_shown(books: CrmStore) -> None:
    start = Entry("c1", "call_started", NOW.timestamp(), {"dnis": "1", "ani": "13700137000", "name": "Zhao"})
    await books.apply([Logged(1, start)])
    found = await card(books, "13700137000")
    assert (found.customer["name"], found.customer["number"], found.household) == ("Zhao", None, None)
    rows = await books.read(lambda connection: list(connection.execute(select(customers.c.id))))
    assert len(rows) == 3
