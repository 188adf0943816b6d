"""When a queue passes its calls on. Pure: what the queue looks like is an argument, and so is the time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from ivr.flow.outside import QueueLook


class When(StrEnum):
    """``WAITED_S``, ``NOBODY_STAFFED`` and ``CLOSED`` are looked at as long as the call waits; the other two when it
    comes in, so that nobody who has waited is sent away because others came."""

    WAITED_S = "waited_s"
    EXPECTED_S = "expected_s"
    LENGTH = "length"
    NOBODY_STAFFED = "nobody_staffed"
    CLOSED = "closed"


_AT_THE_DOOR = (When.EXPECTED_S, When.LENGTH)
_MINUTE_S = 60  # a line's hours change on the minute


@dataclass(frozen=True, slots=True)
class OverflowRule:
    """``limit``: seconds waited in this queue, seconds expected, or calls that wait already. ``queue``: where the call
    goes, with its place in line; '': the flow goes on. ``line``: the one that has closed."""

    when: When
    limit: float = 0.0
    queue: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class Onward:
    """The call is to leave its queue, for another one or ('') for what the flow says. ``why``: a `When`, or what
    somebody at the console has done."""

    queue: str
    why: str


def onward(
    rules: Iterable[OverflowRule],
    look: Callable[[], QueueLook],
    entered_at: float,
    now: float,
    *,
    comes_in: bool,
    been: Collection[str] = (),
    is_closed: Callable[[str], bool] = lambda line: False,
) -> Onward | None:
    """The first rule that holds. ``look``: the queue without this call. ``been``: queues that the call has been in, to
    which it is not sent again. ``is_closed``: a line, now. Instants in Unix seconds."""
    for rule in rules:
        if rule.queue in been or (rule.when in _AT_THE_DOOR and not comes_in):
            continue
        if is_closed(rule.line) if rule.when is When.CLOSED else _holds(rule, look, entered_at, now):
            return Onward(rule.queue, rule.when.value)
    return None


def _holds(rule: OverflowRule, look: Callable[[], QueueLook], entered_at: float, now: float) -> bool:
    match rule.when:
        case When.WAITED_S:
            return now >= entered_at + rule.limit  # the very instant of `next_look`
        case When.NOBODY_STAFFED:
            return not look().staffed
        case When.LENGTH:
            return look().waiting >= rule.limit
        case When.EXPECTED_S:
            return look().staffed > 0 and look().expected_wait_s > rule.limit
    return False


def next_look(rules: Iterable[OverflowRule], entered_at: float, now: float) -> float:
    """When a rule may next hold by the clock alone, after ``now`` (Unix s); infinite when none does."""
    return min((at for rule in rules if (at := _next_instant(rule, entered_at, now)) > now), default=inf)


def _next_instant(rule: OverflowRule, entered_at: float, now: float) -> float:
    match rule.when:
        case When.WAITED_S:
            return entered_at + rule.limit
        case When.CLOSED:
            return (now // _MINUTE_S + 1) * _MINUTE_S
    return inf
