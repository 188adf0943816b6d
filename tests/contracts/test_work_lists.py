"""The lists of what is to be done, who takes it on and what closing does, on both kinds of database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Table, insert, select, update

from crm_bridge import leads as steps
from crm_bridge.do_not_call import Listed
from crm_bridge.do_not_call import add as forbid
from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.lead_refusals import why_not
from crm_bridge.models import appointments, changes, leads, promises, shipments, tasks, tickets, work_items
from crm_bridge.rules import CrmRules
from crm_bridge.seed import CompanySeed, CustomerSeed, DealerSeed, OrderSeed, PromiseSeed, Seed, ShipmentSeed, sow
from crm_bridge.store import CrmStore
from crm_bridge.upserts import put_where
from crm_bridge.work_lists import Wanted, care, surveys
from crm_bridge.work_lists import tasks as messages
from crm_bridge.work_lists.items import read_item
from crm_bridge.work_lists.standing import Refusal
from crm_bridge.work_lists.working import close, drop, give, take

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)  # the 25th has begun in Shanghai
TODAY = date(2026, 11, 25)
DAY = timedelta(days=1)
WANG = "+8613800138000"
WANTED = Wanted(NOW, SHANGHAI)

SEED = Seed(
    companies=[CompanySeed("longtech", "龙腾", tier="silver")],
    customers=[CustomerSeed("80001", "王芳", (WANG,), company="longtech"), CustomerSeed("80002", "Tom", tier="gold")],
    orders=[OrderSeed("A1", "80001", "delivered", Decimal(5), "CNY", TODAY)],
    shipments=[
        ShipmentSeed("77000036", "A1", "SF", "delivered", TODAY, TODAY - 3 * DAY, "杭州"),
        ShipmentSeed("77000037", "A1", "SF", "delivered", TODAY, TODAY - DAY),
        ShipmentSeed("77000038", "A1", "SF", "in_transit", TODAY),
        ShipmentSeed("77000039", "A1", "SF", "returned", TODAY, TODAY - 2 * DAY),
    ],
    dealers=[DealerSeed("301", "华东", "east"), DealerSeed("302", "华南", "south")],
    promises=[
        PromiseSeed("later", "80001", "later", TODAY + DAY, "1001"),
        PromiseSeed("today", "80002", "today", TODAY),
        PromiseSeed("broken", "80001", "broken", TODAY - DAY),
        PromiseSeed("kept", "80001", "kept", TODAY - 9 * DAY, kept_at=NOW - 9 * DAY),
    ],
)


@pytest.fixture
async def books(store: CrmStore) -> CrmStore:
    await sow(store, SEED, TODAY)
    return store


async def listed(store: CrmStore, lines: Callable[..., list[Any]], **wanted: Any) -> list[Any]:
    return await store.read(partial(lines, wanted=replace(WANTED, **wanted)))


async def act(
    store: CrmStore, what: Callable[..., Refusal | None], item: str, *more: Any, **said: Any
) -> Refusal | None:
    named = read_item(item, "CN")
    said = {"me": "cli:anna", "at": NOW, **said}
    return await store.write(lambda connection: what(connection, named, *more, **said))


async def add(store: CrmStore, table: Table, *rows: dict[str, Any]) -> None:
    await store.write(lambda connection: connection.execute(insert(table), list(rows)))


async def only(store: CrmStore, table: Table, **key: Any) -> Any:
    [(name, value)] = key.items()
    return await store.read(lambda connection: connection.execute(select(table).where(table.c[name] == value)).one())


async def tell(store: CrmStore, *entries: Entry) -> None:
    await store.apply([Logged(seq, entry) for seq, entry in enumerate(entries, 1)])


def started(call_id: str = "c1", ani: str = WANG) -> Entry:
    return Entry(call_id, "call_started", (NOW - DAY).timestamp(), {"dnis": "4008001001", "ani": ani})


# ---- the lists


async def test_promises_due_today_and_broken_by_the_sites_midnight(books: CrmStore) -> None:
    broken, today = await listed(books, care.open_promises)
    assert (broken.text, broken.standing, broken.number, broken.tier) == ("broken", "broken", WANG, "silver")
    assert (today.text, today.standing, today.number, today.tier) == ("today", "today", "", "gold")
    assert (today.customer, today.name, today.item) == ("80002", "Tom", f"promise-{today.item.partition('-')[2]}")
    every = await listed(books, care.open_promises, all=True)
    assert [(line.text, line.standing, line.keeper) for line in every[2:]] == [("later", "later", "1001")]
    yesterday = await listed(books, care.open_promises, now=NOW - timedelta(hours=2))
    assert [(line.text, line.standing) for line in yesterday] == [("broken", "today")]


async def test_a_promise_that_is_withdrawn_is_no_work(books: CrmStore) -> None:
    await books.write(lambda connection: connection.execute(update(promises).values(withdrawn_at=NOW)))
    assert await listed(books, care.open_promises, all=True) == []


async def test_deliveries_that_nobody_has_confirmed(books: CrmStore) -> None:
    newer, older = await listed(books, care.unconfirmed_deliveries)
    assert (newer.item, older.item) == ("delivery-77000037", "delivery-77000036")
    assert (older.order, older.carrier, older.delivered_on, older.place) == ("A1", "SF", TODAY - 3 * DAY, "杭州")
    assert (older.customer, older.number) == ("80001", WANG)


def lead(ref: str, state: str, **more: Any) -> dict[str, Any]:
    row = {"ref": ref, "customer_id": 1, "state": state, "opened_at": NOW - DAY, "product": ref, "dealer": None}
    return {**row, "due_at": None, **more}


async def test_leads_by_the_dealers_clock(books: CrmStore) -> None:
    rows = [lead(state, state) for state in ("new", "accepted", "won", "lost")]
    late, soon = NOW - timedelta(minutes=5), NOW + timedelta(hours=1)
    rows += [lead("soon", "assigned", dealer="301", due_at=soon), lead("late", "assigned", dealer="302", due_at=late)]
    await add(books, leads, *rows)
    lines = await listed(books, care.open_leads)
    assert [(line.product, line.dealer, line.left_s) for line in lines] == [
        ("new", "", None),
        ("late", "302", -300.0),
        ("soon", "301", 3600.0),
    ]


def ticket(number: str, status: str = "open", due_at: datetime | None = None) -> dict[str, Any]:
    row = {"number": number, "customer_id": 1, "status": status, "category": "repair", "opened_on": TODAY}
    return {**row, "due_at": due_at}


async def test_tickets_with_a_broken_sla_come_first(books: CrmStore) -> None:
    await add(
        books,
        tickets,
        ticket("1"),
        ticket("2", due_at=NOW + DAY),
        ticket("3", "in_progress", due_at=NOW - DAY),
        ticket("4", "solved", due_at=NOW - DAY),
        ticket("5", "cancelled"),
        ticket("6", due_at=NOW - 2 * DAY),
    )
    lines = await listed(books, care.open_tickets)
    assert [(line.ticket, line.broken) for line in lines] == [("6", True), ("3", True), ("2", False), ("1", False)]


def appointment(at: datetime, state: str = "planned") -> dict[str, Any]:
    return {"customer_id": 1, "at": at, "state": state, "purpose": state}


async def test_planned_appointments_by_time(books: CrmStore) -> None:
    times = (NOW + DAY, NOW - DAY, NOW)
    await add(books, appointments, *(appointment(at) for at in times), appointment(NOW, "kept"))
    lines = await listed(books, care.planned_appointments)
    assert [(line.at, line.item) for line in lines] == [
        (NOW - DAY, "appointment-2"),
        (NOW, "appointment-3"),
        (NOW + DAY, "appointment-1"),
    ]


def survey(call_id: str, days_ago: float, **said: Json) -> Entry:
    return Entry(call_id, "survey", (NOW - days_ago * DAY).timestamp(), said)


async def test_low_marks_of_the_last_days(books: CrmStore) -> None:
    await tell(
        books,
        *(started(f"c{nr}") for nr in range(6)),
        survey("c0", 1, service=2, again=9, comment="words"),
        survey("c1", 2, service=3),
        survey("c2", 31, service=1),
        survey("c3", 3, comment="only words"),
        survey("c4", 4, service=0),
    )
    low = await listed(books, surveys.answers)
    assert [(line.item, dict(line.scores), line.recording) for line in low] == [
        ("survey-c0-7", {"again": 9, "service": 2}, "words"),
        ("survey-c4-11", {"service": 0}, ""),
    ]
    assert (low[0].name, low[0].customer, low[0].number, low[0].tier) == ("王芳", "80001", WANG, "silver")
    assert [line.call_id for line in await listed(books, surveys.answers, below=4)] == ["c0", "c1", "c4"]
    assert [line.call_id for line in await listed(books, surveys.answers, days=40)] == ["c0", "c4", "c2"]
    assert [line.call_id for line in await listed(books, surveys.answers, days=2)] == ["c0"]
    every = await listed(books, surveys.answers, all=True)
    assert [line.call_id for line in every] == ["c0", "c1", "c3", "c4", "c2"]
    assert await act(books, close, "survey-c0-7", note="called her") is None
    assert [line.call_id for line in await listed(books, surveys.answers)] == ["c4"]
    assert await listed(books, surveys.answers, all=True) == every  # nothing is lost


async def test_messages_and_wishes_with_whose_they_are(books: CrmStore) -> None:
    message: dict[str, Json] = {"box": "night", "recording": "r", "number": WANG, "seconds": 2}
    await tell(
        books,
        started(ani=""),
        Entry("c1", "voicemail", NOW.timestamp(), message),
        Entry("c1", "callback", NOW.timestamp(), {"number": "+8613900139000", "queue": "sales"}),
    )
    [left] = await listed(books, messages.voicemails)
    assert (left.item, left.name, left.customer, left.tier, left.mark) == ("voicemail-1", "王芳", "80001", "silver", "")
    [wish] = await listed(books, messages.callbacks)
    assert (wish.item, wish.name, wish.customer_id, wish.queue) == ("callback-2", "", None, "sales")


async def test_who_asked_to_be_called_is_called_and_the_mark_says_so(books: CrmStore) -> None:
    numbers = (WANG, "+8613900139000", "")
    wishes = [Entry(f"c{nr}", "callback", NOW.timestamp(), {"number": number}) for nr, number in enumerate(numbers)]
    await tell(books, *(started(f"c{nr}", number) for nr, number in enumerate(numbers)), *wishes)
    await books.write(partial(forbid, entry=Listed(WANG, NOW, None, "", "cli:a")))
    marks = {line.number: line.mark for line in await listed(books, messages.callbacks)}
    assert marks == {WANG: "must not be called, but has asked for this call", "+8613900139000": "", "": ""}


# ---- taking on


async def fill(store: CrmStore) -> None:
    """A line of every list but the missed."""
    await add(store, leads, lead("r1", "new"))
    await add(store, tickets, ticket("5001"))
    await add(store, appointments, appointment(NOW))
    await tell(
        store,
        started(),
        Entry("c1", "voicemail", NOW.timestamp(), {"recording": "r"}),
        Entry("c1", "callback", NOW.timestamp(), {"queue": "sales"}),
        survey("c1", 1, service=1),
    )


LISTS: dict[str, Callable[..., list[Any]]] = {
    "promise-3": care.open_promises,
    "lead-1": care.open_leads,
    "ticket-5001": care.open_tickets,
    "appointment-1": care.planned_appointments,
    "delivery-77000036": care.unconfirmed_deliveries,
    "voicemail-1": messages.voicemails,
    "callback-2": messages.callbacks,
    "survey-c1-4": surveys.answers,
}


async def with_items(store: CrmStore) -> None:
    """The broken promise is the third one of the seed."""
    await fill(store)
    [row] = await store.read(
        lambda connection: list(connection.execute(select(promises.c.id).where(promises.c.ref == "broken")))
    )
    assert row.id == 3


@pytest.mark.parametrize("item", list(LISTS))
async def test_a_line_is_taken_by_one_and_shown_as_theirs(books: CrmStore, item: str) -> None:
    await with_items(books)
    lines = LISTS[item]

    async def names(**wanted: Any) -> list[str]:
        return [line.item for line in await listed(books, lines, **wanted)]

    assert item in await names(taken_by="")
    assert await act(books, take, item) is None
    [mine] = [line for line in await listed(books, lines) if line.item == item]
    assert (mine.taken_by, mine.taken_at) == ("cli:anna", NOW)
    assert await names(taken_by="cli:anna") == [item]
    assert item not in await names(taken_by="")
    assert await names(taken_by="cli:bob") == []

    refusal = await act(books, take, item, me="cli:bob", at=NOW + DAY)
    assert refusal == Refusal("taken", f"cli:anna has {item}", NOW, "cli:anna")
    assert await act(books, take, item, at=NOW + DAY) is None  # hers already, since then
    assert [line.taken_at for line in await listed(books, lines, taken_by="cli:anna")] == [NOW]
    assert await act(books, take, item, me="cli:bob", force=True) is None
    assert await names(taken_by="cli:bob") == [item]


async def test_given_and_dropped(books: CrmStore) -> None:
    item = "promise-3"
    assert await act(books, give, item, "agent:1001") is None  # nobody had it
    refusal = await act(books, give, item, "agent:1002")
    assert refusal is not None
    assert refusal.text == f"agent:1001 has {item}"
    assert await act(books, give, item, "agent:1002", me="agent:1001", by="cli:anna") is None
    assert await act(books, give, item, "agent:1001", force=True) is None
    refusal = await act(books, drop, item)
    assert refusal is not None
    assert refusal.text == f"agent:1001 has {item}, not cli:anna"
    assert await act(books, drop, item, me="agent:1001") is None
    refusal = await act(books, drop, item, me="agent:1001")
    assert refusal is not None
    assert refusal.text == f"nobody has taken {item}"
    assert await act(books, take, item) is None
    assert await act(books, drop, item, me="cli:bob", force=True) is None
    rows = await books.read(lambda connection: list(connection.execute(select(changes).order_by(changes.c.id))))
    told = [(row.by, row.before, row.after) for row in rows if row.subject == "work_items"]
    assert told[:3] == [
        ("cli:anna", "", "agent:1001"),
        ("cli:anna", "agent:1001", "agent:1002"),
        ("cli:anna", "agent:1002", "agent:1001"),
    ]
    assert told[3:] == [("agent:1001", "agent:1001", ""), ("cli:anna", "", "cli:anna"), ("cli:bob", "cli:anna", "")]


async def test_of_two_who_take_it_at_once_one_has_it(books: CrmStore, crm_url: str) -> None:
    stores = [CrmStore(crm_url) for _ in range(6)]
    for turn in range(5):
        item = f"ticket-{turn}"
        await add(books, tickets, ticket(str(turn)))
        people = [f"cli:p{nr}" for nr in range(len(stores))]
        said = await asyncio.gather(*(act(s, take, item, me=me) for s, me in zip(stores, people, strict=True)))
        assert sum(refusal is None for refusal in said) == 1
        [winner] = [me for me, refusal in zip(people, said, strict=True) if refusal is None]
        assert (await only(books, work_items, item=item)).taken_by == winner
        assert {refusal.text for refusal in said if refusal is not None} == {f"{winner} has {item}"}
    for store in stores:
        await store.close()


async def test_the_write_itself_looks_who_has_it(books: CrmStore) -> None:
    """Also where no one keeps other writers out meanwhile."""

    def put(connection: Connection, who: str) -> bool:
        free = work_items.c.taken_by.in_(("", who))
        return put_where(connection, work_items, {"item": "x", "taken_by": who, "taken_at": NOW}, free)

    assert [await books.write(partial(put, who=who)) for who in ("a", "b", "a")] == [True, False, True]
    assert (await only(books, work_items, item="x")).taken_by == "a"


# ---- closing


@pytest.mark.parametrize(
    ("item", "table", "key", "expected"),
    [
        ("promise-3", promises, {"id": 3}, {"kept_at": NOW}),
        ("ticket-5001", tickets, {"number": "5001"}, {"status": "solved", "solved_at": NOW}),
        ("appointment-1", appointments, {"id": 1}, {"state": "kept"}),
        ("delivery-77000036", shipments, {"number": "77000036"}, {"confirmed_at": NOW, "confirmed_by": "agent:1001"}),
        ("voicemail-1", tasks, {"id": 1}, {"state": "done"}),
        ("callback-2", tasks, {"id": 2}, {"state": "done"}),
    ],
)
async def test_closing_does_the_thing_itself(
    books: CrmStore, item: str, table: Table, key: dict[str, Any], expected: dict[str, Any]
) -> None:
    await with_items(books)
    await act(books, take, item)
    assert await act(books, close, item, me="agent:1001", by="cli:anna", note="all is well") is None
    row = await only(books, table, **key)
    assert {name: getattr(row, name) for name in expected} == expected
    assert item not in [line.item for line in await listed(books, LISTS[item])]
    overlay = await only(books, work_items, item=item)
    assert (overlay.closed_by, overlay.closed_at, overlay.note) == ("agent:1001", NOW, "all is well")
    assert (overlay.taken_by, overlay.taken_at) == ("", None)
    rows = await books.read(lambda connection: list(connection.execute(select(changes))))
    told = {(row.subject, row.key, row.field, row.by) for row in rows}
    assert {(table.name, str(*key.values()), field, "cli:anna") for field in expected} <= told

    for again in (close, take):
        refusal = await act(books, again, item, me="cli:bob", at=NOW + DAY)
        assert refusal == Refusal("done", f"{item} is done already, by agent:1001")
    assert await only(books, table, **key) == row


async def test_one_promise_closed_leaves_the_others(books: CrmStore) -> None:
    before = [line.item for line in await listed(books, care.open_promises, all=True)]
    await act(books, close, before[1])
    assert [line.item for line in await listed(books, care.open_promises, all=True)] == [before[0], before[2]]


async def test_a_lead_is_not_closed_here(books: CrmStore) -> None:
    await with_items(books)
    refusal = await act(books, close, "lead-1")
    assert refusal is not None
    assert (refusal.why, (await only(books, leads, id=1)).state) == ("elsewhere", "new")


@pytest.mark.parametrize(
    "item",
    [
        "promise-99",
        "lead-99",
        "ticket-T",
        "appointment-9",
        "delivery-A1",
        "callback-1",  # is a voicemail
        "voicemail-2",  # is a callback
        "survey-c1-99",
        "promise-2147483647",
    ],
)
async def test_what_is_not_there_is_nobodys(books: CrmStore, item: str) -> None:
    await with_items(books)
    for what in (take, close):
        assert await act(books, what, item) == Refusal("unknown", f"there is no {item}")
    assert await books.read(lambda connection: list(connection.execute(select(work_items)))) == []


async def test_of_two_who_close_it_at_once_the_second_is_told(books: CrmStore, crm_url: str) -> None:
    stores = [CrmStore(crm_url) for _ in range(4)]
    moments = [NOW + nr * DAY for nr in range(len(stores))]
    said = await asyncio.gather(
        *(act(s, close, "promise-3", me=f"cli:p{nr}", at=moments[nr]) for nr, s in enumerate(stores))
    )
    assert sorted(refusal.why if refusal is not None else "" for refusal in said) == ["", "done", "done", "done"]
    row = await only(books, promises, id=3)
    assert row.kept_at == moments[[refusal is None for refusal in said].index(True)]
    for store in stores:
        await store.close()


async def test_too_long_a_note_closes_nothing(books: CrmStore) -> None:
    with pytest.raises(Exception, match="500"):
        await act(books, close, "promise-3", note="x" * 501)
    assert (await only(books, promises, id=3)).kept_at is None


# ---- why a lead's step is not possible


async def test_the_reason_why_a_lead_cannot_be_accepted(books: CrmStore) -> None:
    await add(books, leads, lead("a", "assigned", dealer="301", due_at=NOW), lead("n", "new"))

    async def why(lead_id: int, act: str, **more: str) -> str:
        return await books.read(lambda connection: why_not(connection, lead_id, act, **more))

    assert await why(1, "accept") == await why(1, "accept", holder="301") == ""
    assert await why(1, "accept", holder="302") == "lead-1 is in the hands of dealer 301"
    assert await why(2, "accept") == "lead-2 is new, and this needs one that is assigned"
    assert await why(2, "assign", to="999") == "there is no dealer 999"
    assert await why(2, "assign", to="302") == ""
    assert await why(9, "close") == "there is no lead-9"
    assert await books.write(lambda c: steps.assign(c, 2, "302", CrmRules(), by="cli:a", at=NOW))
