"""Reading the store again: at the start, and whenever a turn broke off or a claim was lost without a reason.

The store is right about agents and offers, the tickets are right about which calls are here. Runs only inside a turn.
"""

from __future__ import annotations

from collections.abc import Mapping

from acd.dispatch import Dispatch
from acd.model import AgentState, Engagement, Offer
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
    for state in list(parts.floor):
        if state.offer is not None and not _known(parts, state.offer):
            await dispatch.release(state.offer)
    await offering.try_all()


def _known(parts: Parts, offer: Offer) -> bool:
    place = parts.line.get(offer.call_id)
    own = place.ticket.offer if place is not None else None
    if place is None or own is None:
        return False
    return own == offer or (offer in place.beside and offer.beside == own.token)


async def _read_agents(parts: Parts) -> Mapping[str, Offer]:
    """call id → the offer that an agent of ours holds for it; of phones that ring together, the first one's, or the one
    that was answered."""
    known = {state.extension: state for state in await parts.store.agents()}
    states = [known.get(extension) or AgentState(extension) for extension in parts.floor.specs]
    for state in states:
        parts.floor.note(state)
    found: dict[str, Offer] = {}
    for state in sorted(states, key=lambda state: state.engagement is Engagement.TALKING):
        if state.offer is not None and (not state.offer.beside or state.engagement is Engagement.TALKING):
            found[state.offer.call_id] = state.offer
    return found


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
