"""Contacts that are no calls to us, as the entries of a call tell of them: messages left, texts sent, calls returned.
Pure. An entry of a wrong shape leaves no row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_bridge.entry import RUNG_BACK, SMS, VOICEMAIL, Logged
from crm_bridge.fold import Row, moment
from crm_bridge.numbers import e164

CALL_OUT = "call_out"
_LONGEST_TEXT = 2000


def interaction_of(logged: Logged, rows: Mapping[str, Row], region: str) -> dict[str, Any] | None:
    """The row of `interactions`. ``rows``: the calls of the batch, by call id."""
    entry = logged.entry
    told = _TOLD.get(entry.kind)
    if told is None:
        return None
    kind, direction = told
    call, number = rows[entry.call_id], entry.fields.get("to") or entry.fields.get("number")
    address = e164(number, region) if isinstance(number, str) else None
    talked_s = entry.fields.get("talked_s")
    return {
        "customer_id": call["customer_id"],
        "address": address or call["ani_e164"] or "",
        "kind": kind,
        "direction": direction,
        "at": moment(entry.at),
        "by": f"agent:{entry.fields['agent']}"[:64] if entry.fields.get("agent") else "flow",
        "text": _text(entry.fields.get("text"))[:_LONGEST_TEXT],
        "call_id": entry.call_id,
        "seq": logged.seq,
        "talked_s": max(0.0, float(talked_s)) if isinstance(talked_s, int | float) else None,
    }


_TOLD = {VOICEMAIL: ("voicemail", "in"), SMS: ("sms", "out"), RUNG_BACK: (CALL_OUT, "out")}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
