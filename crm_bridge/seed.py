"""What a site knows before anybody has called: customers, orders, dealers, … brought into the store.

Again is harmless. What the seed says counts, what it leaves empty stays as it was, and what is not in it is left alone:
above all what the calls have taught, as a customer's first source.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, insert, select

from crm_bridge import bulk
from crm_bridge.leads import ACTIVE
from crm_bridge.life_cycle import refresh_stages
from crm_bridge.merging import merge
from crm_bridge.models import (
    campaigns,
    companies,
    customer_numbers,
    customers,
    dealers,
    households,
    orders,
    promises,
    shipments,
    tickets,
)
from crm_bridge.pins import hash_for
from crm_bridge.rules import CrmRules
from crm_bridge.store import CrmStore
from crm_bridge.upserts import put_said

_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class CustomerSeed:
    """``phones``: E.164."""

    number: str
    name: str
    phones: Sequence[str] = ()
    tier: str = ""
    price_list: str = ""
    owner: str = ""
    language: str = ""
    household: str = ""
    company: str = ""
    region: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class HouseholdSeed:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class CompanySeed:
    code: str
    name: str
    tier: str = ""
    price_list: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class CampaignSeed:
    code: str
    name: str
    begins_on: date | None = None
    ends_on: date | None = None
    budget: Decimal | None = None
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class OrderSeed:
    number: str
    customer: str
    status: str
    amount: Decimal
    currency: str
    placed_on: date
    expected_on: date | None = None


@dataclass(frozen=True, slots=True)
class ShipmentSeed:
    number: str
    order_number: str
    carrier: str
    status: str
    expected_on: date | None = None
    delivered_on: date | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class DealerSeed:
    """``pin`` as it is typed, or ``pin_hash``; ``stock_notices``: language code → text."""

    code: str
    name: str
    region: str
    owner: str = ""
    tier: str = ""
    pin: str = field(default="", repr=False)
    pin_hash: str = field(default="", repr=False)
    stock_notices: Mapping[str, str] = field(default_factory=dict)
    phone: str = ""
    stage: str = ""


@dataclass(frozen=True, slots=True)
class TicketSeed:
    number: str
    customer: str
    status: str
    category: str
    opened_on: date
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class PromiseSeed:
    ref: str
    customer: str
    text: str
    due_on: date
    keeper: str = ""
    kept_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seed:
    customers: Sequence[CustomerSeed] = ()
    orders: Sequence[OrderSeed] = ()
    shipments: Sequence[ShipmentSeed] = ()
    dealers: Sequence[DealerSeed] = ()
    tickets: Sequence[TicketSeed] = ()
    promises: Sequence[PromiseSeed] = ()
    households: Sequence[HouseholdSeed] = ()
    companies: Sequence[CompanySeed] = ()
    campaigns: Sequence[CampaignSeed] = ()


_Customers = OrderSeed | TicketSeed | PromiseSeed


async def sow(store: CrmStore, seed: Seed, today: date | None = None) -> None:
    """In one transaction. ``today``: from which the customers' stages are counted (left out: the store's own). Takes
    some 20 ms for each dealer whose PIN is written out. Raises StoreAway, and EntryRefused
    for what no database would take or is of nobody who is known."""
    codes = [dealer.code for dealer in seed.dealers]
    known = select(dealers.c.code, dealers.c.pin_hash).where(dealers.c.code.in_(codes))
    hashes = await store.read(lambda connection: {row.code: row.pin_hash for row in connection.execute(known)})
    rows = await asyncio.to_thread(lambda: [_dealer(dealer, hashes.get(dealer.code)) for dealer in seed.dealers])
    day = today or datetime.now(store.rules.zone).date()
    await store.write(partial(_sow, seed=seed, dealer_rows=rows, today=day, rules=store.rules))


def _sow(connection: Connection, seed: Seed, dealer_rows: list[dict[str, Any]], today: date, rules: CrmRules) -> None:
    for table, found in ((households, seed.households), (companies, seed.companies), (campaigns, seed.campaigns)):
        put_said(connection, table, [asdict(row) for row in found], "code")
    _sow_customers(connection, seed.customers)
    theirs: list[_Customers] = [*seed.orders, *seed.tickets, *seed.promises]
    ids = _ids(connection, {row.customer for row in theirs})
    put_said(connection, orders, [_of_customer(row, ids) for row in seed.orders], "number")
    put_said(connection, shipments, [asdict(row) for row in seed.shipments], "number")
    put_said(connection, dealers, dealer_rows, "code")
    put_said(connection, tickets, [_of_customer(row, ids) for row in seed.tickets], "number")
    put_said(connection, promises, [_of_customer(row, ids) for row in seed.promises], "ref")
    bought = {ids[row.customer] for row in seed.orders if row.customer in ids}
    refresh_stages(connection, bought, today, rules.stages)


def _of_customer(row: _Customers, ids: Mapping[str, int]) -> dict[str, Any]:
    columns = asdict(row)
    return {"customer_id": ids.get(columns.pop("customer")), **columns}


def _dealer(seed: DealerSeed, known_hash: str | None) -> dict[str, Any]:
    """A PIN that the store has already is not hashed anew: the same seed again changes nothing. ``known_hash``: None
    for a dealer who is new, and sells for us if nothing else is said."""
    columns = asdict(seed)
    if known_hash is None:
        columns["stage"] = seed.stage or ACTIVE
    pin = columns.pop("pin")
    if pin:
        columns["pin_hash"] = hash_for(pin, known_hash or "")
    return {**columns, "stock_notices": columns["stock_notices"] or None}


def _ids(connection: Connection, numbers: Collection[str]) -> dict[str, int]:
    """Customer's number → id."""
    return dict(_pairs(connection, select(customers.c.number, customers.c.id), customers.c.number, numbers))


