"""Reading the store again: at the start, and whenever a turn broke off or a claim was lost without a reason.

The store is right about agents and offers, the tickets are right about which calls are here. Runs only inside a turn.
"""

from __future__ import annotations

from collections.abc import Mapping

from acd.dispatch import Dispatch
from acd.model import AgentState, Offer
from acd.offering import Offering
from acd.parts import Parts
from acd.tickets import Place
from acd.waits import Waits


async def resync(parts: Parts, offering: Offering, waits: Waits, dispatch: Dispatch) -> None:
    offers = await _read_agents(parts)
    waiting = {call.call_id for call in await parts.store.waiting()}
    for place in list(parts.line):
        await _set_right(parts, offering, waits, place, offers, waiting)
    for call_id in waiting:
        if parts.line.get(call_id) is None:
            await parts.store.leave(call_id)  # nobody holds its ticket any more
    for offer in offers.values():
        if parts.line.at(offer) is None:
            await parts.store.leave(offer.call_id)
            await dispatch.release(offer)
    await offering.try_all()


async def _read_agents(parts: Parts) -> Mapping[str, Offer]:
    """call id → the offer that an agent of ours holds for it."""
    known = {state.extension: state for state in await parts.store.agents()}
    states = [known.get(extension) or AgentState(extension) for extension in parts.floor.specs]
    for state in states:
        parts.floor.note(state)
    return {state.offer.call_id: state.offer for state in states if state.offer is not None}


async def _set_right(
    parts: Parts,
    offering: Offering,
    waits: Waits,
    place: Place,
    offers: Mapping[str, Offer],
    waiting: set[str],
) -> None:
    call, offer = place.call, offers.get(place.call.call_id)
    if offer is None and call.call_id not in waiting:
        await parts.store.join(call)
    if place.ticket.offer != offer:
        place.ticket.offer = offer
        offering.tell(place)
    waits.wait(place, parts.clock())
