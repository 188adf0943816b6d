"""What the ACD reports, as it happens, to whoever joined it: the journal, a screen, a test.

Kinds are spelt as the journal spells its entries. Fields by kind:

    setup           agents, queues, priority_class_s (what `acd.setup` packs): a router begins
    queued          queue, joined_at, entered_at, priority, attributes, kept_for, returned
    step_begun      step
    offered         token, step, kept_for, deadline          ringing         token, deadline
    offer_missed    token, why                               offer_lapsed    token, why
    answered        token, deadline                          talk_ended      token, wrap_up_s, by
    wait_over       -                                        queue_left      why (`LeftFor`)
    sent_on         to (queue, or ''), why                   announced       position, expected_s, low_s, high_s, aloud
    agent_presence  presence, reason, change, restored       wrap_up_ended   -
    wrap_up_until   until (Unix s)                           phone           state
    rest            until (Unix s, or None: over)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class LeftFor(StrEnum):
    """Why a call has left its queue without having been talked to."""

    ABANDONED = "abandoned"
    TIMED_OUT = "timed_out"
    SENT_ON = "sent_on"  # an event of that name has told where
    CALLBACK = "callback"  # the caller is to be called back
    REPLACED = "replaced"  # it has come in again by another way
    CUT = "cut"  # our line to it broke: it comes back, or is found lost


class EventKind(StrEnum):
    SETUP = "setup"
    QUEUED = "queued"
    STEP_BEGUN = "step_begun"  # the call's requirement has relaxed
    OFFERED = "offered"
    RINGING = "ringing"
    OFFER_MISSED = "offer_missed"
    OFFER_LAPSED = "offer_lapsed"  # a deadline passed that the call's own coroutine should have kept
    ANSWERED = "answered"
    TALK_ENDED = "talk_ended"
    WAIT_OVER = "wait_over"  # the queue's longest wait is reached
    ANNOUNCED = "announced"  # how long it may take; not aloud: only to be compared
    SENT_ON = "sent_on"  # the queue passes the call on: overflow, or somebody at the console
    QUEUE_LEFT = "queue_left"
    AGENT_PRESENCE = "agent_presence"
    PHONE = "phone"
    REST = "rest"  # no offers for a while, after a miss
    WRAP_UP_UNTIL = "wrap_up_until"  # another end than the queue's
    WRAP_UP_ENDED = "wrap_up_ended"


@dataclass(frozen=True, slots=True)
class AcdEvent:
    """``at``: Unix seconds. ``call_id``, ``agent`` (extension) and ``queue`` are "" where they do not apply."""

    kind: EventKind
    at: float
    call_id: str = ""
    agent: str = ""
    queue: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)
