"""play: a notice. A key ends it (unless ``barge_in`` is off) and counts as the answer to the next menu."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ivr.flow.leave import CallerGone, GoTo, Step
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun, PromptKeys, prompt_mentions
from ivr.flow.visit import Visit
from ivr.voice import Ended


class PlayNode(NodeForm):
    kind: Literal["play"]
    prompts: Annotated[PromptKeys, Field(min_length=1)]
    then: Name
    barge_in: bool = True

    async def run(self, visit: Visit) -> Step:
        heard = await visit.voice.play(self.prompts, barge_in=self.barge_in)
        if heard.ended is Ended.GONE:
            return CallerGone()
        if heard.ended is Ended.KEYS:
            visit.typed = heard.keys
        return GoTo(self.then)

    def mentions(self) -> Iterator[Mention]:
        yield from prompt_mentions("prompts", self.prompts)
        yield Mention(Noun.NODE, self.then, ("then",))
