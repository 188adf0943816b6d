"""What the house owes this caller: a higher class in the line, and the agent whom they should rather have.

The CRM is asked once a call and may take a moment, no more: who cannot be looked up waits like anybody else.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from acd.standing import preferred, raised
from agi_scripts.centre import Centre
from ivr.flow.leave import QueueFor
from ivr.flow.outside import NOBODY, Caller, OutsideFailed
from ivr.flow.state import CallState

_LOOK_UP_S = 0.3
CALLER_PROMPT = "whisper_caller"  # said before the name; without such a prompt names are not said


async def with_standing(wish: QueueFor, state: CallState, centre: Centre) -> QueueFor:
    """The wish as the line is to have it. Who calls is then known (`state.caller`), for the agent's ear too."""
    spec = centre.queues[wish.queue]
    if not centre.standing and not spec.preferred and not centre.has_prompt(CALLER_PROMPT):
        return wish
    caller = await _caller(state, centre)
    return replace(
        wish,
        priority=raised(wish.priority, caller, centre.standing),
        preferred=() if wish.agent else preferred(caller, spec),
    )


async def _caller(state: CallState, centre: Centre) -> Caller:
    if state.caller is None and state.ani:
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                state.caller = await centre.world.outside.crm.caller(state.ani)
        except (OutsideFailed, TimeoutError) as reason:
            place = state.path[-1] if state.path else ""
            state.on_problem(place, f"who calls is not known: {str(reason) or 'the CRM is too slow'}")
    return state.caller or NOBODY
