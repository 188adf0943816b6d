"""menu: ask for a key, a few times, then take the default way. A menu whose options set the language is the
language menu; there is no kind of its own for it.

When each clock starts: ``first_digit_s`` when the last prompt has ended; ``inter_digit_s`` after each key; ``total_s``
when the node is entered. When ``total_s`` is over no further question is asked, and what is left of it shortens the
wait for a first key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.flow.leave import CallerGone, Step
from ivr.flow.nodes.form import (
    Mention,
    MenuKey,
    Name,
    NodeForm,
    Noun,
    PromptKeys,
    Way,
    WayForm,
    prompt_mentions,
)
from ivr.flow.visit import Visit
from ivr.voice import Ended, Heard


class MenuNode(NodeForm):
    """``tries``: how often the question is asked in all. ``invalid`` and ``silent`` are said before it is
    asked again. ``otherwise``: the default way, after the last try in vain or when the time is up; ``if_silent`` and
    ``if_invalid`` go before it, by what the last try was. A key pressed during the notice before is the first answer.
    Without ``barge_in`` keys count from the end of the prompts on, and none before."""

    waits: ClassVar[bool] = True

    kind: Literal["menu"]
    prompts: Annotated[PromptKeys, Field(min_length=1)]
    options: Annotated[dict[MenuKey, Way], Field(min_length=1)]
    otherwise: Way
    if_silent: Way | None = None
    if_invalid: Way | None = None
    tries: Annotated[int, Field(ge=1, le=5)] = 3
    first_digit_s: Annotated[float, Field(gt=0, le=30)] = 5.0
    inter_digit_s: Annotated[float, Field(gt=0, le=10)] = 2.0
    total_s: Annotated[float, Field(ge=5, le=300)] = 90.0
    barge_in: bool = True
    invalid: Name | None = None
    silent: Name | None = None

    async def run(self, visit: Visit) -> Step:
        until = min(visit.until, visit.world.now() + timedelta(seconds=self.total_s))
        typed, failed = visit.take_typed(), Ended.SILENCE
        chosen = self.options.get(typed) if self.barge_in else None
        before: tuple[str, ...] = ()
        for _ in range(self.tries):
            left_s = (until - visit.world.now()).total_seconds()
            if chosen is not None or left_s <= 0:
                break
            heard = await self._ask(visit, before, left_s)
            if heard.ended is Ended.GONE:
                return CallerGone()
            chosen = self._chosen(heard)
            failed, before = heard.ended, self._excuse(heard)
        return visit.take(chosen or self._way_out(failed))

    async def _ask(self, visit: Visit, before: tuple[str, ...], left_s: float) -> Heard:
        return await visit.voice.ask(
            (*before, *self.prompts),
            first_digit_s=min(self.first_digit_s, left_s),
            inter_digit_s=self.inter_digit_s,
            max_digits=max(map(len, self.options)),
            barge_in=self.barge_in,
        )

    def _chosen(self, heard: Heard) -> WayForm | None:
        """'#' alone arrives as KEYS without keys. A match (a stray D) is nobody's answer."""
        return self.options.get(heard.keys or "#") if heard.ended is Ended.KEYS else None

    def _way_out(self, failed: Ended) -> WayForm:
        own = self.if_invalid if failed is Ended.KEYS else self.if_silent
        return own or self.otherwise

    def _excuse(self, heard: Heard) -> tuple[str, ...]:
        key = self.invalid if heard.ended is Ended.KEYS else self.silent
        return () if key is None else (key,)

    def mentions(self) -> Iterator[Mention]:
        yield from prompt_mentions("prompts", self.prompts)
        excuses: Mapping[str, str | None] = {"invalid": self.invalid, "silent": self.silent}
        for field, key in excuses.items():
            if key is not None:
                yield Mention(Noun.PROMPT, key, (field,))
        for key, way in self.options.items():
            yield from way.mentions("options", key)
        yield from self.otherwise.mentions("otherwise")
        for field, own in {"if_silent": self.if_silent, "if_invalid": self.if_invalid}.items():
            if own is not None:
                yield from own.mentions(field)
