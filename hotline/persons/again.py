"""After a restore: whoever was erased since that backup was made is erased in its content, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, String, cast, select

from crm_bridge.database import plain_engine, sqlite_url
from crm_bridge.models import customer_numbers, do_not_call, work_items
from crm_bridge.persons.forgetting import forget
from crm_bridge.persons.identity import Person, find
from crm_bridge.persons.spelling import NoNumber, known_as
from crm_bridge.persons.sweep import searched, sweep_in
from hotline.persons.ledger import Ledger

_DIGITS = re.compile(r"\+?[0-9]{5,20}")
_NUMBERS_AS_KEYS = ((customer_numbers, [customer_numbers.c.e164]), (do_not_call, [do_not_call.c.e164]))
_AT_ONCE = 5000


def erase_again(built: Path, ledger: Ledger, region: str) -> list[Person]:
    """In a store that is nobody else's yet. Whom it found there."""
    if not ledger.digests:
        return []
    engine = plain_engine(sqlite_url(built))
    try:
        with engine.begin() as connection:
            return list(_erased(connection, sorted(_found(connection, ledger, region))))
    finally:
        engine.dispose()


def _found(connection: Connection, ledger: Ledger, region: str) -> set[str]:
    """The ledger can only be asked of a number, so it is asked of every run of digits that stands anywhere."""
    runs = set(_runs(connection))
    return {number for run in runs if (number := _known(run, region)) and ledger.has(number)}


def _runs(connection: Connection) -> Iterator[str]:
    for _, columns in (*searched(), *_NUMBERS_AS_KEYS, (work_items, [work_items.c.item])):
        query = select(*(cast(column, String) for column in columns))
        for row in connection.execute(query).yield_per(_AT_ONCE):
            for text in row:
                yield from _DIGITS.findall(text or "")


def _known(run: str, region: str) -> str:
    try:
        return known_as(run, region)
    except NoNumber:
        return ""


def _erased(connection: Connection, numbers: list[str]) -> Iterator[Person]:
    done: set[str] = set()
    for number in numbers:
        if number not in done:
            person = find(connection, number)
            forget(connection, person)
            sweep_in(connection, person.spellings)
            done |= person.numbers
            yield person
