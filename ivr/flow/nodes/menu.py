"""menu: ask for a key, a few times, then take the default way. A menu whose options set the language is the
language menu; there is no kind of its own for it.

When each clock starts: `listening.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ivr.flow.leave import CallerGone, Step
from ivr.flow.nodes.form import Mention, MenuKey, PromptKeys, Way, WayForm, prompt_mentions
from ivr.flow.nodes.listening import AskingForm
from ivr.flow.visit import Visit
from ivr.voice import Ended, Heard


class MenuNode(AskingForm):
    """A key pressed during the notice before is the first answer. Without ``barge_in`` none before the end of the
    prompts is."""

    kind: Literal["menu"]
    prompts: Annotated[PromptKeys, Field(min_length=1)]
    options: Annotated[dict[MenuKey, Way], Field(min_length=1)]
    first_digit_s: Annotated[float, Field(gt=0, le=30)] = 5.0
    inter_digit_s: Annotated[float, Field(gt=0, le=10)] = 2.0

    async def run(self, visit: Visit) -> Step:
        until, most = self.until(visit), max(map(len, self.options))
        typed, failed = visit.take_typed(), Ended.SILENCE
        chosen = self.options.get(typed) if self.barge_in else None
        before: tuple[str, ...] = ()
        for _ in range(self.tries):
            if chosen is not None or visit.world.now() >= until:
                break
            heard = await self.hear(visit, (*before, *self.prompts), until, most)
            if heard.ended is Ended.GONE:
                return CallerGone()
            chosen = self._chosen(heard)
            failed, before = heard.ended, self.excuse(heard)
        return visit.take(chosen or self.way_out(failed))

    def _chosen(self, heard: Heard) -> WayForm | None:
        """'#' alone arrives as KEYS without keys. A match (a stray D) is nobody's answer."""
        return self.options.get(heard.keys or "#") if heard.ended is Ended.KEYS else None

    def mentions(self) -> Iterator[Mention]:
        yield from prompt_mentions("prompts", self.prompts)
        yield from self.excuses()
        for key, way in self.options.items():
            yield from way.mentions("options", key)
        yield from self.ways_out()
