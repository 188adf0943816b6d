"""survey: marks by key, and a spoken comment. Also after the agent has hung up (a queue's `after`).

What was answered is kept, once, however the survey ends; a caller who hangs up in the middle has answered too. It never
changes what the call has come to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ivr.flow.leave import CallerGone, Step
from ivr.flow.nodes.form import Form, Mention, Name, Noun, PromptKeys, Way, prompt_mentions
from ivr.flow.nodes.gather import Question
from ivr.flow.nodes.listening import ListeningForm, recording_name, recording_s
from ivr.flow.visit import Visit
from ivr.voice import Ended, Heard

_LONGEST = "10"
_SCALES = {"csat": range(1, 6), "nps": range(11)}
_COMMENT, _COMMENT_S = "comment", "comment_s"


class ScaleQuestion(Form):
    """``name``: under which its mark is kept. csat: 1-5, how content; nps: 0-10, whether they would recommend us."""

    name: Name
    scale: Literal["csat", "nps"]
    prompts: Question

    def mark(self, keys: str) -> int | None:
        return int(keys) if keys in {str(mark) for mark in _SCALES[self.scale]} else None


class Comment(Form):
    """Recorded as a voicemail is, without a review."""

    prompts: Question
    max_s: Annotated[float, Field(ge=5, le=300)] = 60.0
    silence_s: Annotated[int, Field(ge=1, le=30)] = 3
    min_s: Annotated[float, Field(ge=0.5, le=30)] = 1.0


@dataclass(slots=True)
class _Answers:
    """``over``: the caller has gone, or is silent: nothing more is asked."""

    kept: dict[str, str | int | float | None] = field(default_factory=dict)
    gone: bool = False
    over: bool = False


class SurveyNode(ListeningForm):
    """``tries`` for each question; ``total_s`` for all of them. Who is silent to a question is asked nothing more; who
    presses wrong keys is asked the next one. ``prompts`` come first."""

    kind: Literal["survey"]
    prompts: PromptKeys = ()
    questions: Annotated[tuple[ScaleQuestion, ...], Field(strict=False, min_length=1, max_length=10)]
    comment: Comment | None = None
    tries: Annotated[int, Field(ge=1, le=5)] = 2
    inter_digit_s: Annotated[float, Field(gt=0, le=10)] = 2.0
    then: Way

    @model_validator(mode="after")
    def _names_apart(self) -> SurveyNode:
        names = [question.name for question in self.questions]
        for name in names:
            if names.count(name) > 1 or name in (_COMMENT, _COMMENT_S):
                raise ValueError(f"the name '{name}' is taken")
        return self

    async def run(self, visit: Visit) -> Step:
        visit.take_typed()
        answers = await self._answers(visit, self.until(visit))
        if answers.kept:
            await visit.state.keep("survey", answers.kept)
        return CallerGone() if answers.gone else visit.take(self.then)

    async def _answers(self, visit: Visit, until: datetime) -> _Answers:
        answers = _Answers()
        if self.prompts:
            heard = await visit.voice.play(self.prompts, barge_in=self.barge_in)
            answers.gone = answers.over = heard.ended is Ended.GONE
        for question in self.questions:
            if not answers.over and visit.world.now() < until:
                await self._ask(visit, question, until, answers)
        if self.comment is not None and not answers.over and visit.world.now() < until:
            await self._listen(visit, self.comment, answers)
        return answers

    async def _ask(self, visit: Visit, question: ScaleQuestion, until: datetime, answers: _Answers) -> None:
        before: tuple[str, ...] = ()
        for _ in range(self.tries):
            if visit.world.now() >= until:
                return
            heard = await self._entry(visit, (*before, *question.prompts), question.scale, until)
            mark = question.mark(heard.keys) if heard.ended is Ended.KEYS else None
            if mark is not None:
                answers.kept[question.name] = mark
            answers.gone = heard.ended is Ended.GONE
            answers.over = mark is None and heard.ended is not Ended.KEYS
            if mark is not None or answers.gone:
                return
            before = self.excuse(heard)

    async def _entry(self, visit: Visit, prompts: tuple[str, ...], scale: str, until: datetime) -> Heard:
        """One key; after the 1 of a ten its second, if it comes within ``inter_digit_s``. Who hangs up between the two
        has not answered: a one and a ten say the opposite."""
        first = await self.hear(visit, prompts, until, 1)
        if scale != "nps" or first.keys != _LONGEST[0]:
            return first
        second = await visit.voice.ask(
            (), first_digit_s=self.inter_digit_s, inter_digit_s=self.inter_digit_s, max_digits=1
        )
        return second if second.ended is Ended.GONE else Heard(Ended.KEYS, first.keys + second.keys)

    async def _listen(self, visit: Visit, comment: Comment, answers: _Answers) -> None:
        heard = await visit.voice.play(comment.prompts, barge_in=self.barge_in)
        answers.gone = heard.ended is Ended.GONE
        if answers.gone:
            return
        name = recording_name(visit.state, visit.world.now())
        max_s = recording_s(visit, comment.max_s)
        take = await visit.voice.record(name, max_s=max_s, silence_s=comment.silence_s)
        answers.gone = take.ended is Ended.GONE
        if take.seconds >= comment.min_s:
            answers.kept.update({_COMMENT: name, _COMMENT_S: round(take.seconds, 1)})

    def mentions(self) -> Iterator[Mention]:
        yield from prompt_mentions("prompts", self.prompts)
        for place, question in enumerate(self.questions):
            path = ("questions", place, "prompts")
            yield from (Mention(Noun.PROMPT, key, (*path, n)) for n, key in enumerate(question.prompts))
        if self.comment is not None:
            keys = enumerate(self.comment.prompts)
            yield from (Mention(Noun.PROMPT, key, ("comment", "prompts", n)) for n, key in keys)
        yield from self.excuses()
        yield from self.then.mentions("then")
