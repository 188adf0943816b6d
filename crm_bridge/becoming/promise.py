"""A promised day becomes a promise, and the agent its keeper."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from crm_bridge.becoming.word import Word, customer_of
from crm_bridge.changing import change, made
from crm_bridge.models import promises
from crm_bridge.rules import CrmRules, DispositionRule


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
    }
    new = connection.execute(insert(promises).values(row).returning(promises.c.id)).scalar_one()
    made(connection, promises, {"id": new}, by=word.by, at=word.at)


def take_back(connection: Connection, word: Word, rules: CrmRules) -> None:
    open_ = (promises.c.ref == word.ref, promises.c.kept_at.is_(None))
    id_ = connection.execute(select(promises.c.id).where(*open_)).scalar()
    if id_ is not None:
        change(connection, promises, {"id": id_}, {"withdrawn_at": word.at}, by=word.by, at=word.at)
