"""Calls as the store has them. Read only: what a call says of itself is in its events, and nobody writes that."""

from __future__ import annotations

from typing import Any, Literal

from crm_bridge.outcome import Outcome
from hotline.api.kinds import Asked, CallId, Code, Day, Extension, Id, Instant, Money, Told


class Call(Told):
    """``outcome``: null while it goes on. Seconds: ``waited_s`` in the queue, ``offered_s`` of that with a phone
    ringing, ``talked_s`` in conversation."""

    type: Literal["call"] = "call"
    call_id: str
    dnis: str
    ani: str
    ani_e164: str | None
    caller_name: str
    customer_id: int | None
    media_source: str
    named_source: str
    campaign: str
    language: str
    queue: str
    agent: str
    last_node: str
    outcome: str | None
    hangup_by: str
    cause: str
    started_at: Instant
    queued_at: Instant | None
    offered_at: Instant | None
    answered_at: Instant | None
    ended_at: Instant | None
    waited_s: float | None
    offered_s: float | None
    talked_s: float | None
    attributes: dict[str, Any] | None
    called_back_of: str


class Leg(Told):
    seq: int
    agent: str
    outside: str
    queue: str
    began_at: Instant
    talked_s: float


class Event(Told):
    seq: int
    kind: str
    at: Instant
    fields: dict[str, Any]


class Disposition(Told):
    agent: str
    code: str
    amount: Money | None
    promised_on: Day | None
    at: Instant


class Recording(Told):
    """``file``: without folder and ending."""

    seq: int
    agent: str
    file: str
    at: Instant


class WholeCall(Call):
    legs: list[Leg]
    events: list[Event]
    disposition: Disposition | None
    recordings: list[Recording]


class CallsAsked(Asked):
    """``since``, ``until``: calls that began from the one on and before the other."""

    since: Instant | None = None
    until: Instant | None = None
    source: Code | None = None
    campaign: Code | None = None
    queue: Code | None = None
    agent: Extension | None = None
    outcome: Outcome | None = None
    customer: Id | None = None
    called_back_of: CallId | None = None
