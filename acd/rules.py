"""The router's own times and limits: one frozen value, the same for all queues."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RouterRules:
    """Seconds, but for ``misses_to_pause``."""

    reserve_s: float = 2.0  # from the offer to the call's coroutine taking it up
    ring_grace_s: float = 5.0  # a phone that still rings this long after Dial should have ended
    talk_max_s: float = 4 * 3600.0
    misses_to_pause: int = 3  # in a row
    rest_after_miss_s: float = 5.0
    # A call that lets its offers lapse (its channel is dead, nobody has noticed yet) sits out this long, times
    # the lapses in a row: at the head of the line it would otherwise hold an agent for good.
    lapse_s: float = 1.0
    lapse_most_s: float = 30.0
