"""voicemail: a message that somebody hears later. It becomes a task of its box.

A caller who hangs up while they speak has left a message too, if it is long enough: most people end one that way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ivr.flow.leave import CallerGone, Step
from ivr.flow.nodes.form import Form, Mention, Name, NodeForm, Noun, Way, prompt_mentions
from ivr.flow.nodes.gather import Question
from ivr.flow.nodes.listening import recording_name, recording_s
from ivr.flow.visit import Visit
from ivr.voice import Ended, Heard, Recorded

_KEEP, _LISTEN, _AGAIN = "1", "2", "3"


class Review(Form):
    """After each take: 1 keeps it, 2 plays it, 3 records it again. Silence keeps it, and so does the end of ``tries``:
    how often ``prompts`` are played in all. ``invalid`` is said before them after another key."""

    prompts: Question
    tries: Annotated[int, Field(ge=1, le=10)] = 5
    first_digit_s: Annotated[float, Field(gt=0, le=30)] = 5.0
    barge_in: bool = True
    invalid: Name | None = None

    async def ask(self, visit: Visit, before: tuple[str, ...]) -> Heard:
        return await visit.voice.ask(
            (*before, *self.prompts),
            first_digit_s=self.first_digit_s,
            inter_digit_s=self.first_digit_s,
            max_digits=1,
            barge_in=self.barge_in,
        )

    def mentions(self) -> Iterator[Mention]:
        yield from (Mention(Noun.PROMPT, key, ("review", "prompts", n)) for n, key in enumerate(self.prompts))
        if self.invalid is not None:
            yield Mention(Noun.PROMPT, self.invalid, ("review", "invalid"))


class VoicemailNode(NodeForm):
    """After ``prompts`` and a beep, the caller speaks until they are silent for ``silence_s``, press # or have spoken
    for ``max_s`` (or until the walk's time is up). Less than ``min_s`` of sound is no message. ``then``: a message was
    kept; ``otherwise``: none was."""

    waits: ClassVar[bool] = True

    kind: Literal["voicemail"]
    prompts: Question
    box: Name
    max_s: Annotated[float, Field(ge=5, le=900)] = 120.0
    silence_s: Annotated[int, Field(ge=1, le=30)] = 4
    min_s: Annotated[float, Field(ge=0.5, le=30)] = 2.0
    barge_in: bool = True
    review: Review | None = None
    then: Way
    otherwise: Way

    @model_validator(mode="after")
    def _has_room(self) -> VoicemailNode:
        if self.min_s >= self.max_s:
            raise ValueError(f"no message of at least {self.min_s:g} s fits into {self.max_s:g} s")
        return self

    async def run(self, visit: Visit) -> Step:
        visit.take_typed()  # a key before the beep is no answer to a menu after it
        name = recording_name(visit.state, visit.world.now())
        heard = await visit.voice.play(self.prompts, barge_in=self.barge_in)
        if heard.ended is Ended.GONE:
            return CallerGone()
        take = await self._record(visit, name)
        if self.review is not None:
            take = await self._reviewed(visit, self.review, name, take)
        if self._is_message(take):
            await self._keep(visit, name, take)
        if take.ended is Ended.GONE:
            return CallerGone()
        return visit.take(self.then if self._is_message(take) else self.otherwise)

    async def _record(self, visit: Visit, name: str) -> Recorded:
        max_s = recording_s(visit, self.max_s)
        return await visit.voice.record(name, max_s=max_s, silence_s=self.silence_s)

    async def _reviewed(self, visit: Visit, review: Review, name: str, take: Recorded) -> Recorded:
        """The take that counts in the end; GONE when the caller has left meanwhile."""
        typed = ""
        before: tuple[str, ...] = ()
        for _ in range(review.tries):
            if visit.late or not self._is_message(take) or take.ended is Ended.GONE:
                break
            heard = Heard(Ended.KEYS, typed) if typed else await review.ask(visit, before)
            typed, before = "", ()
            if heard.keys == _LISTEN:
                heard = await visit.voice.play_recording(name)
                typed = heard.keys
            elif heard.keys == _AGAIN:
                take = await self._record(visit, name)
            elif heard.keys in ("", _KEEP) and heard.ended is not Ended.GONE:
                break
            else:
                before = (review.invalid,) if review.invalid else ()
            if heard.ended is Ended.GONE:
                return replace(take, ended=Ended.GONE)
        return take

    def _is_message(self, take: Recorded) -> bool:
        return take.seconds >= self.min_s

    async def _keep(self, visit: Visit, name: str, take: Recorded) -> None:
        state = visit.state
        who = {"number": state.ani, "language": state.language}
        await state.keep("voicemail", {"box": self.box, "recording": name, "seconds": round(take.seconds, 1), **who})
        state.reached = "voicemail"

    def mentions(self) -> Iterator[Mention]:
        yield from prompt_mentions("prompts", self.prompts)
        if self.review is not None:
            yield from self.review.mentions()
        yield from self.then.mentions("then")
        yield from self.otherwise.mentions("otherwise")
