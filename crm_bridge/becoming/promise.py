"""A promised day becomes a promise, and the agent its keeper; it may be kept by a call of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from crm_bridge.becoming.word import Word, customer_of
from crm_bridge.changing import change, made
from crm_bridge.contacts import CALL_OUT
from crm_bridge.fold import Row
from crm_bridge.models import promises
from crm_bridge.outcome import Outcome
from crm_bridge.rules import CrmRules, DispositionRule

BY_CALL = "call"


def make(connection: Connection, word: Word, rule: DispositionRule, rules: CrmRules) -> None:
    known = select(promises.c.id).where(promises.c.ref == word.ref)
    id_ = connection.execute(known).scalar()
    if id_ is not None:
        changed = {"due_on": word.promised_on, "withdrawn_at": None}
        change(connection, promises, {"id": id_}, changed, by=word.by, at=word.at)
        return
    row = {
        "ref": word.ref,
        "customer_id": customer_of(connection, word),
        "text": rule.text,
        "due_on": word.promised_on,
        "keeper": word.agent[:16],
        "promised_by": word.agent,
        "made_at": word.at,
        "call_id": word.call_id,
        "kept_by": rule.kept_by,
    }
    new = connection.execute(insert(promises).values(row).returning(promises.c.id)).scalar_one()
    made(connection, promises, {"id": new}, by=word.by, at=word.at)


def take_back(connection: Connection, word: Word, rules: CrmRules) -> None:
    open_ = (promises.c.ref == word.ref, promises.c.kept_at.is_(None))
    id_ = connection.execute(select(promises.c.id).where(*open_)).scalar()
    if id_ is not None:
        change(connection, promises, {"id": id_}, {"withdrawn_at": word.at}, by=word.by, at=word.at)


def keep_by_calls(connection: Connection, rows: Iterable[Row], contacts: Iterable[Mapping[str, Any]]) -> None:
    """What was promised to be done by a call is kept by one of ours to them, once we have talked. ``rows``: of `calls`;
    ``contacts``: of `interactions`."""
    talked = [
        (row["customer_id"], row["ended_at"], f"call:{row['call_id']}")
        for row in rows
        if row["called_back_of"] and row["outcome"] == Outcome.ANSWERED.value
    ]
    talked += [(row["customer_id"], row["at"], row["by"]) for row in contacts if _is_talk(row)]
    for customer, at, by in talked:
        due = (promises.c.customer_id == customer, promises.c.kept_by == BY_CALL, promises.c.made_at < at)
        still = (promises.c.kept_at.is_(None), promises.c.withdrawn_at.is_(None))
        for id_ in connection.execute(select(promises.c.id).where(*due, *still)).scalars().all():
            change(connection, promises, {"id": id_}, {"kept_at": at}, by=by, at=at)


def _is_talk(row: Mapping[str, Any]) -> bool:
    return row["kind"] == CALL_OUT and bool(row["talked_s"])
