"""Takes a person out of the CRM. What is left, table by table, is law:

    calls                  stay as figures, of a customer without a name: number, caller's name, attributes go
    call_events            stay: their fields keep figures and words of ours only (`entries`)
    customers              the row stays without number, name, mail, household, company, language: orders and calls
                           hang on it, and what reports say of where they come from
    customer_numbers       go: who calls again is a new customer
    households             go where nobody else lives there
    orders, quotes, lines  stay as sums, of a customer without a name: who must keep invoices keeps them elsewhere
    shipments              stay: their place goes
    leads, promises, appointments, tickets    stay as figures: their texts and places go
    tasks                  stay, done: number and fields go
    interactions           stay as figures: address and text go
    recordings             go, with their files
    consents, do_not_call  go: of somebody whom we do not know we cannot know what they wish
    changes                of their rows stay: that something was changed, and from what to what where that is a figure
                           or a word of ours (a stage, an owner)
    work_items             notes go, and lines that a number names
    api_requests           answers with them in it go
    surveys, legs, dispositions, lead_handings    stay: marks, lengths and codes are nobody's
    dealers                are the house's partners, and are not touched

Their numbers in anything else, a note about a neighbour's say, are blotted out by `sweep`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Executable, String, Table, and_, cast, delete, or_, select, update

from crm_bridge.changing import MADE
from crm_bridge.models import (
    api_requests,
    appointments,
    call_events,
    calls,
    changes,
    consents,
    customer_numbers,
    customers,
    dealers,
    do_not_call,
    households,
    interactions,
    leads,
    promises,
    recordings,
    shipments,
    tasks,
    tickets,
    work_items,
)
from crm_bridge.persons.entries import scrubbed
from crm_bridge.persons.identity import Person, pieces
from crm_bridge.persons.rows import keys_of, of_changes, of_interactions, of_tasks
from crm_bridge.work_lists.items import ItemKind

_NOBODY = {"name": "", "number": None, "email": "", "household": "", "company": "", "language": ""}
_NO_CALLER = {"ani": "", "ani_e164": None, "caller_name": "", "attributes": None}
_EMPTIED: Mapping[Table, Mapping[str, str]] = {
    leads: {"text": ""},
    promises: {"text": ""},
    appointments: {"place": "", "purpose": ""},
    tickets: {"text": ""},
}
# Of `changes`: what was changed from and to stays, for reports count it. Whatever is not named here goes.
_FIGURES = frozenset(
    {
        *(MADE, "stage", "state", "status", "owner", "keeper", "dealer", "tier", "price_list", "region", "given"),
        *("amount", "currency", "product", "category", "channel", "until", "due_on", "due_at", "eta", "delivered_on"),
        *("kept_at", "kept_by", "withdrawn_at", "confirmed_at", "confirmed_by", "solved_at", "accepted_at"),
        *("closed_at", "closed_by", "taken_at", "taken_by"),
    }
)
_SHORTEST_NAME = 2  # one letter is in everything


def forget(connection: Connection, person: Person) -> dict[str, int]:
    """Table → how many of its rows were changed or have gone. All in the transaction of whoever asks."""
    count: dict[str, int] = {}
    for table, statement in _statements(connection, person):
        count[table.name] = count.get(table.name, 0) + connection.execute(statement).rowcount
    return {name: number for name, number in count.items() if number}


def _statements(connection: Connection, person: Person) -> Iterator[tuple[Table, Executable]]:
    """In an order in which nothing is lost that a later one needs."""
    keys = keys_of(connection, person)
    yield from _items(person, keys)
    yield from _traces(connection, person, keys)
    yield from _calls(connection, person)
    yield from _of_customers(connection, person, keys)


def _items(person: Person, keys: Mapping[str, set[str]]) -> Iterator[tuple[Table, Executable]]:
    for piece in pieces(sorted(keys.get(work_items.name, ()))):
        yield (
            work_items,
            update(work_items).where(work_items.c.item.in_(piece), work_items.c.note != "").values(note=""),
        )
    named = [f"{ItemKind.MISSED}-{number}" for number in sorted(person.numbers)]
    yield work_items, delete(work_items).where(work_items.c.item.in_(named))


def _traces(connection: Connection, person: Person, keys: Mapping[str, set[str]]) -> Iterator[tuple[Table, Executable]]:
    for where in of_changes(keys):
        theirs = and_(where, changes.c.field.not_in(_FIGURES))
        yield changes, update(changes).where(theirs).values(before=None, after=None)
    for where in of_tasks(person):
        yield tasks, update(tasks).where(where).values(number=None, fields={}, state="done")
    for where in of_interactions(person):
        yield interactions, update(interactions).where(where).values(address="", text="")
    reachable = sorted(person.numbers | person.addresses)
    yield consents, delete(consents).where(consents.c.address.in_(reachable))
    yield do_not_call, delete(do_not_call).where(do_not_call.c.e164.in_(sorted(person.numbers)))
    yield from _answers(connection, person)


def _answers(connection: Connection, person: Person) -> Iterator[tuple[Table, Executable]]:
    """Only theirs go: whoever asks again for another's must get the same answer."""
    names = [name for name in person.names if len(name) >= _SHORTEST_NAME]
    words = {*person.spellings.cores, *names, *person.addresses, *(json.dumps(name)[1:-1] for name in names)}
    where = or_(*(api_requests.c.body.contains(word, autoescape=True) for word in sorted(words)))
    for row in connection.execute(select(api_requests).where(where)).all():
        if any(text in {*names, *person.addresses} or person.spellings.found_in(text) for text in texts_of(row.body)):
            one = (api_requests.c.token_id == row.token_id, api_requests.c.key == row.key)
            yield api_requests, delete(api_requests).where(*one)


