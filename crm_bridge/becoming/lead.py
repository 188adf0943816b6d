"""Somebody who may buy becomes a lead, for a dealer of their region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from crm_bridge import leads as steps
from crm_bridge.becoming.word import Word, customer_of
from crm_bridge.changing import made
from crm_bridge.models import customers, leads
from crm_bridge.regions import listed_region
from crm_bridge.rules import CrmRules, DispositionRule


def make(connection: Connection, word: Word, rule: DispositionRule, rules: CrmRules) -> None:
    known = _lead(connection, word)
    if known is not None:
        if known["state"] == steps.LeadState.LOST.value:
            steps.reopen(connection, known["id"], by=word.by, at=word.at)
        return
    customer = customer_of(connection, word)
    row = {
        "ref": word.ref,
        "customer_id": customer,
        "call_id": word.call_id,
        "media_source": word.call["media_source"],
        "campaign": word.call["campaign"],
        "product": word.value(rule.product)[:64],
        "region": _region(connection, customer, word, rules),
        "text": rule.text,
        "state": steps.LeadState.NEW.value,
        "owner": word.agent[:16],
        "opened_at": word.at,
    }
    new = connection.execute(insert(leads).values(row).returning(leads.c.id)).scalar_one()
    made(connection, leads, {"id": new}, by=word.by, at=word.at)


def _region(connection: Connection, customer: int, word: Word, rules: CrmRules) -> str:
    """What can be said at once; else '' (`lead_desk` asks the books)."""
    said = connection.execute(select(customers.c.region).where(customers.c.id == customer)).scalar()
    return said or listed_region(word.call["ani_e164"] or "", rules.regions)


def take_back(connection: Connection, word: Word, rules: CrmRules) -> None:
    known = _lead(connection, word)
    untouched = (steps.LeadState.NEW.value, steps.LeadState.ASSIGNED.value)
    if known is not None and known["state"] in untouched:
        steps.close(connection, known["id"], won=False, by=word.by, at=word.at)


def _lead(connection: Connection, word: Word) -> Mapping[str, Any] | None:
    row = connection.execute(select(leads.c.id, leads.c.state).where(leads.c.ref == word.ref)).mappings().one_or_none()
    return None if row is None else dict(row)
