"""How a call can end. Each accepted call ends in exactly one of these."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    ANSWERED = "answered"
    ABANDONED_IVR = "abandoned_ivr"
    ABANDONED_QUEUE = "abandoned_queue"
    TIMEOUT = "timeout"
    OVERFLOW = "overflow"
    CALLBACK = "callback"
    VOICEMAIL = "voicemail"
    SELF_SERVED = "self_served"
    REJECTED = "rejected"
    SYSTEM_FAILURE = "system_failure"
    PBX_LOST = "pbx_lost"


class HangupBy(StrEnum):
    CALLER = "caller"
    AGENT = "agent"
    SYSTEM = "system"
