"""Reports of a house that is known to the last call; and books that are made not to add up."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text, true, update
from sqlalchemy.dialects import sqlite

from crm_bridge.models import calls, campaigns, customers, dealers, leads, media_sources
from crm_bridge.outcome import Outcome
from crm_bridge.reporting import dealers as dealers_report
from crm_bridge.reporting import media as media_report
from crm_bridge.reporting import outcomes
from crm_bridge.reporting.dealers import Dealers
from crm_bridge.reporting.ledger import NO_CALL, NoSuchFigure
from crm_bridge.reporting.lost_money import LostMoney, Where
from crm_bridge.reporting.media import Media
from crm_bridge.reporting.period import Period
from crm_bridge.reporting.promises import Promises
from crm_bridge.reporting.report import Asked, Foreign, Report, answer, rows_behind, still
from crm_bridge.reporting.stages import Stages
from crm_bridge.reporting.surveys import Among, Surveys
from crm_bridge.reporting.touches import By, Touch
from crm_bridge.store import CrmStore
from tests.contracts.trading import PERIOD, RULES, House, Row

NOON = datetime(2026, 10, 25, 11, tzinfo=UTC)  # 12:00 in Berlin
BLANK = dict.fromkeys(("dnis", "ani", "caller_name", "language", "last_node", "hangup_by", "cause"), "")


def call(nr: int, customer: int | None, source: str, outcome: str | None, hours: float = 0.0, **more: Any) -> Row:
    row = {"call_id": f"c{nr}", "customer_id": customer, "media_source": source, "outcome": outcome, **BLANK}
    at = NOON + timedelta(hours=hours)
    return {**row, "campaign": "", "queue": "sales", "agent": "", "started_at": at, "answered_at": None, **more}


def customer(id_: int, first: str = "", source: str = "", stage: str = "prospect") -> Row:
    row = {"id": id_, "name": f"customer {id_}", "first_source": source, "first_campaign": "", "stage": stage}
    return {**row, "first_call_id": first, "first_call_at": NOON if first else None}


def order(nr: int, who: int, amount: str, call_id: str | None = None, **more: Any) -> Row:
    row = {"number": f"o{nr}", "customer_id": who, "status": "placed", "amount": Decimal(amount), "currency": "CNY"}
    return {**row, "placed_on": date(2026, 10, 25), "call_id": call_id, **more}


def lead(nr: int, who: int, call_id: str = "", **more: Any) -> Row:
    row = {"id": nr, "ref": f"l{nr}", "customer_id": who, "call_id": call_id, "media_source": "", "campaign": ""}
    return {**row, "state": "new", "dealer": None, "opened_at": NOON, "closed_at": None, **more}


def cost(nr: int, source: str, amount: str, currency: str = "CNY") -> Row:
    days = {"begins_on": date(2026, 10, 25), "ends_on": date(2026, 10, 26)}
    return {
        "ref": f"m{nr}",
        "media_source": source,
        "campaign": "",
        **days,
        "amount": Decimal(amount),
        "currency": currency,
    }


def house() -> House:
    """Customer 1 came by tv and called by web again, 2 by web, 3 has never called; two have withheld their number."""
    return House(
        customers=[customer(1, "c0", "tv"), customer(2, "c2", "web"), customer(3)],
        calls=[
            call(0, 1, "tv", "abandoned_queue", -1),
            call(1, 1, "web", "answered", queue="service"),
            call(2, 2, "web", "pbx_lost", answered_at=NOON),
            call(3, None, "tv", "overflow", 3),
            call(4, None, "tv", None, 4),
            call(5, 2, "web", "abandoned_ivr", 5),
            call(6, 2, "paper", "answered", 24 * 30),  # not of these days
        ],
        orders=[
            order(0, 1, "100.50", "c1"),
            order(1, 2, "0.0001"),
            order(2, 3, "7"),
            order(3, 2, "9", status="cancelled"),
            order(4, 2, "50", currency="USD"),
            order(5, 2, "70", currency="USD"),
        ],
        leads=[lead(0, 1, "c1"), lead(1, 3, media_source="fair")],
        costs=[cost(0, "tv", "90"), cost(1, "radio", "1"), cost(2, "tv", "5", "USD")],
    )


@pytest.fixture
async def store(crm_url: str) -> AsyncIterator[CrmStore]:
    opened = CrmStore(crm_url, rules=RULES)
    await opened.write(house().write)
    yield opened
    await opened.close()


def column(report: Report, name: str) -> dict[Any, Any]:
    return {line[report.columns[0]]: line[name] for line in report.lines if line[name]}


async def test_by_the_last_touch_a_thing_is_put_down_to_its_call(store: CrmStore) -> None:
    report = await answer(store, Media(PERIOD, RULES))
    assert report.wrong == []
    assert column(report, "calls") == {"tv": 3, "web": 3}
    assert column(report, "first_time") == {"tv": 1, "web": 1}
    assert column(report, "orders") == {"web": 2, NO_CALL: 1}
    assert column(report, "revenue") == {"web": Decimal("100.5001"), NO_CALL: Decimal(7)}
    assert column(report, "leads") == {"web": 1, "fair": 1}
    assert column(report, "lost") == {"tv": 2}  # the one that was cut off had been answered


async def test_by_the_first_touch_a_repeat_caller_keeps_the_first_source(store: CrmStore) -> None:
    report = await answer(store, Media(PERIOD, RULES, touch=Touch.FIRST))
    assert report.wrong == []
    assert column(report, "calls") == {"tv": 4, "web": 2}
    assert column(report, "orders") == {"tv": 1, "web": 1, NO_CALL: 1}
    assert column(report, "leads") == {"tv": 1, "fair": 1}


async def test_what_it_has_cost_and_brought(store: CrmStore) -> None:
    report = await answer(store, Media(PERIOD, RULES))
    lines = {line["source"]: line for line in report.lines}
    tv, web, radio = lines["tv"], lines["web"], lines["radio"]
    assert (tv["cost"], tv["cost_per_call"], tv["cost_per_order"], tv["roi"]) == (90, 30, None, -1.0)
    assert tv["lost_money"] == 60
    assert (web["cost"], web["roi"], radio["calls"], radio["cost"], radio["cost_per_call"]) == (0, None, 0, 1, None)
    assert report.total is not None
    assert (report.total["cost"], report.total["revenue"]) == (91, Decimal("107.5001"))
    assert report.total["roi"] == round((107.5001 - 91) / 91, 4)
    assert list(report.foreign) == [Foreign("costs", 1, Decimal(5), "USD"), Foreign("orders", 2, Decimal(120), "USD")]


async def test_by_day_half_of_the_cost_is_the_next_days(store: CrmStore) -> None:
    report = await answer(store, Media(PERIOD, RULES, By.DAY))
    assert [line["day"] for line in report.lines] == PERIOD.days()
    assert column(report, "cost") == {date(2026, 10, 25): Decimal("45.5"), date(2026, 10, 26): Decimal("45.5")}
    assert column(report, "calls") == {date(2026, 10, 25): 6}


async def test_a_known_source_is_a_line_whatever_it_brought(store: CrmStore) -> None:
    row = {"id": "box", "name": "Box", "kind": "box"}
    await store.write(lambda connection: connection.execute(insert(media_sources).values(row)))
    report = await answer(store, Media(PERIOD, RULES))
    assert [line["name"] for line in report.lines if line["source"] == "box"] == ["Box"]


async def test_a_campaign_that_runs_is_a_line_and_one_that_is_over_is_not(store: CrmStore) -> None:
    days = {"old": (date(2026, 1, 1), date(2026, 10, 22)), "new": (date(2026, 10, 27), None), "any": (None, None)}
    rows = [
        {"code": code, "name": code, "begins_on": begin, "ends_on": end, "currency": "CNY"}
        for code, (begin, end) in days.items()
    ]
    await store.write(lambda connection: connection.execute(insert(campaigns), rows))
    report = await answer(store, Media(PERIOD, RULES, By.CAMPAIGN))
    assert {line["campaign"] for line in report.lines} == {"(none)", NO_CALL, "new", "any"}


@pytest.mark.parametrize("asked", [Media(PERIOD, RULES), LostMoney(PERIOD, RULES), Media(PERIOD, RULES, By.DAY)])
async def test_an_outcome_without_a_place_shows_in_the_books(
    store: CrmStore, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    await store.write(
        lambda connection: connection.execute(update(calls).values(outcome="voicemail", answered_at=None))
    )
    assert (await answer(store, asked)).wrong == []
    places = {**outcomes.PLACES, "other": (Outcome.TIMEOUT,)}
    monkeypatch.setattr(outcomes, "PLACES", places)
    wrong = [(check.what, check.lines, check.whole) for check in (await answer(store, asked)).wrong]
    assert wrong == ([] if isinstance(asked, LostMoney) else [("outcomes", 0, 6), ("other", 0, 6)])


async def test_an_outcome_that_nobody_knows_shows_in_the_books(store: CrmStore) -> None:
    one = update(calls).where(calls.c.call_id == "c1").values(outcome="teleported")
    await store.write(lambda connection: connection.execute(one))
    wrong = {check.what: (check.lines, check.whole) for check in (await answer(store, Media(PERIOD, RULES))).wrong}
    assert wrong == {"outcomes": (5, 6), "other": (2, 3)}


async def test_a_call_counted_as_lost_that_is_not_shows_in_the_books(
    store: CrmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = outcomes.conditions

    def wrong(rows: Any) -> Any:
        return {**right(rows), "lost": rows.c.outcome == "answered"}

    monkeypatch.setattr(media_report, "conditions", wrong)
    assert [check.what for check in (await answer(store, Media(PERIOD, RULES))).wrong] == ["lost"]


async def test_rows_that_a_join_doubles_show_in_the_books(store: CrmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    right = media_report.order_rows

    def doubled(*asked: Any) -> Any:
        rows = right(*asked)
        return select(rows).select_from(rows.join(customers, true())).subquery()

    monkeypatch.setattr(media_report, "order_rows", doubled)
    wrong = {check.what: (check.lines, check.whole) for check in (await answer(store, Media(PERIOD, RULES))).wrong}
    assert wrong == {"orders": (9, 3), "revenue": (3 * Decimal("107.5001"), Decimal("107.5001"))}


async def test_a_cost_that_is_left_out_shows_in_the_books(store: CrmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    right = media_report.spread
    monkeypatch.setattr(media_report, "spread", lambda costs, *how: right(costs[1:], *how))
    [check] = (await answer(store, Media(PERIOD, RULES))).wrong
    assert (check.what, check.lines, check.whole) == ("cost", 1, 91)


async def test_calls_that_come_in_meanwhile_do_not_upset_the_books(store: CrmStore, crm_url: str) -> None:
    """Two questions of one report see one moment; without `still` PostgreSQL would show the second one more."""
    asked, count = [], select(calls.c.call_id)

    def job(connection: Connection) -> None:
        still(connection)
        asked.append(len(connection.execute(count).all()))
        _write_beside(crm_url, [call(99, None, "tv", None)])
        asked.append(len(connection.execute(count).all()))

    await store.read(job)
    assert asked == [7, 7]
    assert len(await store.read(lambda connection: connection.execute(count).all())) == 8


def _write_beside(url: str, rows: list[Row]) -> None:
    """From another thread: a job of PostgreSQL's holds the loop."""

    async def write() -> None:
        other = CrmStore(url)
        await other.write(lambda connection: connection.execute(insert(calls), rows))
        await other.close()

    thread = threading.Thread(target=lambda: asyncio.run(write()))
    thread.start()
    thread.join()


