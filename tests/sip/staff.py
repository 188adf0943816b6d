"""Agents at work: logged in from their own phones by *31 and PIN, and phones that are there for one test only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from hotline.sip.callers import Callers, CallPlan, KeyPress
from hotline.sip.phones import AgentPhones
from hotline.sip.scenario import PhoneManner
from tests.sip.live_site import LiveSite
from tests.sip.sound import RATE, saved, which_prompt
from tests.sip.witness import Witness, new_ani

_LONGEST_S = 5.0  # of the confirmations
_DESKS_AT_ONCE = 4  # each is a SIPp of its own: with twenty of them a small machine does nothing else
# English, then "anyone": whoever is free, without a wait for a specialist who has no phone.
ANYONE = CallPlan(keys=(KeyPress(0.3, "2"), KeyPress(0.7, "0")))


async def log_in(live: LiveSite, *extensions: str) -> None:
    """A few at the same time. A desk call needs the secret of the phone, not its registration."""
    for first in range(0, len(extensions), _DESKS_AT_ONCE):
        few = extensions[first : first + _DESKS_AT_ONCE]
        await asyncio.gather(*(_log_in(live, extension) for extension in few))


async def _log_in(live: LiveSite, extension: str) -> None:
    plan = CallPlan(keys=(KeyPress(0.3, f"{live.site.agents[extension].pin}#"),))
    async with live.desk(extension, "*31", plan) as desk:
        await desk.answered()
        await Witness(live).until_agent(extension, presence="available")


async def at_desk(live: LiveSite, extension: str, code: str, work: Path, *pins: str) -> str:
    """Dial a code from the agent's phone, type the PINs when asked, and listen to the end: the key of the last prompt
    that was said, as ears have it."""
    presses = tuple(KeyPress(0.3 + 2.0 * n, f"{pin}#") for n, pin in enumerate(pins))
    async with live.desk(extension, code, CallPlan(keys=presses)) as desk:
        await desk.ended(timeout_s=20)
        assert desk.only.ended == "peer"
        desk.only.sound.save(work / "heard.wav")
    tail = saved(work / "heard.wav")[-round(_LONGEST_S * RATE) :]
    return which_prompt(tail, live.folders.prompts, "zh", begins="desk_")


@asynccontextmanager
async def at_desks(
    live: LiveSite, extensions: Sequence[str], manner: PhoneManner | None = None
) -> AsyncIterator[AgentPhones]:
    """SIPp phones with one manner that the engine knows of, and afterwards to be gone: an agent who is
    logged in but has no phone gets no call, so on a shared site the phones say who is there."""
    witness = Witness(live)
    async with live.agent_phones(extensions, manner) as phones:
        here = ("free", "ringing", "busy")  # a call may have been waiting for it
        await asyncio.gather(*(witness.until_agent(extension, phone=here) for extension in extensions))
        try:
            yield phones
        finally:
            await phones.unregister()
        await asyncio.gather(*(witness.until_agent(extension, phone="unreachable") for extension in extensions))


@asynccontextmanager
async def queue_up(
    live: LiveSite, number: str, plan: CallPlan = ANYONE, noted: str = "queued:sales"
) -> AsyncIterator[tuple[str, Callers]]:
    """A caller who is known to be in the queue, or past it, when the block begins: their number, and the caller."""
    ani = new_ani()
    async with live.caller(number, plan, ani=ani) as callers:
        await Witness(live).until_noted(ani, noted)
        yield ani, callers
