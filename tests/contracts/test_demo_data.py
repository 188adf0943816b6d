"""A sample company, on both kinds of database: every list and report has something, the books add up, and one seed
makes one company."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, String, cast, exists, func, select

from acd.events import EventKind
from acd.figures import Figures, VisitEnd
from crm_bridge.demo.company import Clerk, Company, Line, Wish
from crm_bridge.demo.making import Made, NotHere, make_company
from crm_bridge.entry import Entry, Logged
from crm_bridge.leads import HandingEnd, LeadState
from crm_bridge.life_cycle import Stage, stage_of
from crm_bridge.models import (
    calls,
    changes,
    customer_numbers,
    customers,
    lead_handings,
    leads,
    media_costs,
    metadata,
    order_lines,
    orders,
    promises,
    shipments,
    tasks,
    tickets,
)
from crm_bridge.outcome import Outcome
from crm_bridge.persons.forgetting import forget
from crm_bridge.persons.identity import person_of
from crm_bridge.reporting.dealers import Dealers
from crm_bridge.reporting.lost_money import LostMoney, Where
from crm_bridge.reporting.media import Media
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.promises import Promises
from crm_bridge.reporting.report import Asked
from crm_bridge.reporting.stages import Stages
from crm_bridge.reporting.surveys import Surveys
from crm_bridge.reporting.touches import By, Touch
from crm_bridge.rules import CrmRules, DispositionRule
from crm_bridge.store import CrmStore, SourceName
from crm_bridge.work_lists import care, missed, surveys
from crm_bridge.work_lists import tasks as task_lists
from crm_bridge.work_lists.lines import Wanted

SHANGHAI = ZoneInfo("Asia/Shanghai")
RULES = CrmRules(
    zone=SHANGHAI,
    dispositions={
        "sale": DispositionRule("order"),
        "lead": DispositionRule("lead"),
        "service": DispositionRule("ticket", category="repair"),
        "complaint": DispositionRule("promise", text="call back"),
    },
    regions={"east": ("Shanghai",), "south": ("Guangdong",)},
    sla_s={"repair": 48 * 3600.0},
)
CLERKS = [Clerk(str(1001 + nr), f"agent {nr}", ["sales"] if nr % 2 else ["sales", "service"]) for nr in range(6)]
COMPANY = Company(
    lines=[Line("4008001001", "tv", "autumn"), Line("4008001002", "newspaper", "autumn"), Line("4008001000", "box")],
    clerks=CLERKS,
    sources=[
        SourceName("tv", "TV spot", "tv"),
        SourceName("newspaper", "Weekend page", "newspaper"),
        SourceName("box", "On the box", "packaging"),
        SourceName("friend", "A friend", "word_of_mouth"),
    ],
    rules=RULES,
)
UNTIL = datetime(2026, 11, 24, 8, tzinfo=UTC)  # 16:00 in Shanghai
WISH = Wish(UNTIL, days=30, calls=2000, seed=7)
PERIOD = Period(date(2026, 10, 26), date(2026, 11, 24), SHANGHAI)


@pytest.fixture
async def store(crm_url: str) -> AsyncIterator[CrmStore]:
    opened = CrmStore(crm_url, rules=RULES)
    yield opened
    await opened.close()


async def rows(store: CrmStore, table: Any) -> list[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key)
    return await store.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


async def everything(store: CrmStore) -> dict[str, list[dict[str, Any]]]:
    """But for the trail's own numbers."""
    found = {table.name: await rows(store, table) for table in metadata.sorted_tables}
    trail = [tuple(str(value) for name, value in row.items() if name != "id") for row in found.pop("changes")]
    return {**found, "changes": [{"row": row} for row in sorted(trail)]}


async def test_every_list_and_every_report_has_something_and_the_books_add_up(store: CrmStore) -> None:
    await make_company(store, COMPANY, WISH)
    await _lists_have_something(store)
    for one in _reports():
        report = await store.read(one.report)
        assert report.lines, one
        assert [check for check in report.checks if not check.adds_up] == [], one
    media = await store.read(Media(PERIOD, RULES).report)
    assert media.total is not None
    assert media.total["calls"] == WISH.calls
    by = {line["source"]: line for line in media.lines}
    spent = await rows(store, media_costs)
    days = {PERIOD.first + timedelta(days=nr) for nr in range(WISH.days)}
    for source in ("tv", "newspaper", "box"):
        paid = [row for row in spent if row["media_source"] == source]
        assert days == {day for row in paid for day in days if row["begins_on"] <= day <= row["ends_on"]}
    for name in ("calls", "first_time", "leads", "orders", "cost", "cost_per_order", "lost"):
        assert by["newspaper"][name] > 0, name