async def test_lost_money_by_the_hour_of_the_sites_clock(store: CrmStore) -> None:
    report = await answer(store, LostMoney(PERIOD, RULES, Where.HOUR))
    assert len(report.lines) == 24
    assert column(report, "lost_money") == {11: Decimal(30), 15: Decimal(30)}
    by_queue = await answer(store, LostMoney(PERIOD, RULES, Where.QUEUE))
    assert column(by_queue, "lost_money") == {"sales": Decimal(60)}
    assert column(by_queue, "lost_share") == {"sales": 0.4}


async def test_a_figure_without_rows_is_told_which_there_are(store: CrmStore) -> None:
    with pytest.raises(NoSuchFigure, match=re.escape("there are no rows behind 'roi', but behind calls, first_time")):
        await rows_behind(store, Media(PERIOD, RULES), "roi")
    with pytest.raises(NoSuchFigure, match="'noon' is no hour"):
        await rows_behind(store, LostMoney(PERIOD, RULES, Where.HOUR), "lost", ["noon"])
    with pytest.raises(NoSuchFigure, match="named by source here, not by 2 words"):
        await rows_behind(store, Media(PERIOD, RULES), "calls", ["tv", "web"])


async def test_an_order_says_by_which_call_it_was_put_there(store: CrmStore) -> None:
    rows = await rows_behind(store, Media(PERIOD, RULES), "orders")
    assert {row["number"]: (row["touch"], row["line"]) for row in rows} == {
        "o0": ("c1", "web"),
        "o1": ("c5", "web"),
        "o2": (None, NO_CALL),
    }


