"""An agent's word on a call, with the call and the rule for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, insert, update

from crm_bridge.models import calls, customers
from crm_bridge.rules import CrmRules, DispositionRule


@dataclass(frozen=True, slots=True)
class Word:
    """``rule`` None: nothing comes of it. ``call``: of the row of `calls` what `OF_THE_CALL` names."""

    call_id: str
    call: Mapping[str, Any]
    agent: str
    amount: Decimal | None
    promised_on: date | None
    at: datetime
    rule: DispositionRule | None

    @classmethod
    def of(cls, said: Mapping[str, Any], call: Mapping[str, Any], rules: CrmRules) -> Word:
        """``said``: a row of `dispositions`."""
        rule = _complete(rules.dispositions.get(said["code"]), said)
        return cls(said["call_id"], call, said["agent"], said["amount"], said["promised_on"], said["at"], rule)

    @property
    def by(self) -> str:
        return f"agent:{self.agent}"

    @property
    def ref(self) -> str:
        return f"call:{self.call_id}"

    def value(self, name: str) -> str:
        """What the caller's keys have said."""
        return str((self.call["attributes"] or {}).get(name, ""))

    def day(self, rules: CrmRules) -> date:
        return self.at.astimezone(rules.zone).date()


OF_THE_CALL = ("customer_id", "media_source", "campaign", "ani_e164", "caller_name", "attributes")


def _complete(rule: DispositionRule | None, said: Mapping[str, Any]) -> DispositionRule | None:
    """An order without an amount is none, nor is a promise without a day."""
    if rule is None or (rule.becomes == "order" and not said["amount"]):
        return None
    return None if rule.becomes == "promise" and said["promised_on"] is None else rule


def customer_of(connection: Connection, word: Word) -> int:
    """Whose call it is; of a caller who showed no number, a customer of their own."""
    known = word.call["customer_id"]
    if known is not None:
        return int(known)
    row = {"name": word.call["caller_name"], "first_source": word.call["media_source"], "first_campaign": ""}
    new = connection.execute(insert(customers).values(row).returning(customers.c.id)).scalar_one()
    connection.execute(update(calls).where(calls.c.call_id == word.call_id).values(customer_id=new))
    return int(new)
