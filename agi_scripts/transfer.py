"""Out of the house: one Dial to a listed number, and what came of it.

Fraud by telephone is to make somebody else's exchange dial a dear number for hours. So what is dialled comes from the
site's list alone, a redirection (302) by the other side is not followed, the caller's own number and name are not
passed on (the number that they dialled is), and no call lasts longer than the site allows.
"""

from __future__ import annotations

from agi_scripts.centre import Centre
from agi_scripts.record import CallRecord
from agi_scripts.ringing import TOLD_OF_DIAL, DialEnd, WaitEnd, gone, hung_up_by
from crm_bridge.outcome import Outcome
from ivr.agi.session import AgiSession
from ivr.flow.leave import TransferTo


async def transfer(session: AgiSession, record: CallRecord, centre: Centre, wish: TransferTo) -> WaitEnd:
    """TALKED: the outcome is durable. TIMED_OUT: nobody there took the call, and the caller is still here."""
    number = centre.outside_numbers.by_name.get(wish.outside)
    if session.gone:
        return gone(session)
    if number is None or centre.live.draining:
        return WaitEnd.TIMED_OUT
    centre.live.outward[record.channel] = record
    try:
        await session.execute("Dial", f"PJSIP/{number.dialled},{wish.ring_s:.0f},{_options(record, centre)}")
    finally:
        del centre.live.outward[record.channel]
    end = DialEnd.of(*await session.full_variable(*TOLD_OF_DIAL))
    if session.cut:
        return WaitEnd.CUT
    if end.talked_s is None:
        record.not_transferred(wish.outside, end.status)
        return gone(session) if session.gone else WaitEnd.TIMED_OUT
    record.transferred(wish.outside, end.talked_s)
    await record.end(Outcome.ANSWERED, hung_up_by(session, centre), cause=end.cause)
    return WaitEnd.TALKED


def _options(record: CallRecord, centre: Centre) -> str:
    """m, g, i as for agents; S: the longest talk, in seconds; f: the number that they see; U: notes that the two are
    joined."""
    shown = f"f({record.dnis})" if record.dnis in centre.numbers else ""
    return f"mgiS({centre.outside_numbers.max_talk_s}){shown}U(hotline-joined)"
