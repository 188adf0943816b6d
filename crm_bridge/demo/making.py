"""A sample company in a store: some months of its calls and all that came of them. In one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, select

from acd.events import AcdEvent
from crm_bridge import bulk
from crm_bridge.demo.book import Book
from crm_bridge.demo.call import Call
from crm_bridge.demo.caring import Caring
from crm_bridge.demo.company import Company, Wish
from crm_bridge.demo.dealing import Dealing, write_dealers
from crm_bridge.demo.journey import Journeys
from crm_bridge.demo.people import Person, draw_people, who_calls, write_people
from crm_bridge.demo.selling import place_orders, sales, write_sales
from crm_bridge.demo.shifts import told_of_shifts
from crm_bridge.demo.spending import write_costs
from crm_bridge.demo.staff import Staff
from crm_bridge.demo.telling import greet, ring_back, tell_calls
from crm_bridge.demo.traffic import call_times
from crm_bridge.fold import UNKNOWN_SOURCE
from crm_bridge.models import calls as calls_table
from crm_bridge.models import media_sources, metadata, order_lines, orders, shipments
from crm_bridge.store import CrmStore, SourceName
from crm_bridge.upserts import add_missing


class NotHere(Exception):
    """The sample company would stand among what is real, or twice; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Made:
    """``rows``: by table. ``events``: what the ACD would have told, in order."""

    rows: dict[str, int]
    events: Sequence[AcdEvent]


async def make_company(store: CrmStore, company: Company, wish: Wish, *, anyway: bool = False) -> Made:
    """``anyway``: also into a store that has calls. Raises NotHere, StoreAway."""
    return await store.write(partial(_make, company=company, wish=wish, anyway=anyway))


def _make(connection: Connection, company: Company, wish: Wish, anyway: bool) -> Made:
    _refuse(connection, wish, anyway)
    with bulk.room(connection):
        book, staff = Book(), Staff(company, wish)
        people = draw_people(connection, company, wish)
        calls = _played(company, wish, staff, people)
        write_people(book, people, company, wish)
        _come_of(connection, book, calls, people, company, wish)
        _write(connection, book, company, wish)
    events = [event for call in calls for event in call.events]
    events += told_of_shifts(staff.all(), wish.until.timestamp())
    return Made(book.counts, sorted(events, key=lambda event: event.at))


def _refuse(connection: Connection, wish: Wish, anyway: bool) -> None:
    mine = select(calls_table.c.call_id).where(calls_table.c.call_id.startswith(wish.prefix, autoescape=True)).limit(1)
    if connection.execute(mine).first() is not None:
        raise NotHere(f"the sample company of seed {wish.seed} is there already: another --seed makes another one")
    real = connection.execute(select(calls_table.c.call_id).limit(1)).first()
    if real is not None and not anyway:
        raise NotHere("the store has calls: a sample company among them would spoil every report (--anyway, if it may)")


def _played(company: Company, wish: Wish, staff: Staff, people: Sequence[Person]) -> list[Call]:
    callers, journeys = wish.dice("callers"), Journeys(company, wish, staff)
    times = enumerate(call_times(company, wish))
    calls = [journeys.play(nr, at, line, who_calls(people, callers)) for nr, (at, line) in times]
    greet(calls)
    return calls


def _come_of(
    connection: Connection, book: Book, calls: Sequence[Call], people: Sequence[Person], company: Company, wish: Wish
) -> None:
    """All that came of the calls."""
    tell_calls(book, calls, company, wish)
    ring_back(book, calls, company, wish)
    selling = write_dealers(connection, book, company, wish)
    won = Dealing(book, company, wish, selling).play(connection, calls)
    write_sales(connection, book, sales(calls, won, people, wish), company, wish)
    Caring(book, company, wish).play(connection, calls)
    write_costs(connection, book, company, wish)


def _write(connection: Connection, book: Book, company: Company, wish: Wish) -> None:
    """Orders after their customers, and what belongs to orders after them."""
    unknown = SourceName(UNKNOWN_SOURCE, UNKNOWN_SOURCE, "unknown")
    add_missing(connection, media_sources, [source._asdict() for source in (*company.sources, unknown)])
    of_orders = (orders, order_lines, shipments)
    book.write(connection, [table for table in metadata.sorted_tables if table not in of_orders])
    place_orders(connection, book, wish.today(company.rules), wish.first_day(company.rules), company.rules)
    book.write(connection, [order_lines, shipments])