def texts_of(body: str) -> Iterator[str]:
    """Of an answer; one that is no JSON is one text."""
    try:
        left = [json.loads(body)]
    except ValueError:
        left = [body]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif value is not None:
            yield str(value)


def _calls(connection: Connection, person: Person) -> Iterator[tuple[Table, Executable]]:
    for ids in pieces(sorted(person.calls)):
        query = select(call_events).where(call_events.c.call_id.in_(ids))
        for row in connection.execute(query).mappings().all():
            left = scrubbed(row["kind"], row["fields"], person.spellings)
            if left != row["fields"]:
                one = (call_events.c.call_id == row["call_id"], call_events.c.seq == row["seq"])
                yield call_events, update(call_events).where(*one).values(fields=left)
        yield recordings, delete(recordings).where(recordings.c.call_id.in_(ids))
        yield calls, update(calls).where(calls.c.call_id.in_(ids)).values(_NO_CALLER)


def _of_customers(
    connection: Connection, person: Person, keys: Mapping[str, set[str]]
) -> Iterator[tuple[Table, Executable]]:
    for ids in pieces(sorted(person.customers)):
        for table, emptied in _EMPTIED.items():
            yield table, update(table).where(table.c.customer_id.in_(ids)).values(emptied)
        yield from _names_in_refs(person, ids)
        yield customer_numbers, delete(customer_numbers).where(customer_numbers.c.customer_id.in_(ids))
        codes = set(connection.execute(select(customers.c.household).where(customers.c.id.in_(ids))).scalars()) - {""}
        yield customers, update(customers).where(customers.c.id.in_(ids)).values(_NOBODY)
        alone = ~select(1).where(customers.c.household == households.c.code).exists()
        yield households, delete(households).where(households.c.code.in_(sorted(codes)), alone)
    for numbers in pieces(sorted(keys.get("shipments", ()))):
        yield shipments, update(shipments).where(shipments.c.number.in_(numbers)).values(place="")


def _names_in_refs(person: Person, ids: list[int]) -> Iterator[tuple[Table, Executable]]:
    """By which an importer knows a row again: mostly a key, but whoever wrote the list may have taken the name or the
    mail."""
    names = [*(name for name in person.names if len(name) >= _SHORTEST_NAME), *sorted(person.addresses)]
    for table in (leads, promises, appointments) if names else ():
        named = or_(*(table.c.ref.contains(name, autoescape=True) for name in names))
        another = "erased:" + cast(table.c.id, String)
        yield table, update(table).where(table.c.customer_id.in_(ids), named).values(ref=another)


def names_a_dealer(connection: Connection, person: Person) -> list[str]:
    """Codes of the dealers who have one of these numbers: they stay."""
    query = select(dealers.c.code).where(dealers.c.phone.in_(sorted(person.numbers)))
    return list(connection.execute(query).scalars())
