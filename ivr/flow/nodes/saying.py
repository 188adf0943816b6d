"""say: a value of the call in words: a number, digits one by one, a date, a time, a duration, money; or a text as it
is."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ivr.flow.leave import CallerGone, GoTo, Step
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun, PromptKeys, prompt_mentions
from ivr.flow.template import filled, names
from ivr.flow.visit import Visit
from ivr.spoken import Spoken, SpokenKind, Unspeakable
from ivr.spoken.value import spoken
from ivr.voice import SILENCE, Ended, Heard

log = logging.getLogger(__name__)

# A brace that is no part of a name is a slip of the finger, not a thing to say.
_OF_A_TEXT = r"^([^\x00-\x1f\x7f{}]|\{[a-z][a-z0-9_]{0,63}\})+$"
Template = Annotated[str, StringConstraints(pattern=_OF_A_TEXT, max_length=500)]
_OF_A_VALUE = r"^([0-9A-Za-z .:+-]|\{[a-z][a-z0-9_]{0,63}\}){1,200}$"
Currency = Literal["CNY", "HKD", "USD", "EUR"]


class SayNode(NodeForm):
    """``prompts`` are played before it. ``missing``: the way when a named value is not known or is no ``what`` (not
    written: on to ``then`` as if it had been said). A key ends it as it ends a `play`."""

    kind: Literal["say"]
    what: Literal["number", "ordinal", "digits", "date", "time", "duration", "money", "text"]
    value: Template
    currency: Currency = "CNY"
    prompts: PromptKeys = ()
    then: Name
    missing: Name | None = None
    barge_in: bool = True

    @field_validator("value")
    @classmethod
    def _fits_what(cls, value: str, so_far: ValidationInfo) -> str:
        if so_far.data.get("what", "text") != "text" and not re.match(_OF_A_VALUE, value):
            raise PydanticCustomError("string_pattern_mismatch", "no template of a value", {"pattern": _OF_A_VALUE})
        return value

    @model_validator(mode="after")
    def _literal_is_sound(self) -> SayNode:
        if not names(self.value):
            spoken(SpokenKind(self.what), self.value, self.currency)
        return self

    async def run(self, visit: Visit) -> Step:
        said = self._spoken(visit.state.values())
        if said is None:
            log.warning("nothing to say: no %s", self.what, extra={"call_id": visit.state.call_id})
            return GoTo(self.missing or self.then)
        heard = await self._speak(visit, said)
        if heard.ended is Ended.GONE:
            return CallerGone()
        if heard.ended is Ended.KEYS:
            visit.typed = heard.keys
        return GoTo(self.then)

    async def _speak(self, visit: Visit, said: Spoken) -> Heard:
        heard = await visit.voice.play(self.prompts, barge_in=self.barge_in) if self.prompts else SILENCE
        if heard.ended in (Ended.GONE, Ended.KEYS):
            return heard
        return await visit.voice.say(said, barge_in=self.barge_in)

    def _spoken(self, known: Mapping[str, str]) -> Spoken | None:
        value = filled(self.value, known)
        if value is None:
            return None
        try:
            return spoken(SpokenKind(self.what), value, self.currency)
        except Unspeakable:
            return None

    def mentions(self) -> Iterator[Mention]:
        yield from prompt_mentions("prompts", self.prompts)
        for name in names(self.value):
            yield Mention(Noun.VALUE, name, ("value",))
        yield Mention(Noun.NODE, self.then, ("then",))
        if self.missing is not None:
            yield Mention(Noun.NODE, self.missing, ("missing",))
