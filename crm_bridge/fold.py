"""How the entries of one call become its one row. Pure: a row and an entry in, the new row out.

The first outcome closes the row: what is told later is kept as an event and changes nothing. There are two exceptions:
the source that a caller names after the conversation; and a call that was lost (`pbx_lost`, which says only that we do
not know how it ended) gets its true end from a correction, and is answered where that proves a conversation. What an
outcome does not say (an engine that died cannot) stays as the earlier
entries left it. A field of a wrong
shape counts as not said; only an entry that would make the row untrue is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from crm_bridge.entry import CORRECTED, SOURCE, STARTED, Entry
from crm_bridge.models import calls
from crm_bridge.outcome import HangupBy, Outcome

Row = dict[str, Any]  # keys: the columns of `calls`

UNKNOWN_SOURCE = "unknown"

_WIDTHS: Mapping[str, int] = {
    column.name: length for column in calls.columns if (length := getattr(column.type, "length", None))
}


class EntryRefused(Exception):
    """The entry can never be stored; the reason is for a human."""


def moment(at: float) -> datetime:
    """Unix seconds → aware UTC. Raises EntryRefused outside the years 1970-9998 (PostgreSQL and Python
    differ there)."""
    try:
        value = datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise EntryRefused(f"at: {at!r} is no instant ({error})") from error
    if not 1970 <= value.year <= 9998:
        raise EntryRefused(f"at: {at!r} is in the year {value.year}")
    return value


def blank(entry: Entry) -> Row:
    """The row of a call of which ``entry`` is the first we hear."""
    row: Row = dict.fromkeys(column.name for column in calls.columns)
    row.update(dict.fromkeys(_TEXTS, ""))
    row.update(call_id=entry.call_id, media_source=UNKNOWN_SOURCE, started_at=moment(entry.at))
    return row


def fold(row: Row, entry: Entry) -> Row:
    """The row after ``entry``. Raises EntryRefused."""
    at = moment(entry.at)
    if row["outcome"] and entry.kind not in (STARTED, SOURCE, CORRECTED):
        return row
    change = _CHANGES.get(entry.kind)
    return {**row, **change(entry.fields, at, row)} if change else row


def _started(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    said = _said(
        dnis=_text(fields, "dnis", "dnis"),
        ani=_text(fields, "ani", "ani"),
        caller_name=_text(fields, "name", "caller_name"),
        media_source=row["named_source"] or _text(fields, "source", "media_source"),
        campaign=_text(fields, "campaign", "campaign"),
    )
    return {**said, "started_at": at}


def _source(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    """What the caller says brought them counts for more than what their number says; the start has that still."""
    named = _text(fields, "source", "named_source")
    return _said(named_source=named, media_source=named)


def _language(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    return _said(language=_text(fields, "language", "language"))


def _node(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    said = unpacked(fields.get("attributes"))
    return _said(last_node=_text(fields, "name", "last_node"), attributes=said or row["attributes"])


def unpacked(packed: object) -> dict[str, str]:
    """``language=mandarin;product=laptop``, as a flow's values travel, as a mapping."""
    pairs = (item.partition("=") for item in packed.split(";") if "=" in item) if isinstance(packed, str) else ()
    return {name: value for name, _, value in pairs}


def _called_back(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    return _said(called_back_of=_text(fields, "of", "called_back_of"))


def _queued(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    joined = _instant(fields, "joined_at") or at
    return _said(queue=_text(fields, "queue", "queue"), queued_at=row["queued_at"] or joined)


def _offered(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    return {"offered_at": at}


def _answered(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    return {**_said(agent=_text(fields, "agent", "agent")), "answered_at": at}


def _missed(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    """Picked up, maybe, but never joined: the call waits again, and nobody has answered it."""
    return {"agent": "", "answered_at": None}


def _outcome(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    outcome = fields.get("outcome")
    if not isinstance(outcome, str) or outcome not in set(Outcome):
        raise EntryRefused(f"outcome: {outcome!r:.80} is none of ours")
    by = fields.get("hangup_by")
    return {
        **_said(
            hangup_by=by if isinstance(by, str) and by in set(HangupBy) else None,
            answered_at=_instant(fields, "answered_at"),
            **{key: _text(fields, key, key) for key in ("cause", "queue", "agent", "language")},
            **{key: _seconds(fields, key) for key in ("waited_s", "offered_s", "talked_s")},
        ),
        "outcome": outcome,
        "ended_at": _instant(fields, "ended_at") or at,
    }


def _corrected(fields: Mapping[str, Any], at: datetime, row: Row) -> Row:
    """Of a call that we had lost, and of no other: another record may be wrong, too."""
    if row["outcome"] != Outcome.PBX_LOST:
        return {}
    said = _said(ended_at=_instant(fields, "ended_at"))
    if fields.get("outcome") != Outcome.ANSWERED:
        return said
    return {
        **said,
        **_said(
            agent=_text(fields, "agent", "agent"),
            answered_at=_instant(fields, "answered_at"),
            talked_s=_seconds(fields, "talked_s"),
        ),
        "outcome": Outcome.ANSWERED.value,
        "cause": _text(fields, "cause", "cause") or row["cause"],
    }


_CHANGES: Mapping[str, Callable[[Mapping[str, Any], datetime, Row], Row]] = {
    STARTED: _started,
    SOURCE: _source,
    "language": _language,
    "node": _node,
    "called_back": _called_back,
    "queued": _queued,
    "offered": _offered,
    "answered": _answered,
    "offer_missed": _missed,
    "outcome": _outcome,
    CORRECTED: _corrected,
}

_TEXTS = (
    *("dnis", "ani", "caller_name", "media_source", "named_source", "campaign", "language", "queue", "agent"),
    *("last_node", "hangup_by", "cause", "called_back_of"),
)


def _said(**values: Any) -> Row:
    return {key: value for key, value in values.items() if value is not None}


def _text(fields: Mapping[str, Any], key: str, column: str) -> str | None:
    """None when not said; cut to the column's width (the whole of it is in the event)."""
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)[: _WIDTHS[column]] or None


def _seconds(fields: Mapping[str, Any], key: str) -> float | None:
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return max(0.0, float(value))  # a clock that was set back makes no negative wait


def _instant(fields: Mapping[str, Any], key: str) -> datetime | None:
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value == 0:
        return None
    try:
        return moment(value)
    except EntryRefused:
        return None
