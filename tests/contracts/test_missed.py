"""Who is on the list of the missed callers, and who is not any more, on both kinds of database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from crm_bridge.consent import Channel, say
from crm_bridge.do_not_call import Listed, add
from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.models import calls, customer_numbers, interactions, work_items
from crm_bridge.seed import CompanySeed, CustomerSeed, Seed, sow
from crm_bridge.store import CrmStore
from crm_bridge.work_lists import Wanted, last_abandoned
from crm_bridge.work_lists.items import Item, ItemKind
from crm_bridge.work_lists.missed import missed, without_number
from crm_bridge.work_lists.missed_figures import MissedLine
from crm_bridge.work_lists.working import close, drop, take

NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
WANG, HOME, LI = "+8613800138000", "+862162345678", "+8613900139000"
MISSES = ("abandoned_queue", "timeout", "overflow", "rejected", "system_failure", "pbx_lost")
OTHERS = ("answered", "abandoned_ivr", "callback", "voicemail", "self_served")


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


class Phone:
    """Calls at so many minutes after noon, as the journal tells of them."""

    def __init__(self, store: CrmStore) -> None:
        self.store, self.seq = store, 0

    async def call(
        self, at: float, ani: str = WANG, outcome: str | None = "abandoned_queue", of: str = "", **end: Json
    ) -> str:
        """One that lasts a minute."""
        call_id, begin = f"c{self.seq}", minutes(at).timestamp()
        start: dict[str, Json] = {"dnis": "4008001001", "ani": ani, "name": "Fang", "source": "tv"}
        story = [Entry(call_id, "call_started", begin, start)]
        story += [Entry(call_id, "called_back", begin + 1, {"of": of})] if of else []
        ended: dict[str, Json] = {"outcome": outcome, "queue": "sales", "ended_at": begin + 60, **end}
        story += [Entry(call_id, "outcome", begin + 60, ended)] if outcome else []
        await self.tell(*story)
        return call_id

    async def talk(self, at: float, ani: str = WANG, talked_s: float = 30.0, of: str = "") -> str:
        return await self.call(at, ani, "answered", of, agent="1001", talked_s=talked_s)

    async def ring_back(self, call_id: str, at: float, talked_s: float | None, number: str = WANG) -> None:
        """*38: taken on, and what came of it."""
        when = minutes(at).timestamp()
        await self.tell(Entry(call_id, "rung_back", when, {"agent": "1002"}))
        if talked_s is not None:
            told: dict[str, Json] = {"agent": "1002", "number": number, "talked_s": talked_s}
            await self.tell(Entry(call_id, "rung_back_end", when + 60, told))

    async def tell(self, *entries: Entry) -> None:
        batch = []
        for entry in entries:
            self.seq += 1
            batch.append(Logged(self.seq, entry))
        await self.store.apply(batch)

    async def list(self, at: float = 100.0, **wanted: Any) -> list[MissedLine]:
        return await self.store.read(partial(missed, wanted=Wanted(minutes(at), ZoneInfo("Asia/Shanghai"), **wanted)))

    async def numbers(self, at: float = 100.0, **wanted: Any) -> list[str]:
        return [line.number for line in await self.list(at, **wanted)]

    async def act(self, act: Any, item: str, at: float, **more: Any) -> Any:
        named = Item(ItemKind.MISSED, item.partition("-")[2])
        return await self.store.write(lambda connection: act(connection, named, at=minutes(at), **more))


@pytest.fixture
def phone(store: CrmStore) -> Phone:
    return Phone(store)


async def wang_in_the_books(store: CrmStore, **more: str) -> None:
    """A customer with two numbers."""
    await sow(store, Seed(customers=[CustomerSeed("80001", "王芳", (WANG, HOME), **more)]))


async def of_no_customer(store: CrmStore) -> None:
    """As calls may come from elsewhere: with a number, and of nobody."""

    def part(connection: Connection) -> None:
        connection.execute(update(calls).values(customer_id=None))
        connection.execute(delete(customer_numbers))

    await store.write(part)


@pytest.mark.parametrize("outcome", [*MISSES, *OTHERS, None])
async def test_which_ends_are_misses(phone: Phone, outcome: str | None) -> None:
    await phone.call(0, outcome=outcome)
    assert await phone.numbers() == ([WANG] if outcome in MISSES else [])


async def test_a_call_that_was_lost_in_a_conversation_is_no_miss(phone: Phone) -> None:
    await phone.call(0, outcome="pbx_lost", answered_at=minutes(0.5).timestamp())
    assert await phone.list() == []


async def test_a_miss_after_the_conversation_is_a_line_and_one_before_it_is_not(phone: Phone) -> None:
    await phone.call(0)
    await phone.talk(10)
    assert await phone.list() == []
    await phone.call(20)
    [line] = await phone.list()
    assert (line.since, line.last_at, line.times) == (minutes(21), minutes(21), 1)


async def test_a_conversation_without_talk_clears_nothing(phone: Phone) -> None:
    await phone.call(0)
    await phone.talk(10, talked_s=0.0)
    assert await phone.numbers() == [WANG]


async def test_a_conversation_clears_what_was_missed_while_it_lasted(phone: Phone) -> None:
    """Somebody of the same number calls on another line meanwhile, and gives up before the conversation is over."""
    await phone.call(5)
    begin, end = minutes(0).timestamp(), minutes(30).timestamp()
    start = Entry("long", "call_started", begin, {"dnis": "4008001001", "ani": WANG})
    told: dict[str, Json] = {"outcome": "answered", "talked_s": 1700.0, "ended_at": end}
    await phone.tell(start, Entry("long", "outcome", end, told))
    assert await phone.list() == []


async def test_another_number_of_the_same_customer_is_the_same_caller(store: CrmStore, phone: Phone) -> None:
    await wang_in_the_books(store)
    await phone.call(0, WANG)
    await phone.call(5, HOME, queue="service")
    await phone.call(7, LI)
    [li, wang] = await phone.list()
    assert (wang.number, wang.times, wang.since, wang.queue) == (HOME, 2, minutes(1), "service")
    assert (wang.customer, wang.name, wang.item) == ("80001", "王芳", f"missed-c{wang.customer_id}")
    await phone.talk(10, HOME)
    assert await phone.numbers() == [li.number] == [LI]


async def test_strangers_are_told_apart(phone: Phone) -> None:
    await phone.call(0, WANG)
    await phone.call(1, LI)
    await phone.talk(10, LI)
    [line] = await phone.list()
    assert (line.number, line.name, line.customer) == (WANG, "Fang", "")


async def test_a_caller_of_no_customer_goes_by_their_number(store: CrmStore, phone: Phone) -> None:
    await phone.call(0, WANG, waited_s=7.0)
    await phone.call(1, WANG)
    await phone.call(2, LI)
    await of_no_customer(store)
    lines = {line.item: line for line in await phone.list()}
    assert set(lines) == {f"missed-{WANG}", f"missed-{LI}"}
    assert (lines[f"missed-{WANG}"].times, lines[f"missed-{WANG}"].longest_wait_s) == (2, 7.0)
    assert lines[f"missed-{WANG}"].name == "Fang"
    await phone.act(take, f"missed-{WANG}", 4, me="cli:anna")
    assert [line.item for line in await phone.list(taken_by="cli:anna")] == [f"missed-{WANG}"]
    await phone.act(close, f"missed-{LI}", 4, me="cli:anna")
    assert [line.item for line in await phone.list()] == [f"missed-{WANG}"]
    row = {"address": WANG, "kind": "call_out", "direction": "out", "at": minutes(5), "by": "agent:1", "talked_s": 3.0}
    await store.write(lambda connection: connection.execute(insert(interactions).values(row)))
    assert await phone.list() == []


# ---- we have called them


@pytest.mark.parametrize(("talked_s", "still"), [(None, True), (0.0, True), (12.0, False)])
async def test_a_call_back_from_the_phone_clears_it_once_they_talked(
    phone: Phone, talked_s: float | None, still: bool
) -> None:
    call_id = await phone.call(0)
    await phone.ring_back(call_id, 10, talked_s)
    lines = await phone.list()
    assert [line.rung_by for line in lines] == (["1002"] if still else [])
    await phone.call(20)
    assert [(line.times, line.rung_by) for line in await phone.list()] == [(2 if still else 1, "")]


async def test_a_call_back_of_the_queue_clears_it(phone: Phone) -> None:
    call_id = await phone.call(0)
    await phone.call(5, outcome="timeout", of=call_id)  # picked up, and gone before an agent was there: missed again
    assert [line.times for line in await phone.list()] == [2]
    await phone.talk(10, of=call_id)
    assert await phone.list() == []


@pytest.mark.parametrize("by_customer", [True, False])
@pytest.mark.parametrize(("kind", "at", "still"), [("call_out", 10, False), ("call_out", -1, True), ("sms", 10, True)])
async def test_a_call_out_to_any_number_of_the_customer_clears_it(
    store: CrmStore, phone: Phone, by_customer: bool, kind: str, at: int, still: bool
) -> None:
    """Whether whoever wrote it down knew the customer or only the number."""
    await wang_in_the_books(store)
    await phone.call(0, WANG)
    [line] = await phone.list()
    row = {"kind": kind, "direction": "out", "at": minutes(at), "by": "api:dialler", "talked_s": 5.0}
    row |= {"customer_id": line.customer_id} if by_customer else {"address": HOME}
    await store.write(lambda connection: connection.execute(insert(interactions).values(row)))
    assert bool(await phone.list()) is still


# ---- what a line tells


async def test_a_line_tells_of_the_misses_since_the_last_conversation(store: CrmStore, phone: Phone) -> None:
    company = CompanySeed("longtech", "龙腾", tier="silver")
    await sow(store, Seed(companies=[company], customers=[CustomerSeed("80001", "王芳", (WANG,), company="longtech")]))
    await phone.call(0, waited_s=999.0)
    await phone.talk(2)
    await phone.call(10, waited_s=30.0, queue="service")
    await phone.call(12, waited_s=90.0)
    last = await phone.call(14, outcome="rejected", queue="")
    [line] = await phone.list()
    assert (line.times, line.since, line.last_at) == (3, minutes(11), minutes(15))
    assert (line.longest_wait_s, line.queue, line.source, line.call_id) == (90.0, "sales", "tv", last)
    assert (line.tier, line.name, line.mark, line.taken_by, line.taken_at) == ("silver", "王芳", "", "", None)


async def test_the_newest_first_and_no_more_than_wanted(phone: Phone) -> None:
    for nr in range(5):
        await phone.call(nr, f"+861380013800{nr}")
    assert await phone.numbers(limit=2) == ["+8613800138004", "+8613800138003"]


async def test_only_the_days_in_question(phone: Phone) -> None:
    await phone.call(0)
    month = 30 * 24 * 60
    assert await phone.numbers(month - 1) == [WANG]
    assert await phone.numbers(month + 1) == []
    assert await phone.numbers(month + 1, days=31) == [WANG]


@pytest.mark.parametrize("ani", ["", "2001", "anonymous"])
async def test_who_cannot_be_called_back_is_counted(store: CrmStore, phone: Phone, ani: str) -> None:
    await phone.call(0, ani)
    await phone.call(1, ani, outcome="answered", talked_s=5.0)
    await phone.call(2)
    assert await phone.numbers() == [WANG]
    assert await store.read(partial(without_number, wanted=Wanted(minutes(100), UTC))) == 1
    assert await store.read(partial(without_number, wanted=Wanted(minutes(100), UTC, days=0))) == 0


async def test_more_lines_than_are_asked_for_at_once(store: CrmStore, phone: Phone) -> None:
    entries = []
    for nr in range(1100):
        at = minutes(nr / 100).timestamp()
        entries.append(Entry(f"x{nr}", "call_started", at, {"dnis": "1", "ani": f"+86138001{nr:05}"}))
        entries.append(Entry(f"x{nr}", "outcome", at, {"outcome": "timeout"}))
    await phone.tell(*entries)
    assert await phone.numbers(limit=5000) == [f"+86138001{nr:05}" for nr in reversed(range(1100))]


# ---- who has taken it on, and closed it


async def test_taken_until_somebody_has_spoken_with_them(phone: Phone) -> None:
    await phone.call(0)
    [line] = await phone.list()
    assert await phone.act(take, line.item, 5, me="cli:anna") is None
    [mine] = await phone.list(taken_by="cli:anna")
    assert (mine.taken_by, mine.taken_at) == ("cli:anna", minutes(5))
    assert await phone.list(taken_by="") == []
    assert await phone.list(taken_by="cli:bob") == []
    await phone.talk(10)
    await phone.call(20)
    [again] = await phone.list()
    assert (again.taken_by, again.taken_at) == ("", None)  # anna took on what is over
    assert await phone.list(taken_by="cli:anna") == []
    assert await phone.numbers(taken_by="") == [WANG]
    assert await phone.act(take, line.item, 25, me="cli:bob") is None
    assert [line.taken_by for line in await phone.list()] == ["cli:bob"]


async def test_closed_until_missed_again(store: CrmStore, phone: Phone) -> None:
    await phone.call(0)
    [line] = await phone.list()
    await phone.act(take, line.item, 3, me="cli:anna")
    assert await phone.act(close, line.item, 5, me="cli:anna", note="wrote to them") is None
    assert await phone.list() == []
    refusal = await phone.act(close, line.item, 6, me="cli:bob")
    assert refusal.why == "done"
    assert (await phone.act(take, line.item, 6, me="cli:bob")).why == "done"
    await phone.call(10)
    [again] = await phone.list()
    assert (again.item, again.taken_by, again.times, again.since) == (line.item, "", 1, minutes(11))
    [row] = await store.read(lambda connection: list(connection.execute(select(work_items))))
    assert (row.closed_by, row.note) == ("cli:anna", "wrote to them")
    assert await phone.act(take, line.item, 12, me="cli:bob") is None
    assert [(found.taken_by, found.times) for found in await phone.list()] == [("cli:bob", 1)]


async def test_closing_does_not_close_a_miss_that_is_told_later(phone: Phone) -> None:
    """As by a store that was away when it happened."""
    await phone.call(0)
    [line] = await phone.list()
    await phone.act(close, line.item, 30, me="cli:anna")
    await phone.call(20)
    assert [(found.times, found.last_at) for found in await phone.list()] == [(1, minutes(21))]


async def test_a_line_may_be_named_by_any_number_of_its_customer(store: CrmStore, phone: Phone) -> None:
    await wang_in_the_books(store)
    await phone.call(0, HOME)
    assert await phone.act(take, f"missed-{HOME}", 5, me="cli:anna") is None
    assert [line.taken_by for line in await phone.list()] == ["cli:anna"]
    assert (await phone.act(drop, f"missed-{HOME}", 5, me="cli:bob")).why == "taken"
    assert await phone.act(drop, f"missed-{HOME}", 5, me="cli:anna") is None
    assert [line.taken_by for line in await phone.list()] == [""]


@pytest.mark.parametrize("item", [f"missed-{LI}", "missed-c999", "missed-c1"])
async def test_who_was_not_missed_is_nobodys_to_take(phone: Phone, item: str) -> None:
    """Although somebody else was."""
    await phone.talk(0)
    await phone.call(1, HOME)
    for act in (take, close):
        assert (await phone.act(act, item, 5, me="cli:anna")).why == "done"


async def test_what_is_done_with_one_caller_is_not_done_with_another(phone: Phone) -> None:
    await phone.call(0, WANG)
    await phone.call(10, LI)
    items = {line.number: line.item for line in await phone.list()}
    await phone.act(take, items[LI], 15, me="cli:anna")
    await phone.act(close, items[WANG], 15, me="cli:bob")
    assert [(line.number, line.taken_by) for line in await phone.list()] == [(LI, "cli:anna")]
    await phone.call(5, WANG)  # told late, and not known when the line was closed
    assert await phone.numbers() == [LI, WANG]


# ---- who must not be called


async def forbid(store: CrmStore, number: str = WANG, until: datetime | None = None) -> None:
    await store.write(partial(add, entry=Listed(number, NOON, until, "asked us to stop", "cli:anna")))


async def test_who_must_not_be_called_is_marked(store: CrmStore, phone: Phone) -> None:
    await phone.call(0, WANG)
    await phone.call(1, LI)
    await forbid(store, WANG, until=minutes(200))
    said = partial(say, address=LI, channel=Channel.CALL, given=False, by="cli:anna", at=minutes(50))
    await store.write(said)
    assert [bool(line.mark) for line in await phone.list(at=40)] == [False, True]
    assert [line.mark for line in await phone.list(at=100)] == ["must not be called"] * 2
    assert [bool(line.mark) for line in await phone.list(at=201)] == [True, False]


async def rung_next(store: CrmStore, at: float = 100.0, queues: Sequence[str] = ("sales",)) -> str:
    found = await last_abandoned(store, queues, now=minutes(at))
    return found.number if found is not None else ""


async def test_an_agents_key_rings_nobody_who_must_not_be_called(store: CrmStore, phone: Phone) -> None:
    await phone.call(0, LI)
    await phone.call(1, WANG)
    assert await rung_next(store) == WANG
    assert await rung_next(store, queues=("service",)) == ""
    await forbid(store, WANG, until=minutes(200))
    assert await rung_next(store) == LI
    assert await rung_next(store, at=201) == WANG
    await store.write(partial(say, address=LI, channel=Channel.CALL, given=False, by="cli:a", at=minutes(60)))
    assert await rung_next(store) == ""
    await store.write(partial(say, address=LI, channel=Channel.CALL, given=True, by="cli:a", at=minutes(61)))
    assert await rung_next(store) == LI


async def test_an_agents_key_rings_nobody_whom_somebody_has_closed(phone: Phone, store: CrmStore) -> None:
    await phone.call(0, LI)
    await phone.call(1, WANG)
    lines = {line.number: line.item for line in await phone.list()}
    await phone.act(close, lines[WANG], 5, me="cli:anna")
    assert await rung_next(store) == LI
    await phone.call(10, WANG)
    assert await rung_next(store) == WANG
