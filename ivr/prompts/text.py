"""What the centre says: each prompt's texts by language, and the Asterisk sounds that stand in for a voice.

In `prompts.yaml` a prompt's text is either one text for each language, of which the caller hears theirs,
or a list of texts that every caller hears one after the other (for what is said before the language is
known).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f]+$"),
]
# The name of a sound file of Asterisk, without language and ending; never a way out of its folder.
SoundName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+)?$")]
Texts = Annotated[dict[Code, Text], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class PromptText:
    """``texts``: language code → text. ``in_turn``: all of them are said, in order, to everybody."""

    key: str
    texts: Mapping[str, str]
    sound: tuple[str, ...] = ()
    in_turn: bool = False

    def pieces(self, language: str) -> tuple[tuple[str, str], ...]:
        """(language, text) to speak for a caller of ``language``; () when there is nothing in it."""
        if self.in_turn:
            return tuple(self.texts.items())
        text = self.texts.get(language)
        return () if text is None else ((language, text),)


def _each_once(pieces: list[dict[str, str]]) -> list[dict[str, str]]:
    codes = [code for piece in pieces for code in piece]
    if len(codes) != len(pieces) or len(set(codes)) != len(codes):
        raise ValueError("write each language once, as a list of `- zh: text`")
    return pieces


class PromptForm(BaseModel):
    """One prompt in `prompts.yaml`. ``sound``: Asterisk's own sounds, played in order where no voice is
    there."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    text: Texts | Annotated[list[Texts], Field(min_length=1), AfterValidator(_each_once)]
    sound: list[SoundName] = Field(default_factory=list)

    def prompt(self, key: str) -> PromptText:
        if isinstance(self.text, dict):
            return PromptText(key, dict(self.text), tuple(self.sound))
        in_order = {code: text for piece in self.text for code, text in piece.items()}
        return PromptText(key, in_order, tuple(self.sound), in_turn=True)


class PromptsForm(RootModel[dict[Key, PromptForm]]):
    """The whole of `prompts.yaml`: key → prompt."""

    model_config = ConfigDict(strict=True, frozen=True)

    def prompts(self) -> dict[str, PromptText]:
        return {key: form.prompt(key) for key, form in self.root.items()}