def promise(nr: int, due: int, kept: datetime | None = None, back: datetime | None = None, keeper: str = "1001") -> Row:
    row = {"id": nr, "ref": f"p{nr}", "customer_id": 1, "text": "", "due_on": date(2026, 10, due), "keeper": keeper}
    return {**row, "kept_at": kept, "withdrawn_at": back}


async def test_promises_are_kept_in_time_until_midnight(store: CrmStore) -> None:
    """Berlin's 25 October ends at 23:00 UTC."""
    late = datetime(2026, 10, 25, 23, tzinfo=UTC)
    made = house()
    made.promises = [
        promise(0, 25, late - timedelta(microseconds=1)),
        promise(1, 25, late),
        promise(2, 24),
        promise(3, 25),
        promise(4, 24, back=NOON),
        promise(5, 24, keeper=""),
        promise(6, 28),
    ]
    await store.write(made.write)
    report = await answer(store, Promises(PERIOD, date(2026, 10, 25), {"1001": "李娜"}))
    assert report.wrong == []
    nobody, mine = report.lines
    ends = ("made", "kept_in_time", "kept_late", "open", "broken", "withdrawn")
    assert [mine[end] for end in ends] == [5, 1, 1, 1, 1, 1]
    assert (mine["name"], mine["share_kept"], nobody["keeper"], nobody["broken"]) == ("李娜", 0.3333, "(none)", 1)