def _pairs(
    connection: Connection, query: Select[Any], column: ColumnElement[str], among: Collection[str]
) -> Iterator[tuple[str, int]]:
    """In pieces: databases take some thousands of values for one question."""
    wanted = sorted(among)
    for begin in range(0, len(wanted), _AT_ONCE):
        for row in connection.execute(query.where(column.in_(wanted[begin : begin + _AT_ONCE]))):
            yield row[0], row[1]


def _sow_customers(connection: Connection, seeds: Sequence[CustomerSeed]) -> None:
    put_said(connection, customers, [_customer(seed) for seed in seeds], "number")
    ids = _ids(connection, [seed.number for seed in seeds])
    wanted = {phone: ids[seed.number] for seed in seeds for phone in seed.phones}
    query = select(customer_numbers.c.e164, customer_numbers.c.customer_id)
    held = dict(_pairs(connection, query, customer_numbers.c.e164, wanted))
    free = [{"e164": phone, "customer_id": id_} for phone, id_ in wanted.items() if phone not in held]
    if free:
        connection.execute(insert(customer_numbers), free)
    _hand_over(connection, {phone: id_ for phone, id_ in wanted.items() if held.get(phone, id_) != id_})


def _customer(seed: CustomerSeed) -> dict[str, Any]:
    columns = asdict(seed)
    del columns["phones"]
    return {**columns, "first_source": "", "first_campaign": ""}


def _hand_over(connection: Connection, wanted: Mapping[str, int]) -> None:
    """Phones that somebody else has. A caller without a number turns out to be this customer; from a customer who has
    one the phone is taken away, their calls are not."""
    columns = (customer_numbers.c.e164, customers.c.id, customers.c.number)
    holders = list(bulk.found(connection, columns, customer_numbers.c.e164, wanted))
    merge(connection, list({row.id: (row.id, wanted[row.e164]) for row in holders if row.number is None}.values()))
    taken = [(row.e164, wanted[row.e164]) for row in holders if row.number is not None]
    bulk.change(connection, customer_numbers, "e164", ["customer_id"], taken)
