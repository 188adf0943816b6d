"""A house's random week, as rows of the CRM's tables: around the night in which Berlin's clocks go back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from crm_bridge.life_cycle import Stage
from crm_bridge.models import (
    calls,
    changes,
    customers,
    dealers,
    lead_handings,
    leads,
    media_costs,
    metadata,
    orders,
    promises,
    surveys,
    tasks,
)
from crm_bridge.outcome import Outcome
from crm_bridge.reporting.period import Period
from crm_bridge.rules import DAY_S, CrmRules

BERLIN = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2026, 10, 23), date(2026, 10, 27)  # the 25th has 25 hours
PERIOD = Period(FIRST, LAST, BERLIN)
RULES = CrmRules(currency="CNY", zone=BERLIN, attribution_s=2 * DAY_S)
SOURCES, CAMPAIGNS, QUEUES = ("tv", "web", "paper"), ("", "autumn", "spring"), ("", "sales", "service")
CUSTOMERS, DEALERS = 5, ("101", "102", "103")

Row = dict[str, Any]


@dataclass
class House:
    """Rows by table; ``customers`` know their first calls."""

    customers: list[Row]
    calls: list[Row]
    orders: list[Row]
    leads: list[Row]
    costs: list[Row]
    handings: list[Row] = field(default_factory=list)
    promises: list[Row] = field(default_factory=list)
    surveys: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)

    def write(self, connection: Connection) -> None:
        """In the place of all that is there."""
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        known = [
            {"code": code, "name": code, "region": "east", "owner": "", "tier": "", "pin_hash": ""} for code in DEALERS
        ]
        written = [(customers, self.customers), (dealers, known), (calls, self.calls), (orders, self.orders)]
        written += [(leads, self.leads), (media_costs, self.costs), (lead_handings, self.handings)]
        written += [(promises, self.promises), (surveys, self.surveys), (tasks, self.tasks), (changes, self.changes)]
        for table, rows in written:
            if rows:
                connection.execute(insert(table), rows)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)


_MIDNIGHTS = [_midnight(FIRST + timedelta(days=n)) for n in range(-1, 7)]
_NEAR = st.builds(
    lambda at, off: at + off,
    st.sampled_from(_MIDNIGHTS),
    st.sampled_from([timedelta(0), timedelta(microseconds=-1), timedelta(microseconds=-400), timedelta(hours=2.5)]),
)
_ANY = st.timedeltas(timedelta(days=-2), timedelta(days=6)).map(lambda since: _midnight(FIRST) + since)
INSTANTS = _NEAR | _ANY
DAYS = st.dates(FIRST - timedelta(days=2), LAST + timedelta(days=2))
_SMALL = st.decimals(0, 10_000, places=4)
AMOUNTS = st.one_of(_SMALL, _SMALL.map(lambda amount: -amount), st.just(Decimal("99999999999999.9999")))
_WHO = st.integers(1, CUSTOMERS)


def _call(nr: int) -> st.SearchStrategy[Row]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "started_at": INSTANTS,
        "customer_id": st.none() | _WHO,
        "media_source": st.sampled_from(SOURCES),
        "campaign": st.sampled_from(CAMPAIGNS),
        "queue": st.sampled_from(QUEUES),
        "agent": st.sampled_from(("", "1001", "1002")),
        "outcome": st.none() | st.sampled_from([one.value for one in Outcome]),
        "answered_at": st.none() | st.just(datetime(2026, 10, 25, tzinfo=UTC)),
    }
    blank = dict.fromkeys(("dnis", "ani", "caller_name", "language", "last_node", "hangup_by", "cause"), "")
    return st.fixed_dictionaries(drawn).map(lambda row: {"call_id": f"c{nr}", **blank, **row})


def _order(nr: int, call_id: str | None) -> st.SearchStrategy[Row]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "customer_id": _WHO,
        "status": st.sampled_from(("placed", "placed", "paid", "cancelled")),
        "amount": AMOUNTS,
        "currency": st.sampled_from(("CNY", "CNY", "CNY", "USD")),
        "placed_on": DAYS,
    }
    return st.fixed_dictionaries(drawn).map(lambda row: {"number": f"o{nr}", "call_id": call_id, **row})


def _lead(nr: int) -> st.SearchStrategy[Row]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "customer_id": _WHO,
        "call_id": st.sampled_from(("", "", "c0", "c1", "gone")),
        "media_source": st.sampled_from(("", "fair")),
        "campaign": st.sampled_from(CAMPAIGNS),
        "state": st.sampled_from(("new", "assigned", "accepted", "won", "lost")),
        "dealer": st.none() | st.sampled_from(DEALERS),
        "opened_at": INSTANTS,
        "closed_at": INSTANTS,
    }
    return st.fixed_dictionaries(drawn).map(lambda row: {"id": nr, "ref": f"l{nr}", **row})


def _cost(nr: int) -> st.SearchStrategy[Row]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "media_source": st.sampled_from((*SOURCES, "fair")),
        "campaign": st.sampled_from(CAMPAIGNS),
        "begins_on": DAYS,
        "lasts": st.integers(-1, 9),
        "amount": AMOUNTS,
        "currency": st.sampled_from(("CNY", "CNY", "USD")),
    }

    def row(drawn: Row) -> Row:
        ends_on = drawn["begins_on"] + timedelta(days=drawn.pop("lasts"))
        return {"ref": f"m{nr}", "ends_on": ends_on, **drawn}

    return st.fixed_dictionaries(drawn).map(row)


def _customers(rows: Sequence[Row]) -> list[Row]:
    """With what their first calls say, as `first_touch` writes it."""
    known: list[Row] = []
    for id_ in range(1, CUSTOMERS + 1):
        theirs = sorted((row["started_at"], row["call_id"], row) for row in rows if row["customer_id"] == id_)
        first = theirs[0][2] if theirs else None
        touch = {"first_source": first["media_source"], "first_campaign": first["campaign"]} if first else {}
        touch |= {"first_call_at": first["started_at"], "first_call_id": first["call_id"]} if first else {}
        blank = {"first_source": "", "first_campaign": "", "first_call_at": None, "first_call_id": ""}
        known.append({"id": id_, "name": "", "stage": list(Stage)[id_].value, **blank, **touch})
    return known


def _list(make: Any, most: int) -> st.SearchStrategy[list[Row]]:
    return st.integers(0, most).flatmap(lambda count: st.tuples(*(make(nr) for nr in range(count))).map(list))


@st.composite
def houses(draw: st.DrawFn) -> House:
    rows = draw(_list(_call, 14))
    named = draw(st.permutations([*[None] * 6, "gone", "lost", *(row["call_id"] for row in rows[:4])]))
    placed = draw(_list(lambda nr: _order(nr, named[nr]), 8))
    return House(_customers(rows), rows, placed, draw(_list(_lead, 6)), draw(_list(_cost, 6)))


def _handing(nr: int) -> st.SearchStrategy[Row]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "dealer": st.sampled_from(DEALERS),
        "handed_at": INSTANTS,
        "took": st.none() | st.timedeltas(timedelta(0), timedelta(days=2)),
        "ended_as": st.sampled_from(("accepted", "accepted", "returned", "expired", "withdrawn")),
    }

    def row(drawn: Row) -> Row:
        took, end = drawn.pop("took"), drawn["ended_as"]
        ended_at = None if took is None else drawn["handed_at"] + took
        told = {"ended_at": ended_at, "ended_as": "" if took is None else end, "due_at": drawn["handed_at"]}
        return {"lead_id": 0, "nr": nr, **drawn, **told}

    return st.fixed_dictionaries(drawn).map(row)


def _promise(nr: int) -> st.SearchStrategy[Row]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "customer_id": _WHO,
        "due_on": DAYS,
        "keeper": st.sampled_from(("", "1001", "1002")),
        "kept_at": st.none() | INSTANTS,
        "withdrawn_at": st.none() | st.none() | INSTANTS,
    }
    return st.fixed_dictionaries(drawn).map(lambda row: {"id": nr, "ref": f"p{nr}", "text": "", **row})


def _mark(nr: int) -> st.SearchStrategy[Row]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "call_id": st.sampled_from(("c0", "c1", "c2", "gone")),
        "name": st.sampled_from(("content", "nps", "friends")),
        "score": st.integers(-1, 11),
        "at": INSTANTS,
    }
    return st.fixed_dictionaries(drawn).map(lambda row: {"seq": nr, **row})


def _task(nr: int) -> st.SearchStrategy[Row]:
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "call_id": st.sampled_from(("c0", "c1", "gone")),
        "kind": st.sampled_from(("survey", "survey", "callback")),
        "opened_at": INSTANTS,
        "state": st.sampled_from(("open", "done")),
    }
    return st.fixed_dictionaries(drawn).map(lambda row: {"seq": nr, "queue": "", "fields": {}, **row})


def _move(nr: int) -> st.SearchStrategy[Row]:
    stages = st.sampled_from([stage.value for stage in Stage])
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "at": DAYS.map(lambda day: datetime(day.year, day.month, day.day, tzinfo=UTC)),
        "field": st.sampled_from(("stage", "stage", "name")),
        "subject": st.sampled_from(("customers", "customers", "orders")),
        "before": stages,
        "after": stages,
    }
    return st.fixed_dictionaries(drawn).map(lambda row: {"id": nr, "by": "rule:stages", "key": "1", **row})


@st.composite
def busy_houses(draw: st.DrawFn) -> House:
    """With all that other reports are about."""
    house = draw(houses())
    if not house.leads:
        house.leads.append({**draw(_lead(0)), "id": 0})
    house.handings, house.promises = draw(_list(_handing, 8)), draw(_list(_promise, 8))
    house.surveys, house.tasks = draw(_list(_mark, 10)), draw(_list(_task, 4))
    house.changes = draw(_list(_move, 8))
    return house
