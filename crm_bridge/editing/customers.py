"""Customers, their telephone numbers, and the households and companies they belong to.

Their stage is nobody's to set (`life_cycle`), nor is their first touch (`first_touch`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from crm_bridge.changing import change_row as told
from crm_bridge.editing.act import Act, Clash, NotThere
from crm_bridge.editing.rows import change_row, make_row, put_row, row_of, the_row
from crm_bridge.models import changes, companies, customer_numbers, customers, households

NOUN = "customer"
MOST_NUMBERS = 20
_PHONE = "phone"  # the field of `changes`: no column, but the customer's history is read in one place


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """``number``: the customer's own, None for none. ``phones``: E.164."""

    name: str
    number: str | None = None
    phones: Sequence[str] = ()
    tier: str = ""
    price_list: str = ""
    owner: str = ""
    language: str = ""
    household: str = ""
    company: str = ""
    region: str = ""
    email: str = ""


def make_customer(connection: Connection, act: Act, new: NewCustomer) -> int:
    """Raises Clash: the number, or one of the phones, is somebody else's."""
    _free_number(connection, new.number)
    columns = asdict(new)
    del columns["phones"]
    id_ = int(make_row(connection, customers, {**columns, "first_source": "", "first_campaign": ""}, act))
    for place, phone in enumerate(dict.fromkeys(new.phones)):
        _add(connection, act, id_, phone, f"phones.{place}")
    return id_


def change_customer(connection: Connection, act: Act, id_: int, values: Mapping[str, Any]) -> None:
    """``values``: of the columns that `NewCustomer` has."""
    known = the_row(connection, customers, {"id": id_}, NOUN)
    if "number" in values and values["number"] != known["number"]:
        _free_number(connection, values["number"])
    change_row(connection, customers, {"id": id_}, values, act)


def add_number(connection: Connection, act: Act, id_: int, e164: str) -> bool:
    """False: they have it already. Raises Clash: it is somebody else's."""
    the_row(connection, customers, {"id": id_}, NOUN)
    return _add(connection, act, id_, e164, "e164")


def remove_number(connection: Connection, act: Act, id_: int, e164: str) -> None:
    """Their calls stay theirs."""
    the_row(connection, customers, {"id": id_}, NOUN)
    held = row_of(connection, customer_numbers, {"e164": e164})
    if held is None or held["customer_id"] != id_:
        raise NotThere("the customer does not have this number", where="e164", hint="their numbers are in the customer")
    connection.execute(delete(customer_numbers).where(customer_numbers.c.e164 == e164))
    _tell(connection, act, id_, e164, None)


def put_household(connection: Connection, act: Act, code: str, values: Mapping[str, Any]) -> bool:
    """True: it was not there before."""
    return put_row(connection, households, {"code": code}, values, act)


def put_company(connection: Connection, act: Act, code: str, values: Mapping[str, Any]) -> bool:
    """True: it was not there before."""
    return put_row(connection, companies, {"code": code}, values, act)


def _free_number(connection: Connection, number: str | None) -> None:
    holder = None if number is None else row_of(connection, customers, {"number": number})
    if holder is not None:
        raise Clash(f"customer {holder['id']} has this number", where="number", hint="change that one, or leave it out")


def _add(connection: Connection, act: Act, id_: int, e164: str, where: str) -> bool:
    held = row_of(connection, customer_numbers, {"e164": e164})
    if held is not None and held["customer_id"] == id_:
        return False
    if held is not None:
        hint = "change that customer, or take the number away there first"
        raise Clash(f"customer {held['customer_id']} has this telephone number", where=where, hint=hint)
    _room(connection, id_, where)
    connection.execute(insert(customer_numbers).values(e164=e164, customer_id=id_))
    _tell(connection, act, id_, None, e164)
    return True


def _room(connection: Connection, id_: int, where: str) -> None:
    mine = select(customer_numbers.c.e164).where(customer_numbers.c.customer_id == id_).limit(MOST_NUMBERS)
    if len(connection.execute(mine).all()) == MOST_NUMBERS:
        raise Clash(f"a customer has at most {MOST_NUMBERS} numbers", where=where, hint="take one away first")


def _tell(connection: Connection, act: Act, id_: int, before: str | None, after: str | None) -> None:
    row = told(customers, {"id": id_}, _PHONE, before, after, by=act.by, at=act.at)
    connection.execute(insert(changes).values(row))
