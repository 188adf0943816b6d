"""Numbers that we give out ourselves, for orders and tickets that begin at a telephone: short, of digits only because
they are typed on one, with a check digit (Luhn) because they are mistyped there."""

from __future__ import annotations

from sqlalchemy import Connection, Table, insert, select, update

from crm_bridge.models import counters, orders, tickets

_FIRST = {orders: 8_000_000_0, tickets: 700_000}  # what other systems give out should begin otherwise


def next_number(connection: Connection, table: Table) -> str:
    """``800000010``: nine digits for `orders`, seven for `tickets`; never one that somebody else has brought. One
    writer at a time (`database`)."""
    while True:
        [number] = next_numbers(connection, table, 1)
        if connection.execute(select(table.c.number).where(table.c.number == number)).first() is None:
            return number


def next_numbers(connection: Connection, table: Table, count: int) -> list[str]:
    """So many of them in a row."""
    mine = counters.c.name == table.name
    last = connection.execute(select(counters.c.value).where(mine).with_for_update()).scalar()
    begin = _FIRST[table] if last is None else last
    value = begin + count
    if last is None:
        connection.execute(insert(counters).values(name=table.name, value=value))
    else:
        connection.execute(update(counters).where(mine).values(value=value))
    return [with_check_digit(str(nr)) for nr in range(begin + 1, value + 1)]


def with_check_digit(digits: str) -> str:
    """The digits and their Luhn check digit (ISO/IEC 7812-1)."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return f"{digits}{-total % 10}"
