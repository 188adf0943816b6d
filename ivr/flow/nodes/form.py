"""The shapes that all node kinds share: strict forms, ways out, and what a node mentions by name.

Every form refuses unknown keys and never coerces: what is written is what is meant. The one kindness:
YAML reads an unquoted menu key `1` as a number, so the digits 0-9 are taken as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

# Names travel in channel variables and file names: lower case, no separator that those use.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
# A value of an attribute travels as "name=value;name=value".
AttributeValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
# In a node: literal, or `$name` for what the call knows under that name.
Wish = Annotated[str, StringConstraints(pattern=r"^(\$[a-z][a-z0-9_]{0,63}|[A-Za-z0-9_.-]{1,64})$")]
PromptKeys = Annotated[tuple[Name, ...], Field(strict=False)]

Path = tuple[str | int, ...]


class Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Noun(StrEnum):
    """What kind of thing a mention names."""

    NODE = "node"
    PROMPT = "prompt"
    QUEUE = "queue"
    LINE = "line of hours"
    LANGUAGE = "language"
    SOURCE = "media source"
    FLOW = "flow"
    OUTSIDE = "outside number"
    AGENT = "agent"
    SCRIPT = "script"
    VALUE = "value"  # read here
    NEW_VALUE = "new value"  # set here, so that others may read it
    SECRET = "secret"  # noqa: S105 - used here, and forgotten
    NEW_SECRET = "new secret"  # noqa: S105 - typed here


@dataclass(frozen=True, slots=True)
class Mention:
    """A name that a node uses, and where in the node it stands."""

    noun: Noun
    name: str
    path: Path


def one_or_more(value: Any) -> Any:
    """`tv_spot` alone is short for `[tv_spot]`."""
    return [value] if isinstance(value, str) else value


def prompt_mentions(field: str, keys: tuple[str, ...]) -> Iterator[Mention]:
    return (Mention(Noun.PROMPT, key, (field, index)) for index, key in enumerate(keys))


def _way_from_name(value: Any) -> Any:
    return {"goto": value} if isinstance(value, str) else value


def _not_the_language(values: dict[str, str]) -> dict[str, str]:
    if "language" in values:
        raise ValueError("the language is set by set_language")
    return values


def _key_from_digit(value: Any) -> Any:
    return str(value) if type(value) is int and 0 <= value <= 9 else value


Settings = Annotated[dict[Name, AttributeValue], AfterValidator(_not_the_language)]


class WayForm(Form):
    """A way out of a node. ``set`` writes attributes of the call, ``set_language`` what it is spoken in,
    ``set_source`` the media source that the caller has named, ``reached`` that they have what they called for: whoever
    hangs up after it has not abandoned us."""

    goto: Name
    set: Settings = Field(default_factory=dict)
    set_language: Name | None = None
    set_source: Name | None = None
    reached: Literal["self_served"] | None = None

    def mentions(self, *path: str | int) -> Iterator[Mention]:
        yield Mention(Noun.NODE, self.goto, (*path, "goto"))
        if self.set_language is not None:
            yield Mention(Noun.LANGUAGE, self.set_language, (*path, "set_language"))
        if self.set_source is not None:
            yield Mention(Noun.SOURCE, self.set_source, (*path, "set_source"))
        for name in self.set:
            yield Mention(Noun.NEW_VALUE, name, (*path, "set", name))


# `sales` alone is short for `{goto: sales}`.
Way = Annotated[WayForm, BeforeValidator(_way_from_name, json_schema_input_type=Name | WayForm)]
MenuKey = Annotated[str, BeforeValidator(_key_from_digit), StringConstraints(pattern=r"^([0-9*]{1,8}|#)$")]


class NodeForm(Form):
    """What the checks ask of every kind. ``waits``: the node takes time from the caller's side (a key, a
    place in a queue), so a loop through it does not spin."""

    waits: ClassVar[bool] = False

    def mentions(self) -> Iterator[Mention]:
        return iter(())
