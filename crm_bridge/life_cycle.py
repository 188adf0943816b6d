"""How far a customer has come with us: worked out from the days of their orders alone, so it is the same whoever asks.

prospect      no order yet (one that was cancelled is none)
first_order   one order
repeat        two or more
loyal         so many within a year (`StageRules`)
lapsed        the last one is too long ago
won_back      the first order after such a gap; the next one makes them repeat again
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise

from sqlalchemy import Connection, select

from crm_bridge import bulk
from crm_bridge.changing import CHANGE
from crm_bridge.models import changes, customers, orders
from crm_bridge.rules import StageRules

CANCELLED = "cancelled"
_AT_ONCE = 20_000


class Stage(StrEnum):
    PROSPECT = "prospect"
    FIRST_ORDER = "first_order"
    REPEAT = "repeat"
    LOYAL = "loyal"
    LAPSED = "lapsed"
    WON_BACK = "won_back"


def stage_of(days: Iterable[date], today: date, rules: StageRules) -> Stage:
    """``days``: of the orders that count, in any order."""
    placed = sorted(days)
    if not placed:
        return Stage.PROSPECT
    longest = timedelta(days=rules.lapsed_days)
    if today - placed[-1] > longest:
        return Stage.LAPSED
    gaps = [nr for nr, (before, after) in enumerate(pairwise(placed), 1) if after - before > longest]
    since = placed[gaps[-1] :] if gaps else placed
    loyal_from = today - timedelta(days=rules.loyal_days)
    if len([day for day in since if day >= loyal_from]) >= rules.loyal_orders:
        return Stage.LOYAL
    if len(since) > 1:
        return Stage.REPEAT
    return Stage.WON_BACK if gaps else Stage.FIRST_ORDER


def refresh_stages(connection: Connection, ids: Collection[int], today: date, rules: StageRules) -> int:
    """Of these customers, after their orders have changed. How many have moved on."""
    wanted = sorted(ids)
    pieces = (wanted[begin : begin + _AT_ONCE] for begin in range(0, len(wanted), _AT_ONCE))
    return sum(_refresh(connection, piece, today, rules) for piece in pieces)


def lapse(connection: Connection, today: date, rules: StageRules) -> int:
    """Once a day: who has not ordered for too long, or not often enough to be loyal still. How many have moved on."""
    there = (Stage.FIRST_ORDER, Stage.REPEAT, Stage.WON_BACK, Stage.LOYAL)
    oldest = today - timedelta(days=rules.lapsed_days)
    query = select(customers.c.id).where(
        customers.c.stage.in_([stage.value for stage in there]), customers.c.last_order_on < oldest
    )
    loyal = select(customers.c.id).where(customers.c.stage == Stage.LOYAL.value)
    ids = {*connection.execute(query).scalars(), *connection.execute(loyal).scalars()}
    return refresh_stages(connection, ids, today, rules)


def _refresh(connection: Connection, ids: Sequence[int], today: date, rules: StageRules) -> int:
    known = (customers.c.id, customers.c.stage, customers.c.last_order_on)
    days = _order_days(connection, ids)
    moved, later = [], []
    for id_, was, ordered_on in bulk.found(connection, known, customers.c.id, ids):
        placed = days.get(id_, [])
        stage, last = stage_of(placed, today, rules).value, max(placed, default=None)
        if stage != was:
            moved.append((id_, was, stage, last))
        elif last != ordered_on:
            later.append((id_, last))
    bulk.change(connection, customers, "id", ["last_order_on"], later)
    rows = [(id_, stage, last, today) for id_, _, stage, last in moved]
    bulk.change(connection, customers, "id", ["stage", "last_order_on", "stage_since"], rows)
    at = datetime.combine(today, time.min, UTC)
    told = [(at, "rule:stages", customers.name, str(id_), "stage", was, stage) for id_, was, stage, _ in moved]
    bulk.add(connection, changes, CHANGE, told)
    return len(moved)


def _order_days(connection: Connection, ids: Sequence[int]) -> Mapping[int, list[date]]:
    columns = (orders.c.customer_id, orders.c.placed_on, orders.c.status)
    days: dict[int, list[date]] = {}
    for customer_id, placed_on, status in bulk.found(connection, columns, orders.c.customer_id, ids):
        if status != CANCELLED:
            days.setdefault(customer_id, []).append(placed_on)
    return days
