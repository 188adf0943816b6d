"""What went wrong in the flows while calls were in them, for the admin: from the journal, for the CRM may be away just
then, and be the very thing that went wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from crm_bridge.entry import Json
from crm_bridge.journal import Journal

FLOW_PROBLEM = "flow_problem"
DAY_S = 86_400.0

# The kind stands in the text, as it does in the partial index.
_SINCE = f"""
SELECT call_id, at, fields FROM entries WHERE kind = '{FLOW_PROBLEM}' AND at >= ? ORDER BY at, seq
"""  # noqa: S608
_COUNT = f"SELECT count(*) FROM entries WHERE kind = '{FLOW_PROBLEM}' AND at >= ?"  # noqa: S608


@dataclass(frozen=True, slots=True)
class FlowProblem:
    """The same thing at the same place, ``count`` times. ``node``: the place in the flow. ``last_at``: Unix seconds;
    ``last_call``: its id."""

    flow: str
    node: str
    what: str
    count: int
    last_at: float
    last_call: str

    def as_json(self) -> Mapping[str, Json]:
        """The instant as ISO 8601 in UTC."""
        last_at = datetime.fromtimestamp(self.last_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {
            "flow": self.flow,
            "node": self.node,
            "what": self.what,
            "count": self.count,
            "last_at": last_at,
            "last_call": self.last_call,
        }


async def flow_problems(journal: Journal, since: float) -> list[FlowProblem]:
    """Those since ``since`` (Unix seconds), the newest first; as far back as the journal goes. Raises JournalError."""
    found: dict[tuple[str, str, str], FlowProblem] = {}
    for call_id, at, text in await journal.read(_SINCE, since):
        fields = json.loads(text)
        key = (str(fields.get("flow", "")), str(fields.get("node", "")), str(fields.get("what", "")))
        before = found.get(key) or FlowProblem(*key, 0, at, call_id)
        found[key] = replace(before, count=before.count + 1, last_at=at, last_call=call_id)
    return sorted(found.values(), key=lambda problem: -problem.last_at)


async def problem_count(journal: Journal, since: float) -> int:
    """Raises JournalError."""
    [[count]] = await journal.read(_COUNT, since)
    return int(count)
