"""Who calls: people of the books and strangers, some of them again and again.

Their phones are in the ranges 1740[0-5], which no carrier gives to subscribers but whose numbers are valid: nobody who
tries the work lists of a played company rings a stranger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import Connection, select

from crm_bridge import bulk
from crm_bridge.consent import Channel
from crm_bridge.demo import names
from crm_bridge.demo.book import Book
from crm_bridge.demo.company import Company, Wish
from crm_bridge.models import companies, consents, customer_numbers, customers, do_not_call

_FIRST_NUMBER = 60000
_KNOWN = 0.4  # of the people are in the books
_PER_CALL = 0.45  # so many people for a call
BY = "cli:demo"


@dataclass(slots=True)
class Person:
    """``number``: of the books, '' for a stranger. ``first``: their first call's source, campaign, time and id."""

    id: int
    number: str
    name: str
    phone: str
    region: str
    language: str
    owner: str
    first: tuple[str, str, datetime, str] | None = None

    @property
    def key(self) -> dict[str, int]:
        return {"id": self.id}


def draw_people(connection: Connection, company: Company, wish: Wish) -> list[Person]:
    dice, count = wish.dice("people"), max(20, round(wish.calls * _PER_CALL))
    ids = bulk.new_ids(connection, customers, count)
    phones = _phones(connection, dice, count)
    taken = set(connection.execute(select(customers.c.number).where(customers.c.number.is_not(None))).scalars())
    free = (number for nr in range(10**9) if (number := str(_FIRST_NUMBER + nr)) not in taken)
    return [
        Person(
            id=id_,
            number=next(free) if dice.random() < _KNOWN else "",
            name=names.person(dice),
            phone=phone,
            region=dice.choice(company.regions),
            language=company.languages[0] if dice.random() < 0.9 else dice.choice(company.languages),
            owner=dice.choice(company.clerks).extension if dice.random() < 0.2 else "",
        )
        for id_, phone in zip(ids, phones, strict=True)
    ]


def _phones(connection: Connection, dice: Random, count: int) -> list[str]:
    """Of nobody who is there, but for those whom another play may have had."""
    drawn = [f"+86174{nr:08}" for nr in dice.sample(range(6 * 10**6), min(6 * 10**6, count * 2))]
    held = {row[0] for row in bulk.found(connection, [customer_numbers.c.e164], customer_numbers.c.e164, drawn)}
    return [phone for phone in drawn if phone not in held][:count]


def who_calls(people: Sequence[Person], dice: Random) -> Person | None:
    """A few call often, most of them once or twice. None: who shows no number."""
    if dice.random() < 0.03:
        return None
    return people[int(len(people) * dice.random() ** 1.6)]


def write_people(book: Book, people: Sequence[Person], company: Company, wish: Wish) -> None:
    dice, since = wish.dice("books"), wish.until - timedelta(days=wish.days)
    for nr in range(names.firms()):
        row = {"code": f"demo_{wish.seed}_{nr}", "name": names.firm(nr), "tier": "gold" if nr < 2 else ""}
        book.add(companies, {**row, "price_list": "", "owner": ""})
    for person in people:
        if person.number or person.first is not None:
            book.add(customers, _customer(person, dice, wish))
            book.add(customer_numbers, {"e164": person.phone, "customer_id": person.id})
            if person.number:
                book.made(customers, person.id, BY, since)
            if dice.random() < 0.08:
                _say_consent(book, person, dice, since)


def _customer(person: Person, dice: Random, wish: Wish) -> dict[str, object]:
    known = bool(person.number)
    source, campaign, at, call_id = person.first or ("", "", None, "")
    firm = f"demo_{wish.seed}_{dice.randrange(names.firms())}" if known and dice.random() < 0.1 else ""
    return {
        "id": person.id,
        "name": person.name if known or dice.random() < 0.5 else "",
        "first_source": source,
        "first_campaign": campaign,
        "first_call_at": at,
        "first_call_id": call_id,
        "number": person.number or None,
        "tier": dice.choice(("", "", "", "silver", "gold")) if known else "",
        "owner": person.owner if known else "",
        "language": person.language if known else "",
        "company": firm,
        "region": person.region if known else "",
        "email": f"{person.number}@example.com" if known and dice.random() < 0.6 else "",
        "stage": "prospect",
    }


def _say_consent(book: Book, person: Person, dice: Random, since: datetime) -> None:
    channel, given = dice.choice(list(Channel)).value, dice.random() < 0.7
    address = f"{person.number or person.id}@example.com" if channel == Channel.MAIL.value else person.phone
    said = {"address": address, "channel": channel, "given": given, "at": since, "by": BY, "call_id": ""}
    book.add(consents, said)
    if not given and channel == Channel.CALL.value:
        told = {"since": since, "until": None, "reason": "asked us not to call", "by": BY}
        book.add(do_not_call, {"e164": person.phone, **told})
