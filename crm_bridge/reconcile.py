"""After a crash: calls that began, have no end, and are in Asterisk no more. Each gets its outcome,
pbx_lost."""

from __future__ import annotations

from collections.abc import Collection

from crm_bridge.entry import OUTCOME
from crm_bridge.journal import Entry, Journal, Json, OpenCall
from crm_bridge.outcome import HangupBy, Outcome


async def reconcile(journal: Journal, live_call_ids: Collection[str], now: float) -> list[str]:
    """The call_ids that were closed.

    ``live_call_ids``: those of Asterisk's channels *and* those whose coroutine still runs, which will
    tell the outcome itself. ``now``: Unix s, taken *before* Asterisk was asked; a call that began later
    is not judged. The order matters: ask Asterisk, then take in the fail-open spool (whose end may have
    come meanwhile), then this.
    """
    lost = [call for call in await journal.open_calls() if call.call_id not in live_call_ids and call.started_at <= now]
    for call in lost:
        await journal.append(_lost(call, now))
    return [call.call_id for call in lost]


def _lost(call: OpenCall, now: float) -> Entry:
    """``ended_at`` is the last we know of it, not the instant we noticed: we may have been away for
    hours."""
    fields: dict[str, Json] = {
        "outcome": Outcome.PBX_LOST.value,
        "hangup_by": HangupBy.SYSTEM.value,
        "cause": "no channel left",
        "ended_at": call.last_at,
        "noticed_at": now,
    }
    return Entry(call.call_id, OUTCOME, now, fields)
