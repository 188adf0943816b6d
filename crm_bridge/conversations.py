"""What the entries of a call tell of its conversations: legs, dispositions, recordings. Pure.

A field of a wrong shape counts as not said, as in `fold`; an entry without the one that matters leaves no row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from crm_bridge.entry import DISPOSITION, LEG, RECORDED, Logged
from crm_bridge.fold import EntryRefused, moment

_MOST = Decimal("99999999999999")  # what the column carries
_LONGEST_CODE, _LONGEST_FILE, _LONGEST_NAME = 32, 120, 64


def leg_of(logged: Logged) -> dict[str, Any] | None:
    """The row of `legs`."""
    entry = logged.entry
    if entry.kind != LEG:
        return None
    talked_s, began = _seconds(entry.fields.get("talked_s")), entry.fields.get("began_at")
    try:
        began_at = moment(began) if isinstance(began, int | float) and not isinstance(began, bool) else None
    except EntryRefused:
        began_at = None
    return {
        "call_id": entry.call_id,
        "seq": logged.seq,
        "agent": _text(entry.fields, "agent"),
        "outside": _text(entry.fields, "outside"),
        "queue": _text(entry.fields, "queue"),
        "began_at": began_at or moment(entry.at),
        "talked_s": talked_s,
    }


def recording_of(logged: Logged) -> dict[str, Any] | None:
    """The row of `recordings`."""
    entry = logged.entry
    file = _text(entry.fields, "file", _LONGEST_FILE)
    if entry.kind != RECORDED or not file:
        return None
    agent = _text(entry.fields, "agent")
    return {"call_id": entry.call_id, "seq": logged.seq, "agent": agent, "file": file, "at": moment(entry.at)}


def last_dispositions(batch: Sequence[Logged]) -> list[dict[str, Any]]:
    """The rows of `dispositions`: of each call the last one said."""
    rows = {}
    for logged in batch:
        entry = logged.entry
        code = _text(entry.fields, "code", _LONGEST_CODE)
        if entry.kind == DISPOSITION and code:
            rows[entry.call_id] = {
                "call_id": entry.call_id,
                "agent": _text(entry.fields, "agent"),
                "code": code,
                "amount": _amount(entry.fields.get("amount")),
                "promised_on": _day(entry.fields.get("promised_on")),
                "at": moment(entry.at),
            }
    return list(rows.values())


def _text(fields: Mapping[str, Any], key: str, width: int = _LONGEST_NAME) -> str:
    value = fields.get(key)
    return value[:width] if isinstance(value, str) else ""


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0.0
    return max(0.0, float(value))


def _amount(value: object) -> Decimal | None:
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and 0 <= amount <= _MOST else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
