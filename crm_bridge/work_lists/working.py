"""Who has taken on which line of a list, and that it is done. `work_items` has a row for each line that somebody has
taken on or closed.

Each act ends in one write that depends on who has the line at that very moment: of two who take it at once one is told
that the other has it. `me` does it; `by` is whom `changes` names, where that is somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select, true, update

from crm_bridge.changing import change, change_row
from crm_bridge.models import changes, work_items
from crm_bridge.upserts import put_where
from crm_bridge.work_lists.items import Item, ItemKind
from crm_bridge.work_lists.missed import known_as
from crm_bridge.work_lists.standing import ROWS, OpenItem, Refusal, Why, standing

LONGEST_NOTE = 500

_Values = Callable[[str, datetime], Mapping[str, Any]]
# What closing a line does to the row that it is about.
_DONE: Mapping[ItemKind, _Values] = {
    ItemKind.PROMISE: lambda me, at: {"kept_at": at},
    ItemKind.DELIVERY: lambda me, at: {"confirmed_at": at, "confirmed_by": me[:64]},
    ItemKind.TICKET: lambda me, at: {"status": "solved", "solved_at": at},
    ItemKind.APPOINTMENT: lambda me, at: {"state": "kept"},
    ItemKind.CALLBACK: lambda me, at: {"state": "done"},
    ItemKind.VOICEMAIL: lambda me, at: {"state": "done"},
}


def take(
    connection: Connection, item: Item, *, me: str, at: datetime, by: str = "", force: bool = False
) -> Refusal | None:
    """Mine from now on, unless somebody else has it (``force``: also then)."""
    return give(connection, item, me, me=me, at=at, by=by, force=force)


def give(
    connection: Connection, item: Item, to: str, *, me: str, at: datetime, by: str = "", force: bool = False
) -> Refusal | None:
    """Theirs from now on: what is mine, or nobody's (``force``: or anybody's)."""
    found = standing(connection, item)
    if isinstance(found, Refusal):
        return found
    name, before = str(found.item), _holder(connection, found)
    if before == to:
        return None
    free = true() if force else _free(found, me, to)
    if not put_where(connection, work_items, {"item": name, "taken_by": to[:64], "taken_at": at}, free):
        return _taken(connection, found)
    _tell(connection, name, "taken_by", before, to, by=by or me, at=at)
    return None


def drop(
    connection: Connection, item: Item, *, me: str, at: datetime, by: str = "", force: bool = False
) -> Refusal | None:
    """Nobody's from now on."""
    name = str(known_as(connection, item) if item.kind is ItemKind.MISSED else item)
    held = select(work_items.c.taken_by).where(work_items.c.item == name)
    before = connection.execute(held).scalar() or ""
    whose = work_items.c.taken_by != "" if force else work_items.c.taken_by == me
    free = update(work_items).where(work_items.c.item == name, whose).values(taken_by="", taken_at=None)
    if not connection.execute(free).rowcount:
        text = f"{before} has {name}, not {me}" if before else f"nobody has taken {name}"
        return Refusal(Why.TAKEN, text, holder=before)
    _tell(connection, name, "taken_by", before, "", by=by or me, at=at)
    return None


def close(connection: Connection, item: Item, *, me: str, at: datetime, by: str = "", note: str = "") -> Refusal | None:
    """Done: the promise kept, the delivery confirmed, ... Whoever had taken it on, anybody may say so."""
    if len(note) > LONGEST_NOTE:
        raise ValueError(f"the note has more than {LONGEST_NOTE} characters")
    found = standing(connection, item)
    if isinstance(found, Refusal):
        return found
    if item.kind is ItemKind.LEAD:
        return Refusal(Why.ELSEWHERE, f"{item} is not closed here: a dealer accepts a lead, or it is won or lost")
    if item.kind in _DONE:
        rows, values = ROWS[item.kind], _DONE[item.kind](me, at)
        change(connection, rows.table, rows.key(item), values, by=by or me, at=at)
    name, up_to = str(found.item), found.up_to or at
    row = {"item": name, "taken_by": "", "taken_at": None, "closed_at": up_to, "closed_by": me[:64], "note": note}
    put_where(connection, work_items, row, true())
    _tell(connection, name, "closed_at", None, up_to, by=by or me, at=at)
    return None


def _free(found: OpenItem, me: str, to: str) -> ColumnElement[bool]:
    free = work_items.c.taken_by.in_(("", me, to))
    return free if found.since is None else or_(free, work_items.c.taken_at <= found.since)


def _holder(connection: Connection, found: OpenItem) -> str:
    held = select(work_items.c.taken_by).where(work_items.c.item == str(found.item))
    if found.since is not None:
        held = held.where(work_items.c.taken_at > found.since)
    return connection.execute(held).scalar() or ""


def _taken(connection: Connection, found: OpenItem) -> Refusal:
    held = select(work_items.c.taken_by, work_items.c.taken_at).where(work_items.c.item == str(found.item))
    row = connection.execute(held).one()
    return Refusal(Why.TAKEN, f"{row.taken_by} has {found.item}", row.taken_at, row.taken_by)


def _tell(connection: Connection, name: str, field: str, before: Any, after: Any, *, by: str, at: datetime) -> None:
    row = change_row(work_items, {"item": name}, field, before, after, by=by, at=at)
    connection.execute(insert(changes).values(row))
