"""Leads that somebody brings, and their steps with the reason when one is not possible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func, select

from crm_bridge import leads as steps
from crm_bridge.editing.act import Act, Clash, Unfit
from crm_bridge.editing.rows import make_row, must_name, row_of, the_row
from crm_bridge.models import customer_numbers, customers, dealers, leads
from crm_bridge.regions import listed_region

OF_CALLS = "call:"  # how the refs of leads begin that calls have become


@dataclass(frozen=True, slots=True)
class NewLead:
    """``ref``: by which whoever brings it knows it again. ``region`` '': worked out, as that of a lead from a call."""

    ref: str
    customer_id: int
    media_source: str = ""
    campaign: str = ""
    product: str = ""
    region: str = ""
    text: str = ""
    owner: str = ""


def make_lead(connection: Connection, act: Act, new: NewLead) -> tuple[int, bool]:
    """(its id, True if it is new): who brings the same ref again, finds what they had brought. Raises Unfit, and Clash:
    the ref is another customer's lead."""
    if new.ref.startswith(OF_CALLS):
        raise Unfit(f"'{OF_CALLS}' begins the refs of leads from calls", where="ref", hint="take another ref")
    customer = must_name(connection, customers, {"id": new.customer_id}, "customer", where="customer_id")
    known = row_of(connection, leads, {"ref": new.ref})
    if known is not None:
        if known["customer_id"] != new.customer_id:
            raise Clash("another customer's lead has this ref", where="ref", hint="take another ref")
        return int(known["id"]), False
    region = new.region or customer["region"] or _listed(connection, act, new.customer_id)
    row = {**asdict(new), "region": region, "state": steps.LeadState.NEW.value, "opened_at": act.at}
    return int(make_row(connection, leads, row, act)), True


def assign(connection: Connection, act: Act, id_: int, dealer: str) -> None:
    _possible(connection, id_, "assign")
    must_name(connection, dealers, {"code": dealer}, "dealer", where="dealer")
    _sure(steps.assign(connection, id_, dealer, act.rules, by=act.by, at=act.at))


def accept(connection: Connection, act: Act, id_: int) -> None:
    _step(connection, act, id_, "accept", steps.accept)


def give_back(connection: Connection, act: Act, id_: int) -> None:
    _step(connection, act, id_, "return", steps.give_back)


def close(connection: Connection, act: Act, id_: int, *, won: bool) -> None:
    _possible(connection, id_, "close")
    _sure(steps.close(connection, id_, won=won, by=act.by, at=act.at))


def _step(connection: Connection, act: Act, id_: int, name: str, step: Callable[..., bool]) -> None:
    _possible(connection, id_, name)
    _sure(step(connection, id_, by=act.by, at=act.at))


def _possible(connection: Connection, id_: int, act: str) -> None:
    """Raises NotThere, and Clash with the state that stands against it."""
    state = the_row(connection, leads, {"id": id_}, "lead")["state"]
    if needed := steps.stands_against(state, act):
        raise Clash(f"the lead is {state}", where="state", hint=needed)


def _sure(done: bool) -> None:
    if not done:  # somebody else was quicker: only on a database that lets two write at once
        raise Clash("the lead has just been changed by somebody else", hint="look at it again")


def _listed(connection: Connection, act: Act, customer_id: int) -> str:
    """What can be said at once; else '' (`lead_desk` asks the books)."""
    number = select(func.min(customer_numbers.c.e164)).where(customer_numbers.c.customer_id == customer_id)
    return listed_region(connection.execute(number).scalar() or "", act.rules.regions)
