"""Where the open calls were when the engine died, so that the next one lets them go on from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from crm_bridge.journal import Journal


@dataclass(frozen=True, slots=True)
class LeftOff:
    """``node``: the flow node entered last, or ''. ``waiting``: in a queue and not with an agent. ``language`` and
    ``attributes`` ("product=laptop;…"): what the caller's keys had said by then, or ''."""

    node: str = ""
    waiting: bool = False
    language: str = ""
    attributes: str = ""


_STEPS = """
SELECT e.call_id, e.kind, e.fields FROM entries e
WHERE e.kind IN ('node', 'language', 'queued', 'answered', 'offer_missed') AND e.call_id IN (
    SELECT s.call_id FROM entries s WHERE s.kind = 'call_started'
    AND NOT EXISTS (SELECT 1 FROM entries o WHERE o.call_id = s.call_id AND o.kind = 'outcome'))
ORDER BY e.seq
"""


async def left_off(journal: Journal) -> Mapping[str, LeftOff]:
    """call_id → where it was, for each call with a start and no outcome that got anywhere."""
    found: dict[str, LeftOff] = {}
    for call_id, kind, fields in await journal.read(_STEPS):
        found[call_id] = _after(found.get(call_id, LeftOff()), kind, json.loads(fields))
    return found


def _after(before: LeftOff, kind: str, fields: Mapping[str, str]) -> LeftOff:
    if kind == "language":
        return replace(before, language=fields.get("language", ""))
    if kind == "node":
        return replace(before, node=fields.get("name", ""), attributes=fields.get("attributes", ""), waiting=False)
    return replace(before, waiting=kind != "answered")
