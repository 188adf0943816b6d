"""Where the open calls were when the engine died, so that the next one lets them go on from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from crm_bridge.entry import CALLBACK, SOURCE, VOICEMAIL
from crm_bridge.journal import Journal


@dataclass(frozen=True, slots=True)
class LeftOff:
    """``node``: the flow node entered last, or ''. ``waiting``: in a queue and not with an agent. ``language`` and
    ``attributes`` ("product=laptop;…"): what the caller's keys had said by then, or ''. ``source``: the advert that the
    caller named, or ''. ``reached``: the outcome that the call had earned already."""

    node: str = ""
    waiting: bool = False
    language: str = ""
    attributes: str = ""
    source: str = ""
    reached: Literal["", "voicemail", "callback"] = ""


_STEPS = f"""
SELECT e.call_id, e.kind, e.fields FROM entries e
WHERE e.kind IN ('node', 'language', 'queued', 'answered', 'offer_missed', '{SOURCE}', '{VOICEMAIL}', '{CALLBACK}')
AND e.call_id IN (
    SELECT s.call_id FROM entries s WHERE s.kind = 'call_started'
    AND NOT EXISTS (SELECT 1 FROM entries o WHERE o.call_id = s.call_id AND o.kind = 'outcome'))
ORDER BY e.seq
"""  # noqa: S608


async def left_off(journal: Journal) -> Mapping[str, LeftOff]:
    """call_id → where it was, for each call with a start and no outcome that got anywhere."""
    found: dict[str, LeftOff] = {}
    for call_id, kind, fields in await journal.read(_STEPS):
        found[call_id] = _after(found.get(call_id, LeftOff()), kind, json.loads(fields))
    return found


def _after(before: LeftOff, kind: str, fields: Mapping[str, str]) -> LeftOff:
    match kind:
        case "language":
            return replace(before, language=fields.get("language", ""))
        case "source":
            return replace(before, source=fields.get("source", ""))
        case "voicemail" | "callback":
            return replace(before, reached=kind)
        case "node":
            attributes = fields.get("attributes", "")
            return replace(before, node=fields.get("name", ""), attributes=attributes, waiting=False)
    return replace(before, waiting=kind != "answered")
