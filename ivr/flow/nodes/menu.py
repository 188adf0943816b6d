"""menu: ask for a key, a few times, then take the default way. A menu whose options set the language is the
language menu; there is no kind of its own for it.

The clock of ``first_digit_s`` starts when the last prompt has ended, that of ``inter_digit_s`` after each
key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    asked again. ``otherwise``: the default way, after the last try in vain or when the walk's time is
    up."""

    waits: ClassVar[bool] = True

    kind: Literal["menu"]
    prompts: Annotated[PromptKeys, Field(min_length=1)]
    options: Annotated[dict[MenuKey, Way], Field(min_length=1)]
    otherwise: Way
    tries: Annotated[int, Field(ge=1, le=5)] = 3
    first_digit_s: Annotated[float, Field(gt=0, le=30)] = 5.0
    inter_digit_s: Annotated[float, Field(gt=0, le=10)] = 2.0
    invalid: Name | None = None
    silent: Name | None = None

    async def run(self, visit: Visit) -> Step:
        chosen = self.options.get(visit.take_typed())
        before: tuple[str, ...] = ()
        for _ in range(self.tries):
            if chosen is not None or visit.late:
                break
            heard = await self._ask(visit, before)
            if heard.ended is Ended.GONE:
                return CallerGone()
            chosen = self._chosen(heard)
            before = self._excuse(heard)
        return visit.take(chosen or self.otherwise)

    async def _ask(self, visit: Visit, before: tuple[str, ...]) -> Heard:
        return await visit.voice.ask(
            (*before, *self.prompts),
            first_digit_s=self.first_digit_s,
            inter_digit_s=self.inter_digit_s,
            max_digits=max(map(len, self.options)),
        )

    def _chosen(self, heard: Heard) -> WayForm | None:
        """'#' alone arrives as KEYS without keys. A match (a stray D) is nobody's answer."""
        return self.options.get(heard.keys or "#") if heard.ended is Ended.KEYS else None

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
