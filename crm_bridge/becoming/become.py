"""What an agent's word on a call becomes by the house's rules: an order, a lead, a ticket or a promise.

The last word counts. Said again with another code, what the first one had made is taken back; said again with another
amount, it is changed. Once somebody has worked on it (an order that is paid, a lead that is accepted) it stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from crm_bridge.becoming import lead, order, promise, ticket
from crm_bridge.becoming.word import OF_THE_CALL, Word
from crm_bridge.models import calls
from crm_bridge.rules import Becomes, CrmRules, DispositionRule

_Make = Callable[[Connection, Word, DispositionRule, CrmRules], None]
_TakeBack = Callable[[Connection, Word, CrmRules], None]
_KINDS: Mapping[Becomes, tuple[_Make, _TakeBack]] = {
    "order": (order.make, order.take_back),
    "lead": (lead.make, lead.take_back),
    "ticket": (ticket.make, ticket.take_back),
    "promise": (promise.make, promise.take_back),
}


def become(connection: Connection, said: Sequence[Mapping[str, Any]], rules: CrmRules) -> None:
    """``said``: rows of `dispositions`, written in this transaction, of calls that are in `calls`."""
    if not rules.dispositions or not said:
        return
    columns = (calls.c.call_id, *(calls.c[name] for name in OF_THE_CALL))
    query = select(*columns).where(calls.c.call_id.in_([row["call_id"] for row in said]))
    known = {row["call_id"]: dict(row) for row in connection.execute(query).mappings()}
    for row in said:
        if row["call_id"] in known:
            _become(connection, Word.of(row, known[row["call_id"]], rules), rules)


def _become(connection: Connection, word: Word, rules: CrmRules) -> None:
    becomes = word.rule.becomes if word.rule is not None else None
    for kind, (_, take_back) in _KINDS.items():
        if kind != becomes:
            take_back(connection, word, rules)
    if word.rule is not None:
        make, _ = _KINDS[word.rule.becomes]
        make(connection, word, word.rule, rules)
