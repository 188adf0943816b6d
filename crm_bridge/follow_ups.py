"""What the entries of a call leave behind beside its row: tasks for a human, and what the caller thinks of us.

Told at any time, also when the call's row is closed: a survey comes after the conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, select

from crm_bridge.entry import CALLBACK, OUTCOME, SURVEY, VOICEMAIL, Entry, Logged
from crm_bridge.fold import Row, moment
from crm_bridge.models import tasks
from crm_bridge.numbers import e164

COMMENT, COMMENT_S = "comment", "comment_s"  # a survey's fields that are no answers: a recording, its length
RECORDING = "recording"  # a voicemail's: the name of its file
OPEN = "open"
_LARGEST_SCORE = 1000
_WIDTH = 64  # of tasks.queue and surveys.name


def task_of(logged: Logged, rows: Mapping[str, Row], region: str) -> dict[str, Any] | None:
    """The row of `tasks` that an entry asks for, if it does. ``rows``: the calls of the batch, by call id."""
    entry = logged.entry
    kind = _task_kind(entry)
    if not kind:
        return None
    said = entry.fields.get("number")
    number = e164(said, region) if isinstance(said, str) and said else None
    queue = entry.fields.get("queue")
    return {
        "call_id": entry.call_id,
        "seq": logged.seq,
        "kind": kind,
        "number": number or rows[entry.call_id]["ani_e164"],
        "queue": queue[:_WIDTH] if isinstance(queue, str) else "",
        "opened_at": moment(entry.at),
        "state": OPEN,
        "fields": _message(entry) if entry.kind == OUTCOME else dict(entry.fields),
    }


def _message(entry: Entry) -> dict[str, Any]:
    """The fail-open script tells the whole path of its recording: one folder holds them all, so the name will do."""
    file = PurePosixPath(str(entry.fields[VOICEMAIL]))
    return {RECORDING: file.name.removesuffix(".wav"), "language": entry.fields.get("language", "")}


def _task_kind(entry: Entry) -> str:
    """A voicemail that the fail-open script took while no engine was there is told by the call's outcome."""
    if entry.kind in (VOICEMAIL, CALLBACK):
        return entry.kind
    if entry.kind == SURVEY and entry.fields.get(COMMENT):
        return SURVEY
    return VOICEMAIL if entry.kind == OUTCOME and entry.fields.get(VOICEMAIL) else ""


def wished_once(connection: Connection, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without a second wish of one call to be called back at the same number by the same queue, as a call tells that
    goes on after its engine died: nobody is to be called twice for it."""
    wishes = {task["call_id"] for task in found if task["kind"] == CALLBACK}
    if not wishes:
        return list(found)
    columns = (tasks.c.call_id, tasks.c.number, tasks.c.queue)
    query = select(*columns).where(tasks.c.call_id.in_(wishes), tasks.c.kind == CALLBACK)
    known = {tuple(row) for row in connection.execute(query)}
    kept = []
    for task in found:
        wish = (task["call_id"], task["number"], task["queue"])
        if task["kind"] != CALLBACK or wish not in known:
            kept.append(task)
            known |= {wish} if task["kind"] == CALLBACK else set()
    return kept


def scores_of(logged: Logged) -> Iterator[dict[str, Any]]:
    """The rows of `surveys`: each answer that is a whole number."""
    entry = logged.entry
    if entry.kind != SURVEY:
        return
    for name, score in entry.fields.items():
        if name in (COMMENT, COMMENT_S) or isinstance(score, bool) or not isinstance(score, int):
            continue
        if 0 < len(name) <= _WIDTH and abs(score) <= _LARGEST_SCORE:
            at = moment(entry.at)
            yield {"call_id": entry.call_id, "seq": logged.seq, "name": name, "score": score, "at": at}
