"""Who somebody is to us: all of their numbers, what they are called, their rows' keys, and their calls."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, or_, select

from crm_bridge.entry import STARTED
from crm_bridge.journal import Journal
from crm_bridge.models import calls, customer_numbers, customers
from crm_bridge.numbers import e164
from crm_bridge.persons.spelling import Spellings
from crm_bridge.store import CrmStore

AT_ONCE = 500
_STARTS = f"SELECT call_id, fields FROM entries WHERE kind = '{STARTED}'"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Person:
    """``numbers``: as `spelling.known_as` tells them; ``addresses``: mail."""

    numbers: frozenset[str]
    customers: frozenset[int] = frozenset()
    calls: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    spellings: Spellings = field(default_factory=lambda: Spellings.of(()), compare=False)

    @property
    def is_known(self) -> bool:
        return bool(self.customers or self.calls)


async def person_of(number: str, store: CrmStore, journal: Journal | None) -> Person:
    """By one of their numbers (as `known_as` tells it). Raises StoreAway, JournalError."""
    person = await store.read(partial(find, number=number))
    if journal is None:
        return person
    theirs, names = await _calls_in_journal(person.numbers, journal, store.region)
    return replace(person, calls=person.calls | theirs, names=person.names | names)


def find(connection: Connection, number: str) -> Person:
    """As the CRM knows them."""
    ids = set(
        connection.execute(select(customer_numbers.c.customer_id).where(customer_numbers.c.e164 == number)).scalars()
    )
    numbers, names, addresses = {number}, set(), set()
    for piece in pieces(sorted(ids)):
        owned = select(customer_numbers.c.e164).where(customer_numbers.c.customer_id.in_(piece))
        numbers |= set(connection.execute(owned).scalars())
        told = select(customers.c.name, customers.c.email).where(customers.c.id.in_(piece))
        for row in connection.execute(told):
            names.add(row.name)
            addresses.add(row.email)
    found = _calls_of(connection, ids, numbers)
    return Person(
        frozenset(numbers),
        frozenset(ids),
        frozenset(row.call_id for row in found),
        frozenset({*names, *(row.caller_name for row in found)} - {""}),
        frozenset(addresses - {""}),
        Spellings.of(numbers, addresses - {""}),
    )


def joined(person: Person, other: Person) -> Person:
    """What we know of somebody from two looks."""
    numbers, addresses = person.numbers | other.numbers, person.addresses | other.addresses
    return Person(
        numbers,
        person.customers | other.customers,
        person.calls | other.calls,
        person.names | other.names,
        addresses,
        Spellings.of(numbers, addresses),
    )


def _calls_of(connection: Connection, ids: Collection[int], numbers: Collection[str]) -> Sequence[Any]:
    """By the customer, by the number, and by what the network delivered where that was no number of any country."""
    raw = [number for number in numbers if not number.startswith("+")]
    theirs = or_(
        calls.c.customer_id.in_(sorted(ids)),
        calls.c.ani_e164.in_(sorted(numbers)),
        *([calls.c.ani.in_(raw)] if raw else []),
    )
    return connection.execute(select(calls.c.call_id, calls.c.caller_name).where(theirs)).all()


async def _calls_in_journal(
    numbers: Collection[str], journal: Journal, region: str
) -> tuple[frozenset[str], frozenset[str]]:
    """Also those that the CRM does not have yet; and the names that came with them."""
    ids, names = set(), set()
    for call_id, fields in await journal.read(_STARTS):
        told = json.loads(fields)
        ani = str(told.get("ani") or "")
        if ani and (e164(ani, region) or ani) in numbers:
            ids.add(call_id)
            names.add(str(told.get("name") or ""))
    return frozenset(ids), frozenset(names - {""})


def pieces(keys: Iterable[Any]) -> Iterator[list[Any]]:
    """As many as one statement may name."""
    wanted = list(keys)
    return (wanted[begin : begin + AT_ONCE] for begin in range(0, len(wanted), AT_ONCE))
