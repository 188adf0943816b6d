"""set: write values of the call, forget some, choose the language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ivr.flow.leave import Step
from ivr.flow.nodes.form import Mention, Name, NodeForm, Noun, WayForm, Wish
from ivr.flow.state import GIVEN_VALUES, CallState
from ivr.flow.visit import Visit


def not_given(name: str) -> str:
    """Raises ValueError for what every call knows by itself: it would hide it from the reports."""
    if name in GIVEN_VALUES:
        raise ValueError(f"'{name}' is the call's own" + ("; use set_language" if name == "language" else ""))
    return name


NewName = Annotated[Name, AfterValidator(not_given)]


class SetNode(NodeForm):
    """``set``: literal, or `$name` for a copy, which is no value when there is nothing to copy. ``forget`` comes
    first; it takes secrets too."""

    kind: Literal["set"]
    set: dict[NewName, Wish] = Field(default_factory=dict)
    forget: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    set_language: Name | None = None
    then: Name

    async def run(self, visit: Visit) -> Step:
        for name in self.forget:
            visit.state.attributes.pop(name, None)
            visit.state.texts.pop(name, None)
            visit.state.secrets.pop(name, None)
        assigned(visit.state, self.set)
        return visit.take(WayForm(goto=self.then, set_language=self.set_language))

    def mentions(self) -> Iterator[Mention]:
        yield from value_mentions("set", self.set)
        for name in self.set:
            yield Mention(Noun.NEW_VALUE, name, ("set", name))
        yield Mention(Noun.NODE, self.then, ("then",))
        if self.set_language is not None:
            yield Mention(Noun.LANGUAGE, self.set_language, ("set_language",))


def assigned(state: CallState, wishes: Mapping[str, str]) -> None:
    """Write the wishes into the call's values, all read before the first is written."""
    known = state.values()
    new = {name: known.get(wish[1:]) if wish.startswith("$") else wish for name, wish in wishes.items()}
    for name, value in new.items():
        if value:
            state.attributes[name] = value
        else:
            state.attributes.pop(name, None)


def value_mentions(field: str, wishes: Mapping[str, str]) -> Iterator[Mention]:
    """The values that wishes read."""
    return (Mention(Noun.VALUE, w[1:], (field, name)) for name, w in wishes.items() if w.startswith("$"))
