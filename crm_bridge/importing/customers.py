"""Customers of a file: who they are, and their phones.

A phone of somebody whom only their calls made known makes that caller this customer. One that another customer has is a
problem: whose is it? Phones that the file does not name stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection

from crm_bridge import bulk
from crm_bridge.changing import change_row, made_row
from crm_bridge.importing import values
from crm_bridge.importing.against import Compared, Target, compare, once, tell, told_of
from crm_bridge.importing.column import Column, Sheet
from crm_bridge.importing.house import House, Who
from crm_bridge.importing.plan import Difference, Plan
from crm_bridge.importing.problem import Problems
from crm_bridge.life_cycle import Stage, refresh_stages
from crm_bridge.merging import merge
from crm_bridge.models import customer_numbers, customers
from crm_bridge.rules import StageRules

_SAID = ("name", "tier", "price_list", "owner", "language", "household", "company", "region", "email")
_TARGET = Target(customers, "number", _SAID, ("",) * len(_SAID))
_BLANK = ("first_source", "first_campaign", "stage")
_HOLDER = (customer_numbers.c.e164, customers.c.id, customers.c.number)


def columns(house: House) -> Sequence[Column]:
    return (
        Column("number", values.key, "the customer's number: letters, digits, hyphens", required=True),
        Column("name", values.label(120), "as they are called", required=True),
        Column("phones", values.phones(house.country), "their phones, with ; or space between them"),
        Column("tier", values.word, "a word of your own (gold)"),
        Column("price_list", values.word, "a word of your own"),
        Column("owner", house.agent, "the extension of the agent whose account it is"),
        Column("language", house.word(house.languages, "language of site.yaml"), "one of the site's languages"),
        Column("household", values.word, "who has the same word lives together"),
        Column("company", values.word, "who has the same word works together"),
        Column("region", house.region, "of crm_rules.yaml"),
        Column("email", values.email, "a mail address"),
    )


@dataclass(slots=True)
class _Phones:
    """``new``: phone → the customer's number. ``callers``: the id of who is no more → the number of who they are."""

    new: dict[str, str] = field(default_factory=dict)
    callers: dict[int, str] = field(default_factory=dict)

    @property
    def of(self) -> set[str]:
        """Customers to whom something is added."""
        return {*self.new.values(), *self.callers.values()}


def plan(connection: Connection, sheet: Sheet, house: House, problems: Problems) -> Plan:
    rows = sheet.rows("number", "phones", *_SAID)
    said = {number: row[1:] for number, row in once(rows, "number", "customer {}", problems).items()}
    phones = _phones(connection, [(row[0], row[1], row[2]) for row in rows if row[2]], problems)
    compared = compare(connection, _TARGET, said)
    new = {row[0] for row in compared.new}
    touched = len(phones.of - new - compared.changed.keys())
    return Plan(
        len(new),
        len(compared.changed) + touched,
        compared.same - touched,
        partial(_write, compared=compared, phones=phones, rules=house.rules.stages),
        partial(_differences, compared, phones),
    )


def _phones(connection: Connection, rows: Sequence[tuple[int, str, tuple[str, ...]]], problems: Problems) -> _Phones:
    wanted: dict[str, tuple[int, str]] = {}
    for line, number, phones in rows:
        for phone in phones:
            first = wanted.setdefault(phone, (line, number))
            if first[1] != number:
                text = f"{phone} is the phone of customer {first[1]} (row {first[0]}): it can be one customer's only"
                problems.add(line, "phones", text)
    found = _Phones({phone: number for phone, (_, number) in wanted.items()})
    for phone, id_, holder in bulk.found(connection, _HOLDER, customer_numbers.c.e164, wanted):
        del found.new[phone]
        line, number = wanted[phone]
        if holder is None and found.callers.setdefault(id_, number) != number:
            text = f"{phone} is of a caller who turns out to be customer {found.callers[id_]} by another phone"
            problems.add(line, "phones", text)
        if holder not in (None, number):
            text = (
                f"{phone} is the phone of customer {holder}, not of {number}: take it from them first, or mend the file"
            )
            problems.add(line, "phones", text)
    return found


def _differences(compared: Compared, phones: _Phones) -> Iterator[Difference]:
    yield from compared.changes()
    new = {row[0] for row in compared.new}
    for phone, number in phones.new.items():
        if number not in new:
            yield Difference.of(number, "phones", None, phone)
    for caller, number in phones.callers.items():
        yield Difference.of(number, "caller", caller, None)
    yield from compared.additions()


def _write(connection: Connection, who: Who, *, compared: Compared, phones: _Phones, rules: StageRules) -> None:
    ids = _known_ids(connection, {*compared.changed, *phones.of})
    ids |= zip((row[0] for row in compared.new), bulk.new_ids(connection, customers, len(compared.new)), strict=True)
    new = [(ids[row[0]], *row, "", "", Stage.PROSPECT.value) for row in compared.new]
    bulk.add(connection, customers, ("id", "number", *_SAID, *_BLANK), new)
    rows = [(number, *after) for number, (_, after) in compared.changed.items()]
    bulk.change(connection, customers, "number", _SAID, rows)
    added = [(phone, ids[number]) for phone, number in phones.new.items()]
    bulk.add(connection, customer_numbers, ("e164", "customer_id"), added)
    merged = [(caller, ids[number]) for caller, number in phones.callers.items()]
    merge(connection, merged)
    tell(connection, _told(compared, phones, ids, who))
    refresh_stages(connection, {customer for _, customer in merged}, who.today, rules)


def _known_ids(connection: Connection, numbers: Collection[str]) -> dict[str, int]:
    found = bulk.found(connection, (customers.c.number, customers.c.id), customers.c.number, numbers)
    return {row[0]: row[1] for row in found}


def _told(compared: Compared, phones: _Phones, ids: Mapping[str, int], who: Who) -> list[tuple[Any, ...]]:
    """Customers are known by their id there. A phone of one who is new goes without saying."""
    new = {row[0] for row in compared.new}
    told = [made_row(customers, ids[number], by=who.by, at=who.at) for number in new]
    by_id = Target(customers, "id", _SAID, ())
    for number, (before, after) in compared.changed.items():
        told += told_of(by_id, ids[number], before, after, who)
    for phone, number in phones.new.items():
        if number not in new:
            told.append(_told_one(ids[number], "phones", None, phone, who))
    for caller, number in phones.callers.items():
        told.append(_told_one(caller, "id", caller, ids[number], who))
    return told


def _told_one(id_: int, name: str, before: object, after: object, who: Who) -> tuple[Any, ...]:
    return tuple(change_row(customers, {"id": id_}, name, before, after, by=who.by, at=who.at).values())
