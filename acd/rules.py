"""The router's own times and limits: one frozen value, the same for all queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.model import Miss


@dataclass(frozen=True, slots=True)
class Rona:
    """Ring, no answer: after each miss of one kind the agent rests ``rest_s`` seconds; after ``misses`` of that kind in
    a row they are paused. (Wazo and app_queue count all kinds together; a phone without power is not a lazy agent.)"""

    misses: int = 3
    rest_s: float = 5.0


def rona_for_all(rona: Rona) -> Mapping[Miss, Rona]:
    return {why: rona for why in Miss if why is not Miss.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class RouterRules:
    """Seconds. ``priority_class_s``: how much longer a call seems to have waited for each priority class.
    ``rona_ends_s``: when a pause for missed calls ends by itself; None: only by the agent's key."""

    reserve_s: float = 2.0  # from the offer to the call's coroutine taking it up
    ring_grace_s: float = 5.0  # a phone that still rings this long after Dial should have ended
    talk_max_s: float = 4 * 3600.0
    priority_class_s: float = 120.0
    rona: Mapping[Miss, Rona] = field(default_factory=lambda: rona_for_all(Rona()))
    rona_ends_s: float | None = None
    wrap_up_more_s: float = 60.0  # each time that the agent asks for more
    wrap_up_most_s: float = 900.0  # from that moment on
    # A call that lets its offers lapse (its channel is dead, nobody has noticed yet) sits out this long, times
    # the lapses in a row: at the head of the line it would otherwise hold an agent for good.
    lapse_s: float = 1.0
    lapse_most_s: float = 30.0