def handing(nr: int, dealer: str, end: str, minutes: float) -> Row:
    row = {"lead_id": 0, "nr": nr, "dealer": dealer, "handed_at": NOON, "due_at": NOON, "ended_as": end}
    return {**row, "ended_at": NOON + timedelta(minutes=minutes) if end else None}


async def test_dealers(store: CrmStore) -> None:
    made = house()
    made.handings = [handing(nr, "101", "accepted", minutes) for nr, minutes in enumerate((1, 2, 50, 3))]
    made.handings += [handing(4, "101", "returned", 500), handing(5, "101", "", 0), handing(6, "102", "expired", 9)]
    won = {"state": "won", "closed_at": NOON}
    made.leads = [
        lead(0, 2, dealer="101", **won),
        lead(1, 2, dealer="102", **{**won, "opened_at": NOON + timedelta(hours=1)}),
        lead(2, 1, dealer="101", **{**won, "opened_at": NOON + timedelta(days=1)}),  # after the order
        lead(3, 1, dealer="101", state="lost", closed_at=NOON),
        lead(4, 1, dealer="102", state="accepted"),
        lead(5, 1, state="lost", closed_at=NOON),
    ]
    await store.write(made.write)
    retired = update(dealers).where(dealers.c.code == "103").values(stage="left")
    await store.write(lambda connection: connection.execute(retired))
    report = await answer(store, Dealers(PERIOD, RULES))
    assert report.wrong == []
    first, second = report.lines
    assert [first[name] for name in ("handed", "accepted", "returned", "waiting")] == [6, 4, 1, 1]
    assert first["accepted_in_s"] == pytest.approx(150)  # of 1, 2, 3 and 50 minutes
    assert (first["won"], first["lost"], first["orders"], first["open_now"]) == (2, 1, 0, 0)
    assert (second["expired"], second["won"], second["orders"], second["revenue"]) == (1, 1, 1, Decimal("0.0001"))
    assert second["open_now"] == 1
    assert list(report.foreign) == [Foreign("orders", 2, Decimal(120), "USD")]


