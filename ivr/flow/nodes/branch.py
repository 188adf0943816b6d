"""branch: the first case that holds is the way; `otherwise` when none does. Nothing is heard of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ivr.flow.leave import Step
from ivr.flow.nodes.comparing import Bound, compares
from ivr.flow.nodes.conditions import CallerIs, Names, QueueIs
from ivr.flow.nodes.form import Form, Mention, Name, NodeForm, Noun, Way, WayForm
from ivr.flow.state import CallState
from ivr.flow.visit import Visit

# E.164 numbers have a +, and amounts a point.
Comparable = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]{1,64}$")]


class Share(Form):
    """So many per cent of the calls, chosen by the call's id: the same call chooses alike wherever it meets ``test``,
    also after the engine was restarted, and two tests choose independently. Within one branch the shares of a test
    stand side by side: 20 and then 30 are 20 % and another 30 %."""

    test: Name
    percent: Annotated[float, Field(gt=0, le=100)]


class When(Form):
    """Everything written here must hold. ``open``, ``closed``, ``holiday``, ``not_holiday``: a line of hours.
    ``source``, ``language``: one name or several. ``value``: with exactly one of ``equals``, ``in`` and ``known``, or
    with bounds of one sort (numbers, amounts; ISO dates); a value that the call does not know equals nothing and is
    beyond no bound. ``caller`` is asked last, and so only when all else holds: it takes a look into the CRM."""

    open: Name | None = None
    closed: Name | None = None
    holiday: Name | None = None
    not_holiday: Name | None = None
    source: Names | None = None
    language: Names | None = None
    share: Share | None = None
    value: Name | None = None
    equals: Comparable | None = None
    is_in: Annotated[tuple[Comparable, ...] | None, Field(alias="in", min_length=1, strict=False)] = None
    known: bool | None = None
    at_least: Bound | None = None
    at_most: Bound | None = None
    above: Bound | None = None
    below: Bound | None = None
    queue: QueueIs | None = None
    caller: CallerIs | None = None

    @model_validator(mode="after")
    def _whole(self) -> When:
        tests = [test for test in (self.equals, self.is_in, self.known) if test is not None]
        bounds = [bound for bound in (self.at_least, self.at_most, self.above, self.below) if bound is not None]
        if self.value is None and (tests or bounds):
            raise ValueError("says how to compare, but not which value")
        if self.value is not None and len(tests) + bool(bounds) != 1:
            raise ValueError("a value is compared by exactly one of equals, in and known, or by bounds (at_least, …)")
        if len({type(bound) for bound in bounds}) > 1:
            raise ValueError("a number and a date bound no value together")
        if not self.model_fields_set:
            raise ValueError("asks for nothing, so it would always hold: that is `otherwise`")
        return self

    async def holds(self, visit: Visit, drawn: tuple[float, float]) -> bool:
        """``drawn``: the share's bounds in per cent, of those of its test."""
        state, world = visit.state, visit.world
        return (
            self._is_time(visit)
            and (self.source is None or state.source in self.source)
            and (self.language is None or state.language in self.language)
            and (self.share is None or drawn[0] <= draw(self.share.test, state.call_id) < drawn[1])
            and (self.value is None or self._compares(self.value, state))
            and (self.queue is None or self.queue.holds(world.outside.queue_look(self.queue.name)))
            and (self.caller is None or self.caller.holds(await visit.caller()))
        )

    def _is_time(self, visit: Visit) -> bool:
        world = visit.world
        return (
            (self.open is None or world.is_open(self.open))
            and (self.closed is None or not world.is_open(self.closed))
            and (self.holiday is None or world.is_holiday(self.holiday))
            and (self.not_holiday is None or not world.is_holiday(self.not_holiday))
        )

    def _compares(self, name: str, state: CallState) -> bool:
        value = state.values().get(name, "")
        if self.known is not None:
            return bool(value) is self.known
        if self.equals is not None or self.is_in is not None:
            return bool(value) and value in ((self.equals,) if self.is_in is None else self.is_in)
        return (
            (self.at_least is None or compares(value, self.at_least, above=True, equal=True))
            and (self.at_most is None or compares(value, self.at_most, above=False, equal=True))
            and (self.above is None or compares(value, self.above, above=True, equal=False))
            and (self.below is None or compares(value, self.below, above=False, equal=False))
        )

    def mentions(self, *path: str | int) -> Iterator[Mention]:
        single = {
            "open": (Noun.LINE, self.open),
            "closed": (Noun.LINE, self.closed),
            "holiday": (Noun.LINE, self.holiday),
            "not_holiday": (Noun.LINE, self.not_holiday),
            "value": (Noun.VALUE, self.value),
        }
        for field, (noun, name) in single.items():
            if name is not None:
                yield Mention(noun, name, (*path, field))
        for place, name in enumerate(self.source or ()):
            yield Mention(Noun.SOURCE, name, (*path, "source", place))
        for place, name in enumerate(self.language or ()):
            yield Mention(Noun.LANGUAGE, name, (*path, "language", place))
        if self.queue is not None:
            yield Mention(Noun.QUEUE, self.queue.name, (*path, "queue", "name"))


def draw(test: str, call_id: str) -> float:
    """The call's lot in a test: 0 ≤ lot < 100, evenly spread over calls."""
    lot = hashlib.sha256(f"{test}/{call_id}".encode()).digest()[:6]
    return int.from_bytes(lot) * 100 / 2**48


class Case(WayForm):
    when: When


class BranchNode(NodeForm):
    """``cases`` are asked in their order."""

    kind: Literal["branch"]
    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=50, strict=False)]
    otherwise: Way

    @model_validator(mode="after")
    def _shares_fit(self) -> BranchNode:
        for case, (_, end) in zip(self.cases, self._lots(), strict=True):
            if case.when.share is not None and end > 100.001:
                raise ValueError(f"the shares of test '{case.when.share.test}' are more than 100 % together")
        return self

    def _lots(self) -> Iterator[tuple[float, float]]:
        given: dict[str, float] = {}
        for share in (case.when.share for case in self.cases):
            test, percent = (share.test, share.percent) if share else ("", 0.0)
            begin = given.get(test, 0.0)
            given[test] = begin + percent
            yield begin, given[test]

    async def run(self, visit: Visit) -> Step:
        for case, drawn in zip(self.cases, self._lots(), strict=True):
            if await case.when.holds(visit, drawn):
                return visit.take(case)
        return visit.take(self.otherwise)

    def mentions(self) -> Iterator[Mention]:
        for place, case in enumerate(self.cases):
            yield from case.when.mentions("cases", place, "when")
            yield from case.mentions("cases", place)
        yield from self.otherwise.mentions("otherwise")
