"""From a phone's messages to its calls, and from calls to the figure that matters: agent hangs up → next INVITE.

Pure. Retransmissions count once (the first one).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hotline.sip.messages import SipMessage

End = Literal["phone", "peer", ""]


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """One INVITE at a phone and what came of it. Times in Unix seconds, None for what did not happen.

    ``code``: the phone's final answer to the INVITE, 0 while it rings. ``ended_by``: who sent the BYE.
    ``cancelled_at``: the caller's side gave up while it rang.
    """

    phone: str
    call_id: str
    invited_at: float
    code: int = 0
    answered_at: float | None = None
    ended_at: float | None = None
    ended_by: End = ""
    cancelled_at: float | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """An agent hung up at ``freed_at``; the next call reached ``phone`` ``delay_s`` later."""

    freed_phone: str
    freed_at: float
    phone: str
    delay_s: float


def phone_calls(messages: Iterable[SipMessage]) -> list[PhoneCall]:
    """The calls that reached the phones of one log, in order of their INVITE."""
    calls: dict[str, PhoneCall] = {}
    for message in messages:
        call = calls.get(message.call_id)
        if call is not None:
            calls[message.call_id] = _after(call, message)
        elif message.method == "INVITE" and not message.sent:
            calls[message.call_id] = PhoneCall(message.user, message.call_id, message.at)
    return sorted(calls.values(), key=lambda call: call.invited_at)


def _after(call: PhoneCall, message: SipMessage) -> PhoneCall:
    if message.method == "BYE" and call.ended_at is None:
        return replace(call, ended_at=message.at, ended_by="phone" if message.sent else "peer")
    if message.method == "CANCEL" and call.cancelled_at is None:
        return replace(call, cancelled_at=message.at)
    return _after_answer(call, message)


def _after_answer(call: PhoneCall, message: SipMessage) -> PhoneCall:
    code = message.status
    if call.code or not message.sent or message.cseq_method != "INVITE" or code is None or code < 200:
        return call
    return replace(call, code=code, answered_at=message.at if code < 300 else None)


def handovers(calls: Sequence[PhoneCall], *, within_s: float | None = None) -> list[Handover]:
    """Each hang-up *by a phone*, paired with the next INVITE at any phone.

    One INVITE serves one hang-up: with n agents freed within a moment, the n-th hang-up gets the n-th INVITE
    after it, so a burst is not flattered. ``within_s`` leaves out pairs further apart (the queue had run dry).
    """
    freed = sorted((c for c in calls if c.ended_by == "phone"), key=lambda call: call.ended_at or 0.0)
    later = iter(sorted(calls, key=lambda call: call.invited_at))
    pairs: list[Handover] = []
    for gone in freed:
        freed_at = gone.ended_at or 0.0
        taken = next((call for call in later if call.invited_at > freed_at), None)
        if taken is None:
            break
        pairs.append(Handover(gone.phone, freed_at, taken.phone, taken.invited_at - freed_at))
    return [pair for pair in pairs if within_s is None or pair.delay_s <= within_s]


def overlaps(calls: Sequence[PhoneCall]) -> list[tuple[PhoneCall, PhoneCall]]:
    """Pairs of calls that were at one phone at the same time: never two calls at one agent.

    A call is at its phone from the INVITE to the BYE, the CANCEL or the refusal.
    """
    found: list[tuple[PhoneCall, PhoneCall]] = []
    last: dict[str, PhoneCall] = {}
    for call in sorted(calls, key=lambda call: call.invited_at):
        before = last.get(call.phone)
        if before is not None and call.invited_at < _left(before):
            found.append((before, call))
        last[call.phone] = call
    return found


def _left(call: PhoneCall) -> float:
    if call.code >= 300 and call.cancelled_at is None:
        return call.invited_at
    return min((t for t in (call.ended_at, call.cancelled_at) if t is not None), default=float("inf"))
