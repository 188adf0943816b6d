"""The call backs that were under way when the last engine ended, out of the journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_bridge.journal import Journal

_STEPS = "SELECT call_id, fields FROM entries WHERE kind = ? AND at > ? ORDER BY seq"


@dataclass(frozen=True, slots=True)
class OpenCallback:
    """``wish``: the fields of the first step; ``state``, ``tries``: of the last."""

    call_id: str
    wish: Mapping[str, Any]
    state: str
    tries: int


async def open_callbacks(journal: Journal, kind: str, done: frozenset[str], since: float) -> list[OpenCallback]:
    """Those whose last step (entries of ``kind``, after ``since``, Unix s) is none of ``done``; the oldest first."""
    steps: dict[str, list[Mapping[str, Any]]] = {}
    for call_id, fields in await journal.read(_STEPS, kind, since):
        steps.setdefault(call_id, []).append(json.loads(fields))
    return [
        OpenCallback(call_id, told[0], told[-1]["state"], max(step.get("tries", 0) for step in told))
        for call_id, told in steps.items()
        if told[-1]["state"] not in done and "number" in told[0]
    ]
