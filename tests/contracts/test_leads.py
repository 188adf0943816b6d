"""A lead's way through dealers' hands, on both kinds of database, against the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from crm_bridge import leads as steps
from crm_bridge.lead_desk import LeadDesk
from crm_bridge.leads import LeadState
from crm_bridge.models import changes, customer_numbers, customers, dealers, lead_handings, leads
from crm_bridge.rules import CrmRules, LeadRules
from crm_bridge.store import CrmStore

START = datetime(2026, 11, 24, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = CrmRules(leads=LeadRules(accept_s=3600.0), regions={"east": ("Zhejiang",), "south": ("Guangdong",)})


class Clock:
    now = START

    def __call__(self) -> float:
        return self.now.timestamp()


class Desk:
    """The desk with a clock and with books of its own."""

    def __init__(self, store: CrmStore) -> None:
        self.store, self.clock, self.asked = store, Clock(), 0
        self._desk = LeadDesk(store, self.clock, self._places)

    async def _places(self, numbers: Any) -> list[str]:
        self.asked += 1
        return [{"+8613912340001": "Hangzhou, Zhejiang"}.get(number, "") for number in numbers]

    async def look(self, later: timedelta = timedelta()) -> None:
        self.clock.now += later
        await self._desk.look()

    async def lead(self) -> dict[str, Any]:
        [row] = await rows(self.store, leads)
        return row

    async def do(self, act: Callable[..., bool], **more: Any) -> bool:
        """What somebody does with the lead."""
        id_ = (await self.lead())["id"]
        return await self.store.write(lambda connection: act(connection, id_, by="cli:anna", at=self.clock.now, **more))


@pytest.fixture
async def desk(crm_url: str) -> AsyncIterator[Desk]:
    store = CrmStore(crm_url, rules=RULES)
    await store.write(_people)
    yield Desk(store)
    await store.close()


def _people(connection: Connection) -> None:
    base = {"name": "x", "owner": "", "tier": "", "pin_hash": ""}
    rows = [("301", "east", "active"), ("302", "east", "active"), ("303", "east", "left"), ("304", "south", "active")]
    connection.execute(
        insert(dealers), [{**base, "code": code, "region": where, "stage": stage} for code, where, stage in rows]
    )
    connection.execute(insert(customers).values(id=1, name="王芳", first_source="tv", first_campaign=""))
    connection.execute(insert(customer_numbers).values(e164="+8613912340001", customer_id=1))


async def new_lead(desk: Desk, ref: str = "call:c1", region: str = "", **more: Any) -> None:
    row = {"ref": ref, "customer_id": 1, "state": "new", "opened_at": desk.clock.now, "region": region, **more}
    await desk.store.write(lambda connection: connection.execute(insert(leads).values(row)))


async def rows(store: CrmStore, table: Any) -> list[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key)
    return await store.read(lambda connection: [dict(row) for row in connection.execute(query).mappings()])


async def test_it_goes_to_a_dealer_of_the_callers_region(desk: Desk) -> None:
    await new_lead(desk)
    await desk.look()
    lead = await desk.lead()
    assert (lead["region"], lead["dealer"], lead["state"]) == ("east", "301", "assigned")
    assert lead["due_at"] == START + HOUR


async def test_who_does_not_accept_in_time_loses_it_to_the_next_and_never_has_it_again(desk: Desk) -> None:
    await new_lead(desk)
    for dealer in ("301", "302"):
        await desk.look()
        assert (await desk.lead())["dealer"] == dealer
        await desk.look(HOUR - timedelta(seconds=1))
        assert (await desk.lead())["dealer"] == dealer
        desk.clock.now += timedelta(seconds=1)
    await desk.look()
    lead = await desk.lead()
    assert (lead["state"], lead["dealer"], lead["due_at"]) == ("new", None, None)
    told = [(row["dealer"], row["ended_as"]) for row in await rows(desk.store, lead_handings)]
    assert told == [("301", "expired"), ("302", "expired")]
    await desk.look(24 * HOUR)
    assert (await desk.lead())["state"] == "new"  # it is ours


async def test_the_next_lead_goes_to_the_dealer_who_has_had_none_for_longest(desk: Desk) -> None:
    for nr in range(4):
        await new_lead(desk, f"r{nr}", "east")
        await desk.look(timedelta(minutes=1))
    assert [row["dealer"] for row in await rows(desk.store, leads)] == ["301", "302", "301", "302"]


async def test_an_accepted_lead_stays_with_its_dealer(desk: Desk) -> None:
    await new_lead(desk, region="south")
    await desk.look()
    assert await desk.do(steps.accept)
    assert not await desk.do(steps.accept)
    await desk.look(100 * HOUR)
    lead = await desk.lead()
    assert (lead["state"], lead["dealer"]) == ("accepted", "304")
    assert await desk.do(steps.close, won=True)
    assert (await desk.lead())["state"] == "won"
    [handing] = await rows(desk.store, lead_handings)
    assert handing["ended_as"] == "accepted"


async def test_a_dealer_may_return_it(desk: Desk) -> None:
    await new_lead(desk, region="east")
    await desk.look()
    assert await desk.do(steps.give_back)
    await desk.look()
    assert (await desk.lead())["dealer"] == "302"
    assert [row["ended_as"] for row in await rows(desk.store, lead_handings)] == ["returned", ""]


async def test_somebody_may_assign_it_to_any_dealer_and_each_step_has_a_name_to_it(desk: Desk) -> None:
    await new_lead(desk, region="east")
    await desk.look()
    assert await desk.do(steps.assign, dealer="304", rules=RULES)
    assert not await desk.do(steps.assign, dealer="999", rules=RULES)
    assert (await desk.lead())["dealer"] == "304"
    assert [row["ended_as"] for row in await rows(desk.store, lead_handings)] == ["withdrawn", ""]
    told = [(row["by"], row["before"], row["after"]) for row in await rows(desk.store, changes)]
    assert ("rule:leads", "new", "assigned") in told
    assert ("cli:anna", "301", "304") in told


async def test_a_number_that_is_nowhere_is_asked_for_once(desk: Desk) -> None:
    await desk.store.write(lambda c: c.execute(customer_numbers.update().values(e164="+8613800138000")))
    await new_lead(desk)
    for _ in range(3):
        await desk.look(HOUR)
    assert desk.asked == 1
    assert (await desk.lead())["region"] == "unknown"


@pytest.mark.parametrize("state", list(LeadState))
async def test_the_table_says_what_may_be_done(desk: Desk, state: LeadState) -> None:
    """Everything else answers False and changes nothing."""
    await new_lead(desk, state=state.value, dealer="301", region="unknown")
    acts: dict[str, tuple[Callable[..., bool], dict[str, Any]]] = {
        "assign": (steps.assign, {"dealer": "302", "rules": RULES}),
        "accept": (steps.accept, {}),
        "return": (steps.give_back, {}),
        "close": (steps.close, {"won": False}),
        "reopen": (steps.reopen, {}),
    }
    before = await desk.lead()
    for name, (act, more) in acts.items():
        if state not in steps.TABLE[name]:
            assert not await desk.do(act, **more)
            assert await desk.lead() == before


async def test_the_books_are_asked_in_a_process_of_their_own() -> None:
    from crm_bridge.regions import places_of

    assert await places_of(["+8657187654321", "+862162345678", "nonsense"]) == ["Hangzhou, Zhejiang", "Shanghai", ""]
