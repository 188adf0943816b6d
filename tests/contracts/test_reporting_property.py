"""Reports of random houses, on both kinds of database: every line as by brute force, the books add up, and as many rows
behind a figure as it says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection

from crm_bridge.reporting.dealers import Dealers
from crm_bridge.reporting.ledger import NO_CALL, NOT_SAID, behind, label
from crm_bridge.reporting.lost_money import LostMoney, Where
from crm_bridge.reporting.media import Media
from crm_bridge.reporting.outcomes import LOST
from crm_bridge.reporting.promises import Promises
from crm_bridge.reporting.report import Asked, Report, answer, rows_behind
from crm_bridge.reporting.stages import Stages
from crm_bridge.reporting.surveys import COMMENT, Among, Surveys
from crm_bridge.reporting.touches import By, Touch
from crm_bridge.store import CrmStore
from tests.contracts.trading import BERLIN, FIRST, LAST, PERIOD, RULES, House, Row, busy_houses, houses

FEW = settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
FEWER = settings(FEW, max_examples=12)
MEDIA = [Media(PERIOD, RULES, by, touch) for by in By for touch in Touch if by is not By.DAY or touch is Touch.LAST]
TODAY = date(2026, 10, 25)
OTHERS: list[Asked] = [
    *(LostMoney(PERIOD, RULES, where) for where in Where),
    *(Surveys(PERIOD, among, ("friends",)) for among in Among),
    Promises(PERIOD, TODAY),
    Dealers(PERIOD, RULES),
    Stages(PERIOD),
]


def within(crm_url: str, house: House, work: Callable[[CrmStore], Awaitable[None]]) -> None:
    async def run() -> None:
        store = CrmStore(crm_url, rules=RULES)
        try:
            await store.write(house.write)
            await work(store)
        finally:
            await store.close()

    asyncio.run(run())


class BruteForce:
    """To which line a thing is put down."""

    def __init__(self, house: House, by: By, touch: Touch) -> None:
        self.house, self.by, self.touch = house, by, touch
        self.calls = {call["call_id"]: call for call in house.calls}
        self.name = "media_source" if by is By.SOURCE else "campaign"

    def first(self, customer_id: int | None) -> Row | None:
        theirs = [call for call in self.house.calls if customer_id and call["customer_id"] == customer_id]
        return min(theirs, key=lambda call: (call["started_at"], call["call_id"]), default=None)

    def last(self, customer_id: int, begin: datetime, fits: Callable[[datetime], bool]) -> Row | None:
        theirs = [call for call in self.house.calls if call["customer_id"] == customer_id]
        before = [call for call in theirs if call["started_at"] >= begin and fits(call["started_at"])]
        return max(before, key=lambda call: (call["started_at"], call["call_id"]), default=None)

    def call(self, call: Row) -> Any:
        if self.by is By.DAY:
            return call["started_at"].astimezone(BERLIN).date()
        return ((self.first(call["customer_id"]) if self.touch is Touch.FIRST else None) or call)[self.name]

    def order(self, order: Row) -> Any:
        if self.by is By.DAY:
            return order["placed_on"]
        end = datetime.combine(order["placed_on"] + timedelta(days=1), time.min, BERLIN).astimezone(UTC)
        last = self.last(order["customer_id"], end - timedelta(days=2), lambda at: at < end)
        own = self.calls.get(order["call_id"])
        found = self.first(order["customer_id"]) if self.touch is Touch.FIRST else own or last
        return found[self.name] if found else None

    def lead(self, lead: Row) -> Any:
        at = lead["opened_at"]
        if self.by is By.DAY:
            return at.astimezone(BERLIN).date()
        said = lead if lead["media_source"] else None
        last = self.last(lead["customer_id"], at - timedelta(days=2), lambda began: began <= at)
        first, own = self.first(lead["customer_id"]), self.calls.get(lead["call_id"])
        found = (first or said) if self.touch is Touch.FIRST else (own or said or last)
        return found[self.name] if found else None


def of_period(house: House) -> tuple[list[Row], list[Row], list[Row]]:
    began = [call for call in house.calls if FIRST <= call["started_at"].astimezone(BERLIN).date() <= LAST]
    opened = [lead for lead in house.leads if FIRST <= lead["opened_at"].astimezone(BERLIN).date() <= LAST]
    placed = [order for order in house.orders if FIRST <= order["placed_on"] <= LAST and order["status"] != "cancelled"]
    return began, opened, placed


@FEW
@given(house=houses())
def test_each_thing_is_on_the_line_that_brute_force_finds(crm_url: str, house: House) -> None:
    began, opened, placed = of_period(house)
    mine = [order for order in placed if order["currency"] == "CNY"]

    async def compare(store: CrmStore) -> None:
        for media in MEDIA:
            force, report = BruteForce(house, media.by, media.touch), await answer(store, media)
            found = {line[media.by.value]: line for line in report.lines}
            assert report.wrong == []
            for figure, lines in (
                ("calls", Counter(label(force.call(call)) for call in began)),
                ("answered", Counter(label(force.call(call)) for call in began if call["outcome"] == "answered")),
                ("lost", Counter(label(force.call(call)) for call in began if is_lost(call))),
                ("first_time", Counter(label(force.call(call)) for call in began if is_first(force, call))),
                ("leads", Counter(label(force.lead(lead)) for lead in opened)),
                ("orders", Counter(label(force.order(order)) for order in mine)),
                ("revenue", summed((label(force.order(order)), order["amount"]) for order in mine)),
            ):
                assert {key: line[figure] for key, line in found.items() if line[figure]} == {
                    key: value for key, value in lines.items() if value
                }, (media.by, media.touch, figure)

    within(crm_url, house, compare)


def is_lost(call: Row) -> bool:
    return call["outcome"] in set(LOST) and call["answered_at"] is None


def is_first(force: BruteForce, call: Row) -> bool:
    first = force.first(call["customer_id"])
    return first is not None and first["call_id"] == call["call_id"]


def summed(pairs: Any) -> dict[Any, Decimal]:
    sums: dict[Any, Decimal] = {}
    for key, amount in pairs:
        sums[key] = sums.get(key, Decimal(0)) + amount
    return sums


@FEW
@given(house=houses())
def test_nothing_in_another_currency_is_dropped(crm_url: str, house: House) -> None:
    _, _, placed = of_period(house)
    dollars = [order["amount"] for order in placed if order["currency"] == "USD"]

    async def compare(store: CrmStore) -> None:
        foreign = {one.what: one for one in (await answer(store, Media(PERIOD, RULES))).foreign}
        assert ("orders" in foreign) == bool(dollars)
        if dollars:
            told = foreign["orders"]
            assert (told.count, told.amount, told.currency) == (len(dollars), sum(dollars), "USD")
        paid = [cost for cost in house.costs if cost["currency"] == "USD" and touches(cost)]
        assert (foreign["costs"].count if "costs" in foreign else 0) == len(paid)

    within(crm_url, house, compare)


def touches(cost: Row) -> bool:
    return bool(cost["begins_on"] <= LAST and max(cost["ends_on"], cost["begins_on"]) >= FIRST)


@FEWER
@given(house=busy_houses())
def test_behind_each_figure_are_as_many_rows_as_it_says(crm_url: str, house: House) -> None:
    def follow(connection: Connection) -> None:
        for asked in [*MEDIA, *OTHERS]:
            report, ledgers = asked.report(connection), asked.ledgers()
            assert report.wrong == [], asked
            for ledger in ledgers:
                for figure in ledger.figures:
                    follow_figure(connection, asked, report, figure, ledger)

    async def read(store: CrmStore) -> None:
        await store.read(follow)

    within(crm_url, house, read)


def follow_figure(connection: Connection, asked: Asked, report: Report, figure: str, ledger: Any) -> None:
    two = isinstance(asked, Surveys) and figure != "comments"
    lines = [line for line in report.lines if not isinstance(asked, Surveys) or two != (line["question"] == COMMENT)]
    total = 0
    for line in lines:
        of = [str(line[report.columns[0]]), *([line["question"]] if two else [])]
        rows = behind(connection, [ledger], figure, of)
        money = {"revenue": "amount", "cost": "part"}.get(figure)
        assert line[figure] == (sum(row[money] for row in rows) if money else len(rows)), (asked, figure, of)
        total += len(rows)
    assert total == len(behind(connection, [ledger], figure, []))


@FEW
@given(house=houses())
def test_lost_money_is_each_lost_call_at_the_price_of_its_source(crm_url: str, house: House) -> None:
    began, _, _ = of_period(house)

    async def compare(store: CrmStore) -> None:
        sources = {line["source"]: line for line in (await answer(store, Media(PERIOD, RULES))).lines}
        for where in Where:
            report = await answer(store, LostMoney(PERIOD, RULES, where))
            for line in report.lines:
                lost = [call for call in began if is_lost(call) and is_there(call, where, line[where.value])]
                prices = [sources[call["media_source"]] for call in lost]
                exact = sum((price["cost"] / price["calls"] for price in prices), Decimal(0))
                assert abs(line["lost_money"] - exact) <= Decimal("0.0001")
                assert line["lost"] == len(lost)

    within(crm_url, house, compare)


def is_there(call: Row, where: Where, line: Any) -> bool:
    if where is Where.HOUR:
        return bool(call["started_at"].astimezone(BERLIN).hour == line)
    name = "media_source" if where is Where.SOURCE else where.value
    return bool(call[name] == ("" if line == NOT_SAID else line))


@pytest.mark.parametrize("text", [NO_CALL, NOT_SAID])
async def test_what_stands_for_nothing_can_be_asked_for(crm_url: str, text: str) -> None:
    store = CrmStore(crm_url, rules=RULES)
    assert await rows_behind(store, Media(PERIOD, RULES, By.CAMPAIGN), "orders", [text]) == []
    await store.close()
