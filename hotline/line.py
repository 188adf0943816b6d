"""The line seen and moved from the console: what `hotline queue` asks of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acd.router import Router, UnknownQueue
from agi_scripts.waiting import MOVED, WITHDRAWN
from hotline.control import Refused

LINE, SEND_ON = "line", "send_on"
_SHORTEST_ID = 4


async def send_call_on(router: Router, question: Mapping[str, Any]) -> Mapping[str, Any]:
    """``call``: a call id, or as much of it as no other waiting call begins with. ``queue``: where it is to wait, or ''
    for what its flow says. Answers the whole id, or raises Refused with what is wrong."""
    wanted, queue = str(question.get("call", "")), str(question.get("queue", ""))
    if len(wanted) < _SHORTEST_ID:
        raise Refused(f"'{wanted}' is too short for a call id: at least {_SHORTEST_ID} characters")
    found = [view for view in await router.line() if view.call_id.startswith(wanted)]
    if not found:
        raise Refused(f"no call '{wanted}' waits or rings now")
    if len(found) > 1:
        raise Refused(f"{len(found)} calls begin with '{wanted}'")
    (view,) = found
    if view.queue == queue:
        raise Refused(f"the call waits in '{queue}' already")
    try:
        moved = await router.send_on(view.call_id, queue, MOVED if queue else WITHDRAWN)
    except UnknownQueue:
        raise Refused(f"there is no queue '{queue}'") from None
    if not moved:
        raise Refused("the call is at an agent's phone: it is not moved now")
    return {"call_id": view.call_id, "from": view.queue}
