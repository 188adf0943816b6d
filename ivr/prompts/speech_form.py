"""Who speaks the prompts: ``speech:`` in `site.yaml`. Without it espeak-ng does, which comes along."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ivr.prompts.text import Code

_Word = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f]+$")]
_Url = Annotated[str, StringConstraints(max_length=1000, pattern=r"^https?://[^\s\x00-\x1f]+$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,60}$")]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class EspeakForm(_Form):
    kind: Literal["espeak"] = "espeak"


class ServiceForm(_Form):
    """``voices``: language code → what ``{voice}`` becomes (the code itself where none is named). ``version``: raise it
    when the voice has changed behind the same words, and everything is spoken anew. ``limit_s``: for one text."""

    voices: dict[Code, _Word] = {}
    version: Annotated[int, Field(ge=1)] = 1
    limit_s: Annotated[float, Field(ge=0.1, le=120)] = 15.0

    def voice(self, language: str) -> str:
        return self.voices.get(language, language)

    def identity_of_voices(self) -> str:
        return ",".join([str(self.version), *(f"{code}={voice}" for code, voice in sorted(self.voices.items()))])


def _absolute(words: list[str]) -> list[str]:
    if not words[0].startswith("/"):
        raise ValueError("begins with the program's absolute path; there is no shell that would look for it")
    return words


class CommandForm(ServiceForm):
    """A program that is run for each text, without a shell. ``{language}``, ``{voice}``, ``{text_file}`` and ``{out}``
    in its words are replaced. It gets the text on stdin (UTF-8) and in ``{text_file}``; its WAV, MP3, Ogg or FLAC
    comes on stdout, or in ``{out}`` where that is named."""

    kind: Literal["command"]
    command: Annotated[list[_Word], Field(min_length=1, max_length=100), AfterValidator(_absolute)]


class HttpForm(ServiceForm):
    """A service that is posted JSON: ``body``, in whose values ``{text}``, ``{language}`` and ``{voice}`` are replaced.
    It answers 200 with WAV, MP3, Ogg or FLAC."""

    kind: Literal["http"]
    url: _Url
    headers: dict[_Name, _Word] = Field(default={}, repr=False)  # the key of the service is here
    body: dict[_Word, _Word] = {"text": "{text}", "language": "{language}"}


SpeechForm = Annotated[EspeakForm | CommandForm | HttpForm, Field(discriminator="kind")]
