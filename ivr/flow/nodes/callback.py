"""callback: the caller leaves a number instead of waiting, and is called back. It becomes a task.

The number that they call from is read back first; it can be changed by key, and none is taken that its caller has not
confirmed with a 1. A withheld number, or one that may not be called, is asked for at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from ivr.flow.entry import KINDS, read_back
from ivr.flow.leave import CallerGone, Step
from ivr.flow.nodes.form import Mention, Name, Noun, PromptKeys, Way, Wish, prompt_mentions
from ivr.flow.nodes.gather import Confirm, Country, Question
from ivr.flow.nodes.listening import AskingForm
from ivr.flow.nodes.queue import bound
from ivr.flow.nodes.setting import value_mentions
from ivr.flow.visit import Visit
from ivr.may_call import may_be_called
from ivr.voice import SILENCE, Ended, Heard

_PHONE = KINDS["phone"]
_RIGHT = "1"


class CallbackNode(AskingForm):
    """``confirm`` reads a number back: 1 is right, 2 is another one. ``offer`` is said before the caller's own number
    is, ``prompts`` ask for one. ``countries``: where we call (not written: the site's country); a number without a
    country code is at home in the first of them. ``refused`` is said of a number that exists and is not called.
    ``queue``, ``priority`` and ``attributes``: who is to call, as in a queue node."""

    kind: Literal["callback"]
    queue: Name
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    attributes: dict[Name, Wish] | None = None
    offer: PromptKeys = ()
    prompts: Question
    confirm: Confirm
    countries: Annotated[tuple[Country, ...], Field(strict=False, min_length=1, max_length=20)] | None = None
    refused: Name | None = None
    then: Way

    async def run(self, visit: Visit) -> Step:
        visit.take_typed()
        until, own = self.until(visit), visit.state.ani
        answer = await self._offered(visit, own, until) if self._may_call(visit, own) else SILENCE
        number, entry = own, SILENCE
        before: tuple[str, ...] = ()
        for _ in range(self.tries):
            if answer.ended is Ended.GONE or answer.keys == _RIGHT or visit.world.now() >= until:
                break
            entry = await self.hear(visit, (*before, *self.prompts), until, _PHONE.most)
            number = self._understood(visit, entry)
            answer = await self._confirmed(visit, number, until)
            before = self._why_not(visit, entry, number)
            if entry.ended is Ended.GONE:
                answer = entry
        if answer.ended is Ended.GONE:
            return CallerGone()
        if answer.keys != _RIGHT:
            return visit.take(self.way_out(entry.ended))
        await self._keep(visit, number)
        return visit.take(self.then)

    async def _offered(self, visit: Visit, own: str, until: datetime) -> Heard:
        """What the caller says to their own number. A key in the offer cuts it short and is no consent."""
        heard = await visit.voice.play(self.offer, barge_in=self.barge_in) if self.offer else SILENCE
        return heard if heard.ended is Ended.GONE else await self._confirmed(visit, own, until)

    async def _confirmed(self, visit: Visit, number: str, until: datetime) -> Heard:
        """KEYS with 1 when we may call it and it is right."""
        said = read_back(_PHONE, number, self._home(visit), "") if self._may_call(visit, number) else None
        return SILENCE if said is None else await self.confirm.settle(visit, said, self.first_digit_s, until)

    def _understood(self, visit: Visit, entry: Heard) -> str:
        """E.164, or ''."""
        return _PHONE.read(entry.keys, self._home(visit)) or ""

    def _may_call(self, visit: Visit, number: str) -> bool:
        """Not ourselves either: the number that was dialled."""
        countries = self.countries or (visit.state.country,)
        dialled = _PHONE.read(visit.state.dnis.removeprefix("+"), self._home(visit))
        return bool(number) and number != dialled and may_be_called(number, countries)

    def _home(self, visit: Visit) -> str:
        return self.countries[0] if self.countries else visit.state.country

    def _why_not(self, visit: Visit, entry: Heard, number: str) -> tuple[str, ...]:
        """Said before the next try. A number that its own caller did not confirm needs no excuse."""
        if self._may_call(visit, number):
            return ()
        return (self.refused,) if number and self.refused else self.excuse(entry)

    async def _keep(self, visit: Visit, number: str) -> None:
        """``attributes``: "product=laptop;…", in the words of a queue's requirement."""
        state, wishes = visit.state, bound(self.attributes, visit.state.wishes())
        packed = ";".join(f"{name}={value}" for name, value in sorted(wishes.items()))
        wish: dict[str, str | int] = {
            "queue": self.queue,
            "language": state.language,
            "priority": self.priority,
            "attributes": packed,
        }
        await state.keep("callback", {"number": number, **wish})
        state.reached = "callback"

    def mentions(self) -> Iterator[Mention]:
        yield Mention(Noun.QUEUE, self.queue, ("queue",))
        yield from prompt_mentions("offer", self.offer)
        yield from prompt_mentions("prompts", self.prompts)
        yield from self.confirm.mentions()
        yield from self.excuses()
        if self.refused is not None:
            yield Mention(Noun.PROMPT, self.refused, ("refused",))
        yield from value_mentions("attributes", self.attributes or {})
        yield from self.then.mentions("then")
        yield from self.ways_out()