async def test_a_lead_that_is_closed_in_another_way_shows_in_the_dealers_books(
    store: CrmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = house()
    made.handings = [handing(0, "101", "vanished", 1)]
    made.leads = [lead(0, 2, dealer="101", state="assigned")]
    await store.write(made.write)
    monkeypatch.setattr(dealers_report, "_HELD", ("accepted",))
    wrong = {check.what for check in (await answer(store, Dealers(PERIOD, RULES))).wrong}
    assert wrong == {"ends"}
    await store.write(lambda connection: connection.execute(update(leads).values(state="won", closed_at=NOON)))
    assert {check.what for check in (await answer(store, Dealers(PERIOD, RULES))).wrong} == {"ends"}


def mark(nr: int, call_id: str, name: str, score: int) -> Row:
    return {"call_id": call_id, "seq": nr, "name": name, "score": score, "at": NOON}


async def test_surveys_as_their_scales_have_it(store: CrmStore) -> None:
    made = house()
    scores = [("content", 5), ("content", 4), ("content", 2), ("content", 9), ("nps", 10), ("nps", 9), ("nps", 6)]
    made.surveys = [mark(nr, "c1", *score) for nr, score in enumerate([*scores, ("friends", 8), ("friends", 0)])]
    spoken = {"call_id": "c0", "queue": "", "fields": {"comment": "x"}, "state": "open", "opened_at": NOON}
    made.tasks = [{**spoken, "seq": 1, "kind": "survey"}, {**spoken, "seq": 2, "kind": "voicemail"}]
    await store.write(made.write)
    report = await answer(store, Surveys(PERIOD, Among.QUEUE, {"friends"}))
    assert report.wrong == []
    lines = {(line["queue"], line["question"]): line for line in report.lines}
    content, nps, friends = (lines["service", name] for name in ("content", "nps", "friends"))
    assert (content["n"], content["mean"], content["off_scale"]) == (4, 5.0, 1)
    assert (content["share_top"], content["share_bottom"]) == (0.5, 0.25)
    assert (nps["n"], nps["nps"], friends["nps"]) == (3, 33.3, -50.0)
    assert "nps" not in content
    assert lines["sales", "(comment)"]["comments"] == 1


def move(nr: int, before: str, after: str, day: int) -> Row:
    at = datetime(2026, 10, day, tzinfo=UTC)
    row = {"id": nr, "at": at, "by": "rule:stages", "subject": "customers", "key": "1", "field": "stage"}
    return {**row, "before": before, "after": after}


async def test_stages_and_who_has_moved(store: CrmStore) -> None:
    """`life_cycle` writes a move at midnight in UTC of its day: of the 23rd also in New York, where it is the 22nd."""
    made = house()
    made.customers[0]["stage"] = "repeat"
    moved = [("prospect", "first_order", 23), ("first_order", "repeat", 27), ("loyal", "lapsed", 28)]
    made.changes = [move(nr, *one) for nr, one in enumerate(moved)]
    await store.write(made.write)
    for zone in (PERIOD.zone, UTC):
        report = await answer(store, Stages(Period(PERIOD.first, PERIOD.last, zone)))
        assert report.wrong == []
        assert column(report, "customers") == {"prospect": 2, "repeat": 1}
        assert column(report, "came") == {"first_order": 1, "repeat": 1}
        assert column(report, "from_prospect") == {"first_order": 1}
        assert column(report, "left") == {"prospect": 1, "first_order": 1}


ALL: list[Asked] = [
    *(Media(PERIOD, RULES, by, touch) for by in By for touch in Touch),
    *(LostMoney(PERIOD, RULES, where) for where in Where),
    *(Surveys(PERIOD, among) for among in Among),
    Promises(PERIOD, date(2026, 10, 25)),
    Dealers(PERIOD, RULES),
    Stages(PERIOD),
]
# Gone through from end to end: of some thousand rows; and, where no call is asked for, what is all counted or has no
# index for it.
WHOLE = {"media_costs", "media_sources", "campaigns", "dealers", "lead_handings", "won_orders", "ranked"}
COUNTED = {"customers", "leads", "tasks"}


async def test_the_period_is_found_by_an_index(sqlite_store: CrmStore) -> None:
    """No report goes through all calls, orders or leads for a few days; but the stages do count every customer."""
    asked: list[tuple[str, Any]] = []
    engine = sqlite_store._database.engine  # type: ignore[attr-defined]
    event.listen(
        engine, "before_cursor_execute", lambda _c, _k, statement, values, *_: asked.append((statement, values))
    )
    for one in ALL:
        await answer(sqlite_store, one)
        for ledger in one.ledgers():
            for figure in ledger.figures:
                await rows_behind(sqlite_store, one, figure)
    selects = {statement: values for statement, values in asked if statement.startswith("SELECT")}
    assert len(selects) > 50

    def plans(connection: Connection) -> list[tuple[str, str]]:
        found = []
        for statement, values in selects.items():
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            found += [(row[3], statement) for row in rows]
        return found

    for step, statement in await sqlite_store.read(plans):
        scanned = re.match(r"SCAN (\w+)", step)
        table = scanned.group(1) if scanned else ""
        counted = table in COUNTED and "calls" not in statement
        assert not table or table in WHOLE or counted, (step, statement)


async def test_an_orders_last_call_is_looked_for_among_the_customers_calls(sqlite_store: CrmStore) -> None:
    query = select(media_report.order_rows(PERIOD, By.SOURCE, Touch.LAST, RULES))
    words = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    plan = await sqlite_store.read(lambda connection: connection.execute(text(f"EXPLAIN QUERY PLAN {words}")).all())
    assert any("ix_calls_customer_id" in row[3] for row in plan), plan
    assert not any("ix_calls_started_at" in row[3] for row in plan), plan
