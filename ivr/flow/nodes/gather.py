"""gather: ask for digits of a kind, read them back if wished, and keep them as a value of the call.

When each clock starts: `listening.py`. ``total_s`` counts everything, prompts and read-back too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ivr.flow.entry import COUNTRIES, KINDS, EntryKind, luhn, read_back
from ivr.flow.leave import CallerGone, Step
from ivr.flow.nodes.form import Form, Mention, Noun, PromptKeys, Way, prompt_mentions
from ivr.flow.nodes.listening import AskingForm
from ivr.flow.nodes.saying import Currency
from ivr.flow.nodes.setting import NewName
from ivr.flow.visit import Visit
from ivr.spoken import Spoken
from ivr.voice import SILENCE, Ended, Heard, Voice

_RIGHT, _WRONG = "1", "2"


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise ValueError(f"'{code}' is no country; two capitals as in CN or DE")
    return code


Country = Annotated[str, AfterValidator(_country)]


def _non_empty(prompts: tuple[str, ...]) -> tuple[str, ...]:
    if not prompts:
        raise ValueError("a question needs a prompt")
    return prompts


Question = Annotated[PromptKeys, AfterValidator(_non_empty)]


class Confirm(Form):
    """``before`` is played, then the value is said, then ``prompts``: 1 is right, 2 is once more from the beginning.
    Any other key, or none, has it said again; after ``tries`` of that it counts as wrong."""

    before: PromptKeys = ()
    prompts: Question
    tries: Annotated[int, Field(ge=1, le=5)] = 2

    async def ask(self, voice: Voice, said: Spoken, first_digit_s: float) -> Heard:
        """GONE, one key, or silence. Keys count from the end of the value on: what is pressed before it has been heard
        is the end of a hasty entry (a # or a digit too many), and must not confirm it."""
        heard = await voice.play(self.before, barge_in=False) if self.before else SILENCE
        if heard.ended is not Ended.GONE:
            heard = await voice.say(said, barge_in=False)
        if heard.ended is Ended.GONE:
            return heard
        return await voice.ask(self.prompts, first_digit_s=first_digit_s, inter_digit_s=first_digit_s, max_digits=1)

    async def settle(self, visit: Visit, said: Spoken, first_digit_s: float, until: datetime) -> Heard:
        """KEYS with 1 when it is right, 2 when it is not; GONE; silence when nothing else came."""
        for _ in range(self.tries):
            if visit.world.now() >= until:
                break
            heard = await self.ask(visit.voice, said, first_digit_s)
            if heard.ended is Ended.GONE or heard.keys in (_RIGHT, _WRONG):
                return heard
        return SILENCE

    def mentions(self) -> Iterator[Mention]:
        for field, keys in {"before": self.before, "prompts": self.prompts}.items():
            yield from (Mention(Noun.PROMPT, key, ("confirm", field, n)) for n, key in enumerate(keys))


class GatherNode(AskingForm):
    """``value``: the name that it is kept under (a PIN: among the secrets, never written down). ``min_digits`` and
    ``max_digits`` count keys; `#` ends an entry that may be longer. A key pressed during the notice before is the first
    of the entry. Without ``barge_in`` none before the end of the prompts is."""

    kind: Literal["gather"]
    what: Literal["digits", "order_number", "phone", "date", "amount", "pin"]
    value: NewName
    prompts: Question
    then: Way
    min_digits: Annotated[int, Field(ge=1, le=30)] | None = None
    max_digits: Annotated[int, Field(ge=1, le=30)] | None = None
    check: Literal["luhn"] | None = None
    country: Country | None = None
    currency: Currency = "CNY"
    confirm: Confirm | None = None

    @model_validator(mode="after")
    def _agrees(self) -> GatherNode:
        if self._kind.secret and self.confirm is not None:
            raise ValueError("a secret is not read back")
        if self.country is not None and self.what != "phone":
            raise ValueError("a country belongs to a phone number")
        if self.check is not None and self.what not in ("digits", "order_number"):
            raise ValueError("a check digit belongs to digits or an order number")
        if self.what == "date" and (self.min_digits or self.max_digits):
            raise ValueError("a date has eight digits")
        least, most = self._lengths
        if least > most:
            raise ValueError(f"at least {least} and at most {most} digits is no length")
        return self

    @property
    def _kind(self) -> EntryKind:
        return KINDS[self.what]

    @property
    def _lengths(self) -> tuple[int, int]:
        """One bound that is written moves the kind's own other one along."""
        least, most = self.min_digits, self.max_digits
        return (
            least if least is not None else min(self._kind.least, most or self._kind.least),
            most if most is not None else max(self._kind.most, least or self._kind.most),
        )

    async def run(self, visit: Visit) -> Step:
        until = self.until(visit)
        typed, failed = visit.take_typed().removesuffix("#"), Ended.SILENCE
        first = typed if self.barge_in else ""
        before: tuple[str, ...] = ()
        for _ in range(self.tries):
            if visit.world.now() >= until:
                break
            heard = await self._ask(visit, before, first, until)
            value = self._understood(heard, visit.state.country)
            confirmed = SILENCE if value is None else await self._confirmed(visit, value, until)
            if Ended.GONE in (heard.ended, confirmed.ended):
                return CallerGone()
            if value is not None and confirmed.keys == _RIGHT:
                return self._keep(visit, value)
            first, failed, before = "", heard.ended, self._why_not(heard, value)
        return visit.take(self.way_out(failed))

    def _keep(self, visit: Visit, value: str) -> Step:
        visit.state.attributes.pop(self.value, None)
        shelf = visit.state.secrets if self._kind.secret else visit.state.attributes
        shelf[self.value] = value
        return visit.take(self.then)

    async def _ask(self, visit: Visit, before: tuple[str, ...], first: str, until: datetime) -> Heard:
        """One entry. ``first``: a key that is there already, so nothing needs to be asked."""
        if not first:
            return await self.hear(visit, (*before, *self.prompts), until, self._lengths[1])
        most, between_s = self._lengths[1] - len(first), self.inter_digit_s
        if most <= 0:
            return Heard(Ended.KEYS, first)
        heard = await visit.voice.ask((), first_digit_s=between_s, inter_digit_s=between_s, max_digits=most)
        return heard if heard.ended is Ended.GONE else Heard(Ended.KEYS, first + heard.keys)

    async def _confirmed(self, visit: Visit, value: str, until: datetime) -> Heard:
        """KEYS with 1 when it is right; anything else, or GONE, when it is not."""
        said = read_back(self._kind, value, self._home(visit.state.country), self.currency)
        if self.confirm is None or said is None:
            return Heard(Ended.KEYS, _RIGHT)
        return await self.confirm.settle(visit, said, self.first_digit_s, until)

    def _understood(self, heard: Heard, country: str) -> str | None:
        """The value that the keys stand for."""
        keys, (least, most) = heard.keys, self._lengths
        if heard.ended is not Ended.KEYS or not least <= len(keys) <= most:
            return None
        if self.check is not None and not (keys.isdecimal() and luhn(keys)):
            return None
        return self._kind.read(keys, self._home(country))

    def _home(self, country: str) -> str:
        return self.country or country

    def _why_not(self, heard: Heard, value: str | None) -> tuple[str, ...]:
        """Said before the next try. A value that its own caller refused needs no excuse."""
        return self.excuse(heard) if value is None else ()

    def mentions(self) -> Iterator[Mention]:
        yield from prompt_mentions("prompts", self.prompts)
        yield Mention(Noun.NEW_SECRET if self._kind.secret else Noun.NEW_VALUE, self.value, ("value",))
        yield from self.excuses()
        if self.confirm is not None:
            yield from self.confirm.mentions()
        yield from self.then.mentions("then")
        yield from self.ways_out()
