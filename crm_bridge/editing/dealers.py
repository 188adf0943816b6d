"""Dealers. A PIN is hashed before it comes here (`pins.hash_pin`, which takes its time)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from crm_bridge.editing.act import Act
from crm_bridge.editing.rows import change_row, make_row, row_of
from crm_bridge.models import dealers

STAGES = ("prospect", "contacted", "visited", "contract", "active", "left")


def put_dealer(
    connection: Connection, act: Act, code: str, values: Mapping[str, Any], *, pin_hash: str | None = None
) -> bool:
    """True: they were not there before. ``pin_hash`` None: the PIN stays what it is; '': there is none any more."""
    said = dict(values) if pin_hash is None else {**values, "pin_hash": pin_hash}
    if row_of(connection, dealers, {"code": code}) is not None:
        change_row(connection, dealers, {"code": code}, said, act)
        return False
    make_row(connection, dealers, {"pin_hash": "", **said, "code": code}, act)
    return True
