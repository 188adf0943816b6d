"""The highest rate of calls that a peer carries without a fault, searched for in the manner of RFC 7502: more, until it
fails, then between the last rate that was clean and the first that was not.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

# Upwards by this, then to within that share of the rate.
_STEP_UP = 1.5
_RESOLUTION = 0.06


async def highest(clean: Callable[[float], Awaitable[bool]], start: float, ceiling: float) -> float:
    """Calls a second. 0 when not even an eighth of ``start`` is clean; at most ``ceiling``. A rate that failed is tried
    once more: a hiccup of the machine is not the peer's."""
    good, bad, rate = 0.0, math.inf, start
    while bad - good > _RESOLUTION * good and good < ceiling:
        if await clean(rate) or await clean(rate):
            good = rate
        else:
            bad = rate
        if good == 0 and bad <= start / 8:
            return 0.0
        rate = _next(good, bad, ceiling)
    return good


def _next(good: float, bad: float, ceiling: float) -> float:
    if bad == math.inf:
        return min(ceiling, good * _STEP_UP)
    return (good + bad) / 2
