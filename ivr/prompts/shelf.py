"""The shelf of ready prompts: each made once from its text, kept under a name that its content gives.

A changed text is a new file; the old one stays, for the calls that still play it. So nothing here is ever
overwritten with something else, and a second start makes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ivr.prompts.audio import AudioSegment, write_wav
from ivr.prompts.beep import beep
from ivr.prompts.making import MAKING, NoSound, telephone
from ivr.prompts.speech import AsteriskSounds, CannotSpeak, Speech
from ivr.prompts.text import PromptText

log = logging.getLogger(__name__)

_GAP_MS = 350  # between the languages of a prompt that is said in turn


class Origin(StrEnum):
    """Where a prompt's sound came from."""

    CACHE = "cache"
    SPEECH = "speech"
    SOUNDS = "sounds"
    NOWHERE = "nowhere"  # the other language is played instead, or else the beep


@dataclass(frozen=True, slots=True)
class Made:
    """One prompt in one language is on the shelf (or is not: NOWHERE)."""

    key: str
    language: str
    origin: Origin


class PromptShelf:
    """``languages``: the site's words for them → language codes of the texts ({"mandarin": "zh"}), in the
    order of preference. ``speech`` and ``sounds``: None where the machine has none."""

    def __init__(
        self,
        folder: Path,
        languages: Mapping[str, str],
        speech: Speech | None = None,
        sounds: AsteriskSounds | None = None,
    ) -> None:
        self._folder = folder.absolute()
        self._codes = dict(languages)
        self._speech = speech
        self._sounds = sounds
        self._files: dict[tuple[str, str], str] = {}
        self._beep = str(self._folder / "beep")

    async def make_all(
        self, prompts: Mapping[str, PromptText], progress: Callable[[int, int, Made], None] | None = None
    ) -> list[Made]:
        """Make what is not there yet. ``progress(done, total, made)`` is called in this task. Speaking
        blocks, so it happens in a thread."""
        await asyncio.to_thread(self._make_beep)
        codes = dict.fromkeys(self._codes.values())
        wanted = [(prompt, code) for prompt in prompts.values() for code in codes]
        all_made = []
        for prompt, code in wanted:
            made = await asyncio.to_thread(self._make, prompt, code)
            all_made.append(made)
            if progress is not None:
                progress(len(all_made), len(wanted), made)
        return all_made

    def found(self, prompts: Mapping[str, PromptText]) -> dict[tuple[str, str], Path]:
        """The files that are there already, by prompt and language code. Makes nothing."""
        codes = dict.fromkeys(self._codes.values())
        wanted = [(prompt, code) for prompt in prompts.values() for code in codes]
        files = {(prompt.key, code): self._there(prompt, code) for prompt, code in wanted}
        return {name: file for name, file in files.items() if file is not None}

    def _there(self, prompt: PromptText, code: str) -> Path | None:
        stems = (self._stem(prompt.key, code, identity) for _, identity, _ in self._ways(prompt, code))
        files = (Path(f"{stem}.wav") for stem in stems)
        return next((file for file in files if file.exists()), None)

    def has(self, key: str) -> bool:
        return any(key == known for known, _ in self._files)

    def path(self, key: str, language: str) -> str:
        """Absolute, without the ending, as Asterisk wants it. ``language``: the site's word or the code.
        The other language where this one is missing, and a beep where all are."""
        code = self._codes.get(language, language)
        for candidate in (code, *self._codes.values()):
            if (key, candidate) in self._files:
                return self._files[key, candidate]
        return self._beep

    def _make_beep(self) -> None:
        path = Path(f"{self._beep}.wav")
        if not path.exists():
            write_wav(beep(), path)

    def _make(self, prompt: PromptText, code: str) -> Made:
        for origin, identity, perform in self._ways(prompt, code):
            stem = self._stem(prompt.key, code, identity)
            path = Path(f"{stem}.wav")
            try:
                if path.exists():
                    origin = Origin.CACHE
                else:
                    write_wav(telephone(perform()), path)
            except (CannotSpeak, NoSound) as reason:
                log.warning("prompt %s in %s: %s", prompt.key, code, reason or "silence")
                continue
            self._files[prompt.key, code] = stem
            return Made(prompt.key, code, origin)
        return Made(prompt.key, code, Origin.NOWHERE)

    def _ways(self, prompt: PromptText, code: str) -> Iterator[tuple[Origin, list[object], Callable[[], AudioSegment]]]:
        """The ways to this prompt in the order of preference: origin, what its sound depends on, how to
        get it."""
        speech, sounds = self._speech, self._sounds
        pieces = prompt.pieces(code)
        if speech is not None and pieces:
            yield Origin.SPEECH, [speech.identity, pieces], lambda: _speak(speech, pieces)
        if sounds is not None and prompt.sound:
            yield Origin.SOUNDS, [sounds.identity, prompt.sound], lambda: sounds.join(prompt.sound)

    def _stem(self, key: str, code: str, identity: list[object]) -> str:
        content = json.dumps([MAKING, code, identity], ensure_ascii=False)
        return str(self._folder / f"{key}-{code}-{hashlib.sha256(content.encode()).hexdigest()[:16]}")


def _speak(speech: Speech, pieces: tuple[tuple[str, str], ...]) -> AudioSegment:
    """The pieces, each levelled by itself: two voices differ in loudness."""
    total = telephone(speech.speak(pieces[0][1], pieces[0][0]))
    for language, text in pieces[1:]:
        gap = AudioSegment.silent(_GAP_MS, frame_rate=total.frame_rate)
        total = total + gap + telephone(speech.speak(text, language))
    return total
