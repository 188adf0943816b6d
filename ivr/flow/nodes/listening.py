"""What the nodes that ask for a number of keys have in common: how often, how long, and what is said in between.

When each clock starts: ``first_digit_s`` when the last prompt has ended; ``inter_digit_s`` after each key; ``total_s``
when the node is entered. After ``total_s`` no further question is asked, and what is left of it shortens the wait for a
first key; what has begun may be finished. The walk's own time (`limits.seconds`) goes on beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun, Way, WayForm
from ivr.flow.state import CallState
from ivr.flow.visit import Visit
from ivr.voice import Ended, Heard


class ListeningForm(NodeForm):
    """``tries``: how often each question is asked in all. ``invalid`` and ``silent`` are said before it is asked again.
    Without ``barge_in`` keys count from the end of the prompts on."""

    waits: ClassVar[bool] = True

    tries: Annotated[int, Field(ge=1, le=5)] = 3
    first_digit_s: Annotated[float, Field(gt=0, le=30)] = 6.0
    inter_digit_s: Annotated[float, Field(gt=0, le=10)] = 3.0
    total_s: Annotated[float, Field(ge=5, le=300)] = 90.0
    barge_in: bool = True
    invalid: Name | None = None
    silent: Name | None = None

    def until(self, visit: Visit) -> datetime:
        return min(visit.until, visit.world.now() + timedelta(seconds=self.total_s))

    async def hear(self, visit: Visit, prompts: Sequence[str], until: datetime, max_digits: int) -> Heard:
        left_s = max(0.1, (until - visit.world.now()).total_seconds())
        return await visit.voice.ask(
            prompts,
            first_digit_s=min(self.first_digit_s, left_s),
            inter_digit_s=self.inter_digit_s,
            max_digits=max_digits,
            barge_in=self.barge_in,
        )

    def excuse(self, heard: Heard) -> tuple[str, ...]:
        key = self.invalid if heard.ended is Ended.KEYS else self.silent
        return () if key is None else (key,)

    def excuses(self) -> Iterator[Mention]:
        for field, key in {"invalid": self.invalid, "silent": self.silent}.items():
            if key is not None:
                yield Mention(Noun.PROMPT, key, (field,))


class AskingForm(ListeningForm):
    """``otherwise``: the way after the last try in vain, or when the time is up; ``if_silent`` and ``if_invalid`` go
    before it, by what the last try was."""

    otherwise: Way
    if_silent: Way | None = None
    if_invalid: Way | None = None

    def way_out(self, failed: Ended) -> WayForm:
        own = self.if_invalid if failed is Ended.KEYS else self.if_silent
        return own or self.otherwise

    def ways_out(self) -> Iterator[Mention]:
        ways = {"otherwise": self.otherwise, "if_silent": self.if_silent, "if_invalid": self.if_invalid}
        for field, way in ways.items():
            if way is not None:
                yield from way.mentions(field)


def recording_name(state: CallState, now: datetime) -> str:
    """The call's id, which no caller knows, and the instant in Unix ms: unique also in an engine that takes the call
    over from a dead one."""
    return f"{state.call_id}_{round(now.timestamp() * 1000)}"


def recording_s(visit: Visit, max_s: float) -> float:
    """How long may be recorded: the walk's time goes on meanwhile."""
    return max(1.0, min(max_s, (visit.until - visit.world.now()).total_seconds()))
