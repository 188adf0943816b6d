"""Which rows of the CRM are a person's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from crm_bridge.models import (
    appointments,
    call_events,
    calls,
    changes,
    consents,
    customer_numbers,
    customers,
    dispositions,
    do_not_call,
    households,
    interactions,
    lead_handings,
    leads,
    legs,
    order_lines,
    orders,
    promises,
    quote_lines,
    quotes,
    recordings,
    shipments,
    surveys,
    tasks,
    tickets,
    work_items,
)
from crm_bridge.persons.identity import Person, pieces
from crm_bridge.work_lists.items import ItemKind

OF_CUSTOMER = (orders, quotes, leads, promises, appointments, tickets)
_OF_CALL = (call_events, surveys, legs, dispositions, recordings)
# What a work list calls the lines of which table.
_ITEMS = {
    promises.name: (ItemKind.PROMISE,),
    leads.name: (ItemKind.LEAD,),
    tickets.name: (ItemKind.TICKET,),
    appointments.name: (ItemKind.APPOINTMENT,),
    shipments.name: (ItemKind.DELIVERY,),
    tasks.name: (ItemKind.CALLBACK, ItemKind.VOICEMAIL),
}

Rows = dict[str, list[dict[str, Any]]]


def told(connection: Connection, person: Person) -> Rows:
    """Everything that is theirs, table by table."""
    found: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
    for table, where in _theirs(connection, person):
        for row in connection.execute(select(table).where(where)).mappings():
            key = tuple(row[column.name] for column in table.primary_key)
            found.setdefault(table.name, {})[key] = dict(row)
    return {name: list(rows.values()) for name, rows in found.items()}


def _theirs(connection: Connection, person: Person) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Table and condition, in pieces that a database takes."""
    for ids in pieces(sorted(person.customers)):
        yield customers, customers.c.id.in_(ids)
        yield customer_numbers, customer_numbers.c.customer_id.in_(ids)
        for table in OF_CUSTOMER:
            yield table, table.c.customer_id.in_(ids)
        bought = select(orders.c.number).where(orders.c.customer_id.in_(ids))
        yield order_lines, order_lines.c.number.in_(bought)
        yield shipments, shipments.c.order_number.in_(bought)
        yield quote_lines, quote_lines.c.number.in_(select(quotes.c.number).where(quotes.c.customer_id.in_(ids)))
        yield households, households.c.code.in_(select(customers.c.household).where(customers.c.id.in_(ids)))
        theirs = select(leads.c.id).where(leads.c.customer_id.in_(ids))
        yield lead_handings, lead_handings.c.lead_id.in_(theirs)
    for ids in pieces(sorted(person.calls)):
        yield calls, calls.c.call_id.in_(ids)
        for table in _OF_CALL:
            yield table, table.c.call_id.in_(ids)
    yield from ((tasks, where) for where in of_tasks(person))
    yield from ((interactions, where) for where in of_interactions(person))
    yield consents, consents.c.address.in_(sorted(person.numbers | person.addresses))
    yield do_not_call, do_not_call.c.e164.in_(sorted(person.numbers))
    keys = keys_of(connection, person)
    for items in pieces(sorted(keys.get(work_items.name, ()))):
        yield work_items, work_items.c.item.in_(items)
    yield from ((changes, where) for where in of_changes(keys))


def of_tasks(person: Person) -> Iterator[ColumnElement[bool]]:
    """By number there is no index, but who asks for a person can wait for a look at all."""
    yield tasks.c.number.in_(sorted(person.numbers))
    for ids in pieces(sorted(person.calls)):
        yield tasks.c.call_id.in_(ids)


def of_interactions(person: Person) -> Iterator[ColumnElement[bool]]:
    yield interactions.c.address.in_(sorted(person.numbers | person.addresses))
    for ids in pieces(sorted(person.customers)):
        yield interactions.c.customer_id.in_(ids)
    for calls_ in pieces(sorted(person.calls)):
        yield interactions.c.call_id.in_(calls_)


def of_changes(keys: Mapping[str, set[str]]) -> Iterator[ColumnElement[bool]]:
    """``keys``: of their rows (`keys_of`)."""
    for subject, theirs in keys.items():
        for piece in pieces(sorted(theirs)):
            yield and_(changes.c.subject == subject, changes.c.key.in_(piece))


def keys_of(connection: Connection, person: Person) -> Mapping[str, set[str]]:
    """Subject → the keys of their rows, as `changing` writes them."""
    keys: dict[str, set[str]] = {"customers": {str(id_) for id_ in person.customers}}
    for table in OF_CUSTOMER:
        keys[table.name] = {str(key) for key in _key_values(connection, table, table.c.customer_id, person.customers)}
    keys["shipments"] = {
        str(key) for key in _key_values(connection, shipments, shipments.c.order_number, keys["orders"])
    }
    for where in of_tasks(person):
        found = connection.execute(select(tasks.c.id).where(where)).scalars()
        keys.setdefault(tasks.name, set()).update(str(key) for key in found)
    agreed = consents.c.address.in_(sorted(person.numbers | person.addresses))
    keys[consents.name] = {str(key) for key in connection.execute(select(consents.c.id).where(agreed)).scalars()}
    keys[customer_numbers.name] = keys[do_not_call.name] = set(person.numbers)
    keys[work_items.name] = set(_items(connection, person, keys))
    return {subject: found for subject, found in keys.items() if found}


def _items(connection: Connection, person: Person, keys: Mapping[str, set[str]]) -> Iterator[str]:
    yield from (f"{ItemKind.MISSED}-c{id_}" for id_ in person.customers)
    yield from (f"{ItemKind.MISSED}-{number}" for number in person.numbers)
    for subject, kinds in _ITEMS.items():
        yield from (f"{kind}-{key}" for kind in kinds for key in keys.get(subject, ()))
    for ids in pieces(sorted(person.calls)):
        given = select(surveys.c.call_id, surveys.c.seq).where(surveys.c.call_id.in_(ids)).distinct()
        yield from (f"{ItemKind.SURVEY}-{call_id}-{seq}" for call_id, seq in connection.execute(given))


def _key_values(
    connection: Connection, table: Table, column: ColumnElement[Any], wanted: Collection[Any]
) -> Iterator[Any]:
    (key,) = table.primary_key
    for piece in pieces(sorted(wanted)):
        yield from connection.execute(select(key).where(column.in_(piece))).scalars()