async def test_who_is_forgotten_leaves_every_figure_as_it_was(store: CrmStore) -> None:
    """Twelve people with most to tell of: every report, and what its figures are checked against."""
    await make_company(store, COMPANY, replace(WISH, calls=800))
    before = [await store.read(one.report) for one in _reports()]
    bought = exists().where(orders.c.customer_id == calls.c.customer_id)
    moved = exists().where(changes.c.key == cast(calls.c.customer_id, String), changes.c.field == "stage")
    called = select(calls.c.ani_e164).where(bought, moved).group_by(calls.c.ani_e164)
    most = called.order_by(func.count().desc(), calls.c.ani_e164).limit(12)
    for number in await store.read(lambda connection: list(connection.execute(most).scalars())):
        person = await person_of(number, store, None)
        assert person.calls, number
        await store.write(partial(forget, person=person))
        assert not (await person_of(number, store, None)).is_known
    assert [await store.read(one.report) for one in _reports()] == before


def _reports() -> list[Asked]:
    return [
        *(Media(PERIOD, RULES, by, touch) for by in (By.SOURCE, By.CAMPAIGN) for touch in Touch),
        Media(PERIOD, RULES, By.DAY),
        *(LostMoney(PERIOD, RULES, where) for where in Where),
        *(Promises(PERIOD, PERIOD.last), Dealers(PERIOD, RULES), Stages(PERIOD), Surveys(PERIOD)),
    ]


async def _lists_have_something(store: CrmStore) -> None:
    wanted = Wanted(UNTIL, SHANGHAI, 10_000, days=30, below=3, all=False)
    lists: list[Callable[[Connection, Wanted], Any]] = [
        *(missed.missed, task_lists.callbacks, task_lists.voicemails, care.open_promises, care.open_leads),
        *(care.unconfirmed_deliveries, surveys.answers, care.open_tickets, care.planned_appointments),
    ]
    for listed in lists:
        found = await store.read(partial(listed, wanted=wanted))
        assert found, listed
        assert len(found) < WISH.calls / 8, listed  # of what was to do most is done


async def test_every_outcome_that_a_day_has_and_nobody_in_two_conversations(store: CrmStore) -> None:
    await make_company(store, COMPANY, WISH)
    found = await rows(store, calls)
    outcomes = {row["outcome"] for row in found}
    assert outcomes >= {
        *(Outcome.ANSWERED, Outcome.ABANDONED_IVR, Outcome.ABANDONED_QUEUE, Outcome.CALLBACK, Outcome.VOICEMAIL),
        Outcome.SELF_SERVED,
    }
    assert all(row["started_at"] <= row["ended_at"] <= UNTIL for row in found)
    talks: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in found:
        if row["outcome"] == Outcome.ANSWERED:
            talks.setdefault(row["agent"], []).append((row["answered_at"], row["ended_at"]))
    for spans in talks.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
    often = await store.read(
        lambda connection: connection.execute(
            select(func.count()).select_from(calls).group_by(calls.c.customer_id).having(func.count() > 3)
        ).all()
    )
    assert often
    hours = [row["started_at"].astimezone(SHANGHAI).hour for row in found]
    assert hours.count(10) > 5 * hours.count(22)


async def test_every_row_keeps_the_laws_of_its_table(store: CrmStore) -> None:
    await make_company(store, COMPANY, WISH)
    people = {row["id"]: row for row in await rows(store, customers)}
    sold, first = await rows(store, orders), {}
    for call in await rows(store, calls):
        if call["customer_id"] is not None:
            first.setdefault(call["customer_id"], []).append((call["started_at"], call["call_id"]))
    for id_, theirs in first.items():
        assert (people[id_]["first_call_at"], people[id_]["first_call_id"]) == min(theirs)
    days: dict[int, list[date]] = {}
    for order in sold:
        if order["status"] != "cancelled":
            days.setdefault(order["customer_id"], []).append(order["placed_on"])
    for person in people.values():
        assert person["stage"] == stage_of(days.get(person["id"], []), PERIOD.last, RULES.stages).value
    assert {person["stage"] for person in people.values()} >= {Stage.PROSPECT, Stage.FIRST_ORDER, Stage.LAPSED}
    lines: dict[str, Any] = {}
    for line in await rows(store, order_lines):
        assert line["amount"] == line["price"] * line["quantity"]
        lines[line["number"]] = lines.get(line["number"], 0) + line["amount"]
    assert lines == {order["number"]: order["amount"] for order in sold}
    assert all(
        row["delivered_on"] is None or row["delivered_on"] <= PERIOD.last for row in await rows(store, shipments)
    )
    assert {row["state"] for row in await rows(store, tasks)} == {"open", "done"}


