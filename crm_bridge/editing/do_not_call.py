"""Numbers that we never call of our own accord. One that is taken off the list keeps its row, which then tells until
when it was on it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_

from crm_bridge.editing.act import Act, NotThere
from crm_bridge.editing.rows import change_row, make_row, row_of
from crm_bridge.models import do_not_call


def in_force(now: datetime) -> ColumnElement[bool]:
    return or_(do_not_call.c.until.is_(None), do_not_call.c.until > now)


def put_number(connection: Connection, act: Act, e164: str, *, until: datetime | None, reason: str) -> bool:
    """True: it was not on the list. It is there since it came first, and what is said last counts."""
    known = row_of(connection, do_not_call, {"e164": e164})
    said = {"until": until, "reason": reason}
    new = {"since": act.at, "by": act.by[:64]}
    if known is None:
        make_row(connection, do_not_call, {"e164": e164, **said, **new}, act)
        return True
    on_it = known["until"] is None or known["until"] > act.at
    change_row(connection, do_not_call, {"e164": e164}, said if on_it else {**said, **new}, act)
    return not on_it


def take_off(connection: Connection, act: Act, e164: str) -> None:
    known = row_of(connection, do_not_call, {"e164": e164})
    if known is None or not (known["until"] is None or known["until"] > act.at):
        raise NotThere("the number is not on the list", where="e164")
    change_row(connection, do_not_call, {"e164": e164}, {"until": act.at}, act)
