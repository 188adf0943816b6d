"""Which customer is meant by what a person has typed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from crm_bridge.models import customer_numbers, customers
from crm_bridge.numbers import e164

_ID = re.compile(r"[#c]([0-9]{1,9})")


def find_customers(connection: Connection, key: str, region: str) -> Sequence[int]:
    """The ids of those whose number, telephone number or mail address it is, or whose id (``#17``, ``c17``). In this
    order, and mostly one; several may have one mail address. ``region``: of numbers without a country code."""
    key = key.strip()
    for query in (
        select(customers.c.id).where(customers.c.number == key),
        select(customers.c.id).where(customers.c.id == _id(key)),
        select(customer_numbers.c.customer_id).where(customer_numbers.c.e164 == (e164(key, region) or "")),
    ):
        found = connection.execute(query).scalars().all()
        if found:
            return found
    return _of_mail(connection, key) if is_mail(key) else ()


def is_mail(text: str) -> bool:
    return "@" in text and not text.startswith("@")


def _id(key: str) -> int:
    """-1, which nobody has, for what is no id."""
    match = _ID.fullmatch(key)
    return int(match[1]) if match else -1


def _of_mail(connection: Connection, key: str) -> Sequence[int]:
    query = select(customers.c.id).where(func.lower(customers.c.email) == key.lower()).order_by(customers.c.id)
    return connection.execute(query.limit(10)).scalars().all()


def addresses_of(connection: Connection, customer_id: int) -> list[str]:
    """Their telephone numbers, and their mail address if they have one."""
    numbers = select(customer_numbers.c.e164).where(customer_numbers.c.customer_id == customer_id)
    email = connection.execute(select(customers.c.email).where(customers.c.id == customer_id)).scalar()
    found = [*connection.execute(numbers.order_by(customer_numbers.c.e164)).scalars()]
    return [*found, email] if email else found


def number_of(connection: Connection, customer_id: int) -> str:
    """'' for one whom only their calls made known."""
    return connection.execute(select(customers.c.number).where(customers.c.id == customer_id)).scalar() or ""
