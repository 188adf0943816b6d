"""Takes in what the fail-open script wrote while the engine was away: one JSON object per file in the
spool.

A file is removed only when its entries are durable, and a call has one start and one outcome whoever
tells them first; so taking the same file in twice, or a call that the engine itself had begun, changes
nothing. A file that cannot be understood is moved to ``bad/`` with its reason beside it, and the next
ones go on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_bridge.entry import OUTCOME, STARTED, BadEntry
from crm_bridge.journal import Entry, Journal, Json
from crm_bridge.outcome import HangupBy, Outcome

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 64 * 1024
_OUTSIDE = "@"  # in what was dialled: a number at a trunk, and no agent
_START_FIELDS = ("dnis", "ani", "name", "source", "campaign", "channel", "uniqueid")


class BadRecord(ValueError):
    """A spool file that tells of no call. The reason is for a human."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Files taken in and removed, files moved to bad/, files left for next time (the disk refused)."""

    taken: int = 0
    bad: int = 0
    left: int = 0


async def take_in(spool: Path, journal: Journal) -> Taken:
    """Everything that is in ``spool`` now, oldest file first; a folder that is not there is empty. Raises
    JournalError when the journal cannot be written: the files are then still in the spool."""
    files = await asyncio.to_thread(_files, spool)
    results = [await _take_one(path, journal) for path in files]
    return Taken(taken=results.count("taken"), bad=results.count("bad"), left=results.count("left"))


async def waiting(spool: Path) -> set[str]:
    """The Uniqueids of the calls that are in ``spool`` now; it stays as it is."""
    found = set()
    for path in await asyncio.to_thread(_files, spool):
        with suppress(BadRecord, OSError):
            found.add(_word(await asyncio.to_thread(_read, path), "uniqueid"))
    return found - {""}


async def _take_one(path: Path, journal: Journal) -> str:
    try:
        entries = entries_of(await asyncio.to_thread(_read, path))
        for entry in entries:
            await journal.append(entry)
        await asyncio.to_thread(path.unlink, missing_ok=True)
    except (BadRecord, BadEntry) as error:
        await asyncio.to_thread(_set_aside, path, str(error))
        return "bad"
    except OSError as error:
        log.warning("spool file left for next time: %s", error)
        return "left"
    return "taken"


def entries_of(record: Mapping[str, Any]) -> list[Entry]:
    """The journal entries of one record. An ``end`` tells the start too, in case its own file never came.
    Raises BadRecord when it has no call_id, no phase or no time."""
    call_id = record.get("call_id")
    if not isinstance(call_id, str) or not call_id:
        raise BadRecord("no call_id")
    phase = record.get("phase")
    if phase not in ("start", "end"):
        raise BadRecord(f"phase is {phase!r:.40}, not start or end")
    started_at = _first_number(record, "started_at", *(("at",) if phase == "start" else ()))
    at = _first_number(record, *(("ended_at", "at") if phase == "end" else ("at", "started_at")))
    if at is None:
        raise BadRecord("no time")
    start = Entry(call_id, STARTED, started_at if started_at is not None else at, _start_fields(record))
    if phase == "start":
        return [start]
    return [start, *_transferred(call_id, record, at), Entry(call_id, OUTCOME, at, _end_fields(record, started_at, at))]


def _transferred(call_id: str, record: Mapping[str, Any], at: float) -> list[Entry]:
    """A conversation with a number outside of the house: the script knows it by what was dialled, not by its name."""
    dialled = _word(record, "agent")
    if _OUTSIDE not in dialled or _outcome(record) is not Outcome.ANSWERED:
        return []
    return [Entry(call_id, "transferred", at, {"outside": "", "dialled": dialled, "talked_s": _talked_s(record)})]


def _start_fields(record: Mapping[str, Any]) -> dict[str, Json]:
    said: dict[str, Json] = {key: record[key] for key in _START_FIELDS if isinstance(record.get(key), str)}
    return {**said, "by": "fail_open"}


def _end_fields(record: Mapping[str, Any], started_at: float | None, ended_at: float) -> dict[str, Json]:
    outcome, talked_s = _outcome(record), _talked_s(record)
    fields: dict[str, Json] = {
        "outcome": outcome.value,
        "ended_at": ended_at,
        "hangup_by": _hangup_by(record),
        "cause": _word(record, "cause") or _word(record, "dialstatus"),
        "queue": _word(record, "queue"),
        "language": _word(record, "language"),
        "by": "fail_open",
    }
    if outcome is Outcome.ANSWERED:
        peer = _word(record, "agent")
        agent = "" if _OUTSIDE in peer else peer
        fields |= {"agent": agent, "talked_s": talked_s, "answered_at": ended_at - talked_s}
    if outcome is Outcome.VOICEMAIL:
        fields["voicemail"] = _word(record, "voicemail")
    since = _first_number(record, "joined_at")
    since = started_at if since is None else since
    if since is not None and outcome is not Outcome.ABANDONED_IVR:
        spoken_s = talked_s + (_first_number(record, "voicemail_s") or 0.0)
        fields["waited_s"] = max(0.0, ended_at - since - spoken_s)
    return fields


def _outcome(record: Mapping[str, Any]) -> Outcome:
    """The script's own word, where it has one: it knows whether the caller had joined a queue."""
    said = _word(record, "outcome")
    if said in set(Outcome):
        return Outcome(said)
    if _word(record, "dialstatus") == "ANSWER":
        return Outcome.ANSWERED
    return Outcome.VOICEMAIL if _word(record, "voicemail") else Outcome.ABANDONED_QUEUE


def _talked_s(record: Mapping[str, Any]) -> float:
    if _outcome(record) is not Outcome.ANSWERED:
        return 0.0
    seconds = _first_number(record, "talked_s", "answered_s")
    if seconds is None:
        seconds = (_first_number(record, "answered_ms") or 0.0) / 1000
    return max(0.0, seconds)


def _hangup_by(record: Mapping[str, Any]) -> str:
    word = _word(record, "hangup_by")
    return word if word in set(HangupBy) else ""


def _word(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _first_number(record: Mapping[str, Any], *keys: str) -> float | None:
    """The first of ``keys`` that is a number, or a text of one, as dialplan variables are."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        try:
            number = float(value)
        except (ValueError, OverflowError):
            continue
        if math.isfinite(number):
            return number
    return None


def _files(spool: Path) -> list[Path]:
    """``*.json`` in the order they were written; what is still being written has another ending."""
    if not spool.is_dir():
        return []
    found = []
    for item in os.scandir(spool):
        if item.name.endswith(".json") and item.is_file(follow_symlinks=False):
            found.append((item.stat(follow_symlinks=False).st_mtime_ns, item.name))
    return [spool / name for _, name in sorted(found)]


def _read(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise BadRecord(f"over {MAX_FILE_BYTES} bytes")
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise BadRecord("not a JSON object")
    return record


def _set_aside(path: Path, reason: str) -> None:
    log.error("spool file is bad: %s", reason, extra={"file": path.name})
    bad = path.parent / "bad"
    bad.mkdir(mode=0o700, exist_ok=True)
    (bad / f"{path.name}.reason").write_text(reason + "\n", encoding="utf-8", errors="replace")
    path.replace(bad / path.name)
