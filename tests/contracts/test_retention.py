"""What is kept for a number of days: gone afterwards, and nothing before; figures stay; small steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from crm_bridge import retention
from crm_bridge.entry import Entry, Json, Logged
from crm_bridge.models import (
    api_requests,
    api_tokens,
    call_events,
    calls,
    customer_numbers,
    customers,
    interactions,
    metadata,
    orders,
    recordings,
    surveys,
    tasks,
)
from crm_bridge.reporting.media import Media
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.report import answer
from crm_bridge.retention import Retention, Until
from crm_bridge.rules import CrmRules
from crm_bridge.store import CrmStore

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=40), NOW - timedelta(days=20)
EDGE = NOW - timedelta(days=30)
NEVER = Until(*[datetime(1970, 1, 1, tzinfo=UTC)] * 7)
ALL = Until(*[EDGE] * 7)
_seqs = iter(range(1, 1_000_000))


async def no_sleep(_: float) -> None: ...


async def apply(store: CrmStore, *entries: Entry) -> None:
    await store.apply([Logged(next(_seqs), entry) for entry in entries])


async def rows(store: CrmStore, table: Any) -> list[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key)
    return await store.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


async def put(store: CrmStore, table: Any, *new: dict[str, Any]) -> None:
    await store.write(lambda connection: connection.execute(insert(table), list(new)))


def call(call_id: str, at: datetime, ani: str, *more: tuple[str, dict[str, Json]]) -> list[Entry]:
    t = at.timestamp()
    start = {"ani": ani, "name": "王芳", "dnis": "4008001001", "source": "tv", "campaign": "x"}
    end: dict[str, Json] = {"outcome": "answered", "agent": "1001", "waited_s": 4.0, "talked_s": 60.0, "queue": "sales"}
    return [
        Entry(call_id, "call_started", t, start),
        Entry(call_id, "node", t, {"name": "n", "attributes": "order=4711"}),
        *(Entry(call_id, kind, t, fields) for kind, fields in more),
        Entry(call_id, "outcome", t + 60, end),
    ]


async def media_figures(store: CrmStore) -> list[dict[str, Any]]:
    """All but who called for the first time: that goes with who called."""
    report = await answer(store, Media(Period(OLD.date(), NOW.date()), CrmRules()))
    return [{name: value for name, value in line.items() if name != "first_time"} for line in report.lines]


async def test_an_old_call_is_a_figure_and_a_new_one_is_as_it_was(store: CrmStore) -> None:
    await apply(store, *call("old", OLD, "13800138001"), *call("new", NEW, "13800138002"))
    before = {row["call_id"]: row for row in await rows(store, calls)}
    figures = await media_figures(store)
    gone = await Retention(store, no_sleep).keep(replace(NEVER, calls=EDGE))
    assert (gone.calls, gone.customers) == (1, 1)
    after = {row["call_id"]: row for row in await rows(store, calls)}
    assert after["new"] == before["new"]
    nobody = {"ani": "", "ani_e164": None, "caller_name": "", "customer_id": None, "attributes": None}
    assert after["old"] == {**before["old"], **nobody}
    assert await media_figures(store) == figures
    assert [row["e164"] for row in await rows(store, customer_numbers)] == ["+8613800138002"]


async def test_a_customer_stays_while_there_is_anything_of_theirs(store: CrmStore) -> None:
    """An order, a newer call, a note; or they are in the books."""
    for nr in range(1, 6):
        await apply(store, *call(f"c{nr}", OLD, f"1380013800{nr}"))
    ids = {row["e164"][-1]: row["customer_id"] for row in await rows(store, customer_numbers)}
    order = {"number": "A1", "status": "paid", "amount": 1, "currency": "CNY", "placed_on": OLD.date()}
    await put(store, orders, {**order, "customer_id": ids["1"]})
    await apply(store, *call("newer", NEW, "13800138002"))
    note = {"kind": "note", "direction": "in", "by": "cli:x", "text": "x"}
    await put(store, interactions, {**note, "customer_id": ids["3"], "at": NEW})
    await store.write(
        lambda connection: connection.execute(
            customers.update().where(customers.c.id == ids["4"]).values(number="80001")
        )
    )
    gone = await Retention(store, no_sleep).keep(replace(NEVER, calls=EDGE))
    assert (gone.calls, gone.customers) == (5, 1)
    assert sorted(row["e164"][-1] for row in await rows(store, customer_numbers)) == ["1", "2", "3", "4"]


async def test_a_customer_goes_with_the_last_thing_of_theirs_whatever_it_is(store: CrmStore) -> None:
    await apply(store, *call("c1", OLD, "13800138001"))
    [customer] = await rows(store, customers)
    note = {"kind": "note", "direction": "in", "by": "cli:x", "text": "x", "customer_id": customer["id"]}
    await put(store, interactions, {**note, "at": EDGE + timedelta(days=1)})
    keeper = Retention(store, no_sleep)
    assert (await keeper.keep(replace(NEVER, calls=EDGE))).customers == 0
    gone = await keeper.keep(replace(NEVER, calls=NOW, interactions=NOW))
    assert (gone.interactions, gone.customers) == (1, 1)
    assert await rows(store, customers) == []


async def test_each_kind_goes_by_its_own_days(store: CrmStore) -> None:
    said = (
        ("voicemail", {"box": "sales", "recording": "x", "number": "13800138001"}),
        ("survey", {"service": 5, "comment": "y"}),
        ("sms", {"to": "13800138001", "text": "hello"}),
        ("recorded", {"agent": "1001", "file": "f_1"}),
        ("callback", {"queue": "sales", "number": "13800138001"}),
    )
    await apply(store, *call("old", OLD, "13800138001", *said), *call("new", NEW, "13800138001", *said))
    token = {"id": 1, "name": "shop", "token_hash": "x", "scopes": "", "made_at": OLD}
    await put(store, api_tokens, token)
    answers = [
        {"token_id": 1, "key": str(at), "fingerprint": "", "status": 200, "body": "", "at": at} for at in (OLD, NEW)
    ]
    await put(store, api_requests, *answers)
    kinds = {
        "call_events": (call_events, 8),
        "messages": (tasks, 2),
        "surveys": (surveys, 1),
        "interactions": (interactions, 2),
        "recordings": (recordings, 1),
        "api_requests": (api_requests, 1),
    }
    keeper = Retention(store, no_sleep)
    for name, (table, count) in kinds.items():
        before = {other: await rows(store, other) for other in metadata.sorted_tables}
        gone = asdict(await keeper.keep(replace(NEVER, **{name: EDGE})))
        assert {what: n for what, n in gone.items() if n} == {name: count}
        for other in metadata.sorted_tables:
            left = len(before[other]) - (count if other is table else 0)
            assert len(await rows(store, other)) == left, (name, other.name)
    assert (await keeper.keep(replace(NEVER, calls=EDGE))).calls == 1
    left = {row["kind"]: row for row in await rows(store, tasks) if row["call_id"] == "old"}
    assert (left["callback"]["number"], left["callback"]["fields"]) == (None, {})


async def test_again_there_is_nothing_left_to_do(store: CrmStore) -> None:
    await apply(store, *call("old", OLD, "13800138001"))
    keeper = Retention(store, no_sleep)
    await keeper.keep(ALL)
    for again in (keeper, Retention(store, no_sleep)):
        assert set(asdict(await again.keep(ALL)).values()) == {0}


def many(count: int) -> Iterable[Entry]:
    """Many of them at the same instant."""
    for nr in range(count):
        at = OLD + timedelta(seconds=nr // 7)
        yield from call(f"c{nr}", at, f"138001{nr:05d}", ("survey", {"service": 1}), ("sms", {"to": "1", "text": "x"}))


async def test_it_goes_in_small_steps_and_others_write_between(
    store: CrmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 10)
    await apply(store, *many(45))
    steps: list[int] = []

    async def step(_: float) -> None:
        await apply(store, *call(f"meanwhile{len(steps)}", NEW, "13900139000"))
        steps.append(1)

    gone = await Retention(store, step).keep(ALL)
    assert (gone.calls, gone.customers, gone.call_events, gone.surveys, gone.interactions) == (45, 45, 225, 45, 45)
    assert len(steps) >= 5 * 4
    kept = [row for row in await rows(store, calls) if row["call_id"].startswith("meanwhile")]
    assert len(kept) == len(steps)
    assert {row["ani"] for row in kept} == {"13900139000"}


async def test_calls_at_the_same_instant_are_all_found(store: CrmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 4)
    for nr in range(13):
        await apply(store, *call(f"c{nr}", OLD, f"1380013800{nr % 10}"))
    gone = await Retention(store, no_sleep).keep(replace(NEVER, calls=EDGE, call_events=EDGE))
    assert (gone.calls, gone.call_events) == (13, 39)


async def test_what_has_gone_does_not_come_back_when_the_journal_delivers_again(store: CrmStore) -> None:
    """The journal forgets long before the events go: `keep` sees to it."""
    entries = [Logged(next(_seqs), entry) for entry in call("old", OLD, "13800138001")]
    await store.apply(entries)
    await Retention(store, no_sleep).keep(replace(NEVER, calls=EDGE))
    before = await rows(store, calls)
    await store.apply(entries)
    assert await rows(store, calls) == before