async def test_leads_go_from_hand_to_hand(store: CrmStore) -> None:
    await make_company(store, COMPANY, WISH)
    handings: dict[int, list[dict[str, Any]]] = {}
    for row in await rows(store, lead_handings):
        handings.setdefault(row["lead_id"], []).append(row)
    ends = {row["ended_as"] for of in handings.values() for row in of}
    assert ends >= {HandingEnd.ACCEPTED, HandingEnd.RETURNED, HandingEnd.EXPIRED}
    found = await rows(store, leads)
    assert {row["state"] for row in found} >= {LeadState.ASSIGNED, LeadState.ACCEPTED, LeadState.WON, LeadState.LOST}
    for lead in found:
        theirs = handings.get(lead["id"], [])
        assert len(theirs) == lead["handings"]
        assert len({row["dealer"] for row in theirs}) == len(theirs)
        for row, after in pairwise(theirs):
            assert row["ended_as"] in (HandingEnd.RETURNED, HandingEnd.EXPIRED)
            assert row["handed_at"] < row["ended_at"] <= after["handed_at"]
        if lead["state"] == LeadState.ASSIGNED:
            assert theirs[-1]["ended_at"] is None
            assert lead["due_at"] == theirs[-1]["due_at"] > UNTIL
        else:
            assert lead["due_at"] is None


async def test_who_and_when_are_told(store: CrmStore) -> None:
    await make_company(store, COMPANY, WISH)
    told = {(row["subject"], row["key"]) for row in await rows(store, changes)}
    for table, key in ((orders, "number"), (leads, "id"), (tickets, "number"), (promises, "id")):
        assert {(table.name, str(row[key])) for row in await rows(store, table)} <= told


async def test_one_seed_makes_one_company_and_another_one_another(new_crm: Callable[[], str]) -> None:
    found = []
    for wish in (WISH, WISH, Wish(UNTIL, WISH.days, WISH.calls, seed=8)):
        store = CrmStore(new_crm(), rules=RULES)
        made = await make_company(store, COMPANY, wish)
        found.append((made, await everything(store)))
        await store.close()
    assert found[0] == found[1]
    assert found[0][1]["customers"] != found[2][1]["customers"]


async def test_it_keeps_away_from_real_calls(store: CrmStore) -> None:
    await store.apply([Logged(1, Entry("c1", "call_started", UNTIL.timestamp(), {"ani": "13800138000"}))])
    with pytest.raises(NotHere, match="--anyway"):
        await make_company(store, COMPANY, WISH)
    assert len(await rows(store, calls)) == 1
    await make_company(store, COMPANY, WISH, anyway=True)
    with pytest.raises(NotHere, match="another --seed"):
        await make_company(store, COMPANY, WISH, anyway=True)
    await make_company(store, COMPANY, Wish(UNTIL, 30, 300, seed=8), anyway=True)
    assert len(await rows(store, calls)) == WISH.calls + 301
    assert all(
        row["e164"].startswith("+86174") for row in await rows(store, customer_numbers) if row["customer_id"] > 1
    )


async def test_what_the_acd_would_have_told_adds_up_too(store: CrmStore) -> None:
    made: Made = await make_company(store, COMPANY, WISH)
    figures = Figures()
    for event in made.events:
        figures.hear(event)
    queues = figures.queues(UNTIL.timestamp())
    assert all(one.adds_up and not one.goes_on and not one.ends[VisitEnd.LOST] for one in queues.values())
    found = await rows(store, calls)
    answered = sum(row["outcome"] == Outcome.ANSWERED for row in found)
    assert sum(one.answered for one in queues.values()) == answered
    assert sum(one.offered for one in queues.values()) == sum(row["queue"] != "" for row in found)
    agents = figures.agents(UNTIL.timestamp())
    assert sum(one.answered for one in agents.values()) == answered
    assert all(0 < (one.occupancy or 0) < 1 for one in agents.values())
    assert [event.at for event in made.events] == sorted(event.at for event in made.events)
    assert made.events[-1].at <= (UNTIL + timedelta(hours=1)).timestamp()
    assert any(event.kind is EventKind.OFFER_MISSED for event in made.events)


@pytest.mark.parametrize("count", [1, 7])
async def test_a_company_may_be_small_and_have_no_rules(store: CrmStore, count: int) -> None:
    bare = Company([Line("4008001001", "unknown")], [Clerk("1001", "a", ["q"])], [])
    made = await make_company(store, bare, Wish(UNTIL, 7, count, 3))
    assert made.rows["calls"] == count
    assert "leads" not in made.rows
