"""What a prompt says, and how long that takes: as long as its sound file when it has been made, else by its letters."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ivr.prompts.text import PromptText
from ivr.spoken import Spoken, Unspeakable, in_words

# Of espeak-ng at the shelf's pace, over the sample's prompts: a syllable a letter in Chinese, thirteen letters a second
# in English. Punctuation is counted in; it is what makes the pauses.
_CHINESE_S = 0.29
_OTHER_S = 0.078
_BEEP, _BEEP_S = "(a beep)", 0.35


@dataclass(frozen=True, slots=True)
class Saying:
    """``language``: the code of the text that is said, which is another one where the caller's is missing."""

    language: str
    text: str
    seconds: float


class Sayings:
    """``codes``: the site's word for a language → code of its texts, in the order of preference. ``files``: the sounds
    that are there, by prompt and code."""

    def __init__(
        self, prompts: Mapping[str, PromptText], codes: Mapping[str, str], files: Mapping[tuple[str, str], Path]
    ) -> None:
        self._prompts = prompts
        self._codes = codes
        self._files = files

    def of(self, key: str, language: str) -> Saying:
        prompt = self._prompts.get(key)
        code = self._codes.get(language, language)
        for candidate in (code, *self._codes.values()):
            pieces = prompt.pieces(candidate) if prompt is not None else ()
            if pieces:
                text = " / ".join(text for _, text in pieces)
                return Saying(candidate, text, self._seconds(key, candidate, text))
        return Saying(code, _BEEP, _BEEP_S)

    def value(self, spoken: Spoken, language: str) -> Saying:
        """A number, a date, … in words; what has none is a beep, as on the telephone."""
        code = self._codes.get(language, language)
        try:
            text = in_words(spoken, code)
        except Unspeakable:
            return Saying(code, _BEEP, _BEEP_S)
        return Saying(code, text, by_letters(text))

    def _seconds(self, key: str, code: str, text: str) -> float:
        file = self._files.get((key, code))
        return by_letters(text) if file is None else _length_s(file)


def by_letters(text: str) -> float:
    return sum(_CHINESE_S if letter > "\u2e7f" else _OTHER_S for letter in text)


def _length_s(file: Path) -> float:
    with wave.open(str(file)) as sound:
        return float(sound.getnframes() / sound.getframerate())
