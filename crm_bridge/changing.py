"""Every change that a person or a rule makes to a row, with who and when. What a call says of itself is in its events.

``by`` says who: "agent:1001", "cli:anna", "api:shop", "import:orders.csv", "rule:leads", "site".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, select, update

from crm_bridge.models import changes

CHANGE = ("at", "by", "subject", "key", "field", "before", "after")  # what `change_row` gives, in its order
_WIDTH = 500
MADE = "*"  # the field of a row that is new
SECRET = frozenset({"pin_hash"})  # that it was changed is told, but not to what


def change(
    connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any], *, by: str, at: datetime
) -> bool:
    """Set ``values`` in the one row with this ``key``. False: there is no such row, or nothing in it is new."""
    where = and_(*(table.c[name] == value for name, value in key.items()))
    columns = [table.c[name] for name in values]
    before = connection.execute(select(*columns).where(where).with_for_update()).mappings().one_or_none()
    if before is None:
        return False
    new = {name: value for name, value in values.items() if before[name] != value}
    if new:
        connection.execute(update(table).where(where).values(new))
        rows = [change_row(table, key, name, before[name], value, by=by, at=at) for name, value in new.items()]
        connection.execute(insert(changes), rows)
    return bool(new)


def made(connection: Connection, table: Table, key: Mapping[str, Any], *, by: str, at: datetime) -> None:
    """A row is new."""
    connection.execute(insert(changes).values(change_row(table, key, MADE, None, "made", by=by, at=at)))


def made_row(table: Table, key: object, *, by: str, at: datetime) -> tuple[Any, ...]:
    """What `made` writes, as the values of `change_row` in their order: for thousands of rows at once."""
    return (at, by[:64], table.name, str(key)[:64], MADE, None, "made")


def change_row(
    table: Table, key: Mapping[str, Any], field: str, before: Any, after: Any, *, by: str, at: datetime
) -> dict[str, Any]:
    """The row of `changes`."""
    before, after = told(field, before, after)
    return {
        "at": at,
        "by": by[:64],
        "subject": table.name,
        "key": "/".join(str(value) for value in key.values())[:64],
        "field": field,
        "before": before,
        "after": after,
    }


def told(field: str, before: Any, after: Any) -> tuple[str | None, str | None]:
    """What a field was and is, as it is written down."""
    if field in SECRET:
        before, after = before and "…", after and "…"
    return _text(before), _text(after)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    return (f"{value.normalize():f}" if isinstance(value, Decimal) else str(value))[:_WIDTH]
