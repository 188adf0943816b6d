"""What somebody has promised a customer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import Connection

from crm_bridge.editing.act import Act, Clash, Unfit
from crm_bridge.editing.leads import OF_CALLS
from crm_bridge.editing.rows import change_row, make_row, must_name, row_of, the_row
from crm_bridge.models import customers, promises


@dataclass(frozen=True, slots=True)
class NewPromise:
    """``keeper``: the extension of who must keep it. ``ref``: by which its maker knows it again; None for none."""

    customer_id: int
    text: str
    due_on: date
    keeper: str = ""
    ref: str | None = None
    call_id: str = ""


def make_promise(connection: Connection, act: Act, new: NewPromise) -> tuple[int, bool]:
    """(its id, True if it is new): who says the same ref again, finds what they had made. Raises Unfit, and Clash: the
    ref is another customer's promise."""
    if new.ref and new.ref.startswith(OF_CALLS):
        raise Unfit(f"'{OF_CALLS}' begins the refs of promises from calls", where="ref", hint="take another ref")
    must_name(connection, customers, {"id": new.customer_id}, "customer", where="customer_id")
    known = row_of(connection, promises, {"ref": new.ref}) if new.ref else None
    if known is not None:
        if known["customer_id"] != new.customer_id:
            raise Clash("another customer's promise has this ref", where="ref", hint="take another ref")
        return int(known["id"]), False
    row = {**asdict(new), "promised_by": act.by[:64], "made_at": act.at}
    return int(make_row(connection, promises, row, act)), True


def keep(connection: Connection, act: Act, id_: int) -> None:
    """One that is kept already stays kept when it was."""
    known = the_row(connection, promises, {"id": id_}, "promise")
    if known["withdrawn_at"] is not None:
        raise Clash("the promise has been withdrawn", where="state", hint="make a new one")
    if known["kept_at"] is None:
        change_row(connection, promises, {"id": id_}, {"kept_at": act.at}, act)


def withdraw(connection: Connection, act: Act, id_: int) -> None:
    """One that is withdrawn already stays withdrawn when it was."""
    known = the_row(connection, promises, {"id": id_}, "promise")
    if known["kept_at"] is not None:
        raise Clash("the promise has been kept", where="state", hint="what is kept cannot be withdrawn")
    if known["withdrawn_at"] is None:
        change_row(connection, promises, {"id": id_}, {"withdrawn_at": act.at}, act)
