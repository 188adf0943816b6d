"""What the journal holds: one thing that happened to one call (or to one agent).

An entry is made harmless here, before it is queued, so that nothing a caller sends (NUL, half a
surrogate pair, a NaN, a megabyte) can make the row unwritable later. Whatever was changed is told
in the fields themselves, under ``NOTES``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

MAX_BYTES = 64 * 1024  # of one entry's fields, as UTF-8 JSON
CUT_CHARS = 4096  # what is left of a long text when the whole is over MAX_BYTES
MAX_DEPTH = 8
MAX_ID_CHARS = 64
NOTES = "_notes"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode

# Both are written at most once per call; the first one wins, in the journal and again in the CRM.
STARTED = "call_started"
OUTCOME = "outcome"
# What a caller leaves behind, or says of themselves, and a text that they were sent; any number of times.
SOURCE, VOICEMAIL, CALLBACK, SURVEY, SMS = "source", "voicemail", "callback", "survey", "sms"
# One conversation of the call, with an agent or with somebody outside (a call that is passed on has several); what the
# agent made of it; that it is recorded, and where.
LEG, DISPOSITION, RECORDED = "leg", "disposition", "recorded"
# An agent has taken an abandoned call on, and will ring its caller back; and what came of that.
TAKEN_ON, RUNG_BACK = "rung_back", "rung_back_end"
# What another record proves of a call that we had lost: its true end, and maybe a conversation.
CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Entry:
    """``at``: Unix seconds. ``call_id`` is empty for what happens to an agent outside any call."""

    call_id: str
    kind: str
    at: float
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry with the sequence number under which the journal made it durable."""

    seq: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call with a start and no outcome. ``channel`` and ``uniqueid`` are what Asterisk called it when it
    began (empty for a call that the fail-open script began); ``last_at``: Unix seconds of its newest
    entry."""

    call_id: str
    started_at: float
    last_at: float
    channel: str
    uniqueid: str


class BadEntry(ValueError):
    """The entry breaks the journal's own rules (its id, its kind, its time). A fault of the code that
    made it."""


def checked(entry: Entry) -> None:
    """Raises BadEntry for an id or kind that is empty where it must not be, too long or unprintable, and
    for a time that is no time."""
    if len(entry.call_id) > MAX_ID_CHARS or (entry.call_id and not _plain(entry.call_id)):
        raise BadEntry("call_id is not 0-64 printable ASCII characters")
    if not entry.kind or len(entry.kind) > MAX_ID_CHARS or not _plain(entry.kind):
        raise BadEntry("kind is not 1-64 printable ASCII characters")
    if entry.kind in (STARTED, OUTCOME) and not entry.call_id:
        raise BadEntry(f"{entry.kind} without a call_id")
    if not math.isfinite(entry.at):
        raise BadEntry("at is not a finite number")


def encoded(fields: Mapping[str, Json]) -> str:
    """``fields`` as JSON text of at most MAX_BYTES, writable by any database. Never raises."""
    notes: list[str] = []
    clean = dict(fields) if _is_clean(fields) else _cleaned(dict(fields), "", notes, 0)
    text = _dump(clean, notes)
    if len(text) * 4 <= MAX_BYTES or len(text.encode()) <= MAX_BYTES:  # no character has more than four bytes
        return text
    cut = {key: _cut(value, key, notes) for key, value in clean.items()}
    text = _dump(cut, notes)
    while len(text.encode()) > MAX_BYTES and cut:  # many fields: the largest goes first
        key = max(cut, key=lambda name: len(name) + len(_dump(cut[name], [])))
        del cut[key]
        text = _dump(cut, [*notes[:20], f"{key[:64]}: left out, the entry was over {MAX_BYTES} bytes"])
    return text


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _is_clean(fields: Mapping[Any, Any]) -> bool:
    """Nearly all are, at a glance: plain words and numbers."""
    for key, value in fields.items():
        kind = type(value)
        if type(key) is not str or not _plain(key):
            return False
        if kind is str:
            clean = _plain(value)
        elif kind is float:
            clean = math.isfinite(value)
        else:
            clean = value is None or kind is bool or (kind is int and abs(value) < 2**63)
        if not clean:
            return False
    return True


def _dump(value: Any, notes: list[str]) -> str:
    whole = {**value, NOTES: notes[:20]} if notes else value
    return _encode(whole)


def _cleaned(value: Any, path: str, notes: list[str], depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, path, notes)
    if isinstance(value, int | float):
        return _number(value, path, notes)
    if isinstance(value, Mapping | list | tuple):
        return _nested(value, path, notes, depth)
    notes.append(f"{path}: a {type(value).__name__} was kept as text")
    return _text(repr(value)[:CUT_CHARS], path, notes)


def _nested(value: Any, path: str, notes: list[str], depth: int) -> Any:
    if depth > MAX_DEPTH:
        notes.append(f"{path[:64]}: nested deeper than {MAX_DEPTH}, left out")
        return None
    if not isinstance(value, Mapping):
        return [_cleaned(item, path, notes, depth + 1) for item in value]
    pairs = ((_text(str(key), path, notes), item) for key, item in value.items())
    return {key: _cleaned(item, f"{path}.{key}"[:200].lstrip("."), notes, depth + 1) for key, item in pairs}


def _text(text: str, path: str, notes: list[str]) -> str:
    if text.isprintable() and text.isascii():  # nearly all
        return text
    if "\0" in text:
        notes.append(f"{path}: NUL removed")
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        notes.append(f"{path}: half a surrogate pair replaced")
        text = text.encode("utf-8", "replace").decode()
    return text


def _number(number: int | float, path: str, notes: list[str]) -> int | float | str | None:
    if isinstance(number, float):
        if math.isfinite(number):
            return number
        notes.append(f"{path}: not a finite number")
        return None
    if -(2**63) <= number < 2**63:
        return int(number)
    notes.append(f"{path}: an integer over 64 bits was left out")
    return None


def _cut(value: Any, key: str, notes: list[str]) -> Any:
    if isinstance(value, str) and len(value) > CUT_CHARS:
        notes.append(f"{key[:64]}: cut from {len(value)} to {CUT_CHARS} characters")
        return value[:CUT_CHARS]
    return value
