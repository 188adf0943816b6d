"""What may stay of a journal entry when the person is to be forgotten: that it happened, when, by whom of ours, how
long. Pure. Whatever is not named here goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_bridge.persons.spelling import Spellings

_WORDS = frozenset(
    {
        *("dnis", "source", "campaign", "uniqueid", "by", "outcome", "hangup_by", "cause", "queue", "agent"),
        *("language", "why", "code", "amount", "promised_on", "state", "flow", "node", "what", "outside", "dialstatus"),
    }
)
_WORDS_OF_A_KIND = frozenset({("node", "name"), ("handed_over", "to")})  # a node's name is ours, a caller's is theirs


def scrubbed(kind: str, fields: Mapping[str, Any], spellings: Spellings) -> dict[str, Any]:
    """Figures, and words of ours. The Uniqueid stays: it names nobody, and without it Asterisk's own records would tell
    of the call anew."""
    kept = {name: value for name, value in fields.items() if _may_stay(kind, name, value)}
    told: dict[str, Any] = spellings.blotted_value(kept)
    return told


def _may_stay(kind: str, name: str, value: Any) -> bool:
    if isinstance(value, str):
        return name in _WORDS or (kind, name) in _WORDS_OF_A_KIND
    return value is None or isinstance(value, bool | int | float)
