"""The shelf of ready prompts: each made once, of a recording or of its text, kept under a name that its content gives.

A changed text or recording is a new file; the old one stays, for the calls that still play it. So nothing here is ever
overwritten with something else, and a second start makes nothing.

A file is `NAME.wav`, 8 kHz. Asterisk takes `NAME.wav16` (16 kHz) instead for a phone that speaks wideband, where there
is one. Making those takes half as long again, so it is done where the site lets phones speak wideband, and by
`hotline prompts build`, which makes all that there is to make.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ivr.prompts.audio import PHONE_HZ, WIDE_HZ, AudioSegment, write_wav
from ivr.prompts.beep import beep
from ivr.prompts.decoding import Refused
from ivr.prompts.making import MAKING, NoSound, telephone
from ivr.prompts.recordings import Recordings
from ivr.prompts.speech import AsteriskSounds, CannotSpeak, Resting, Speech
from ivr.prompts.text import PromptText

log = logging.getLogger(__name__)

_AT_ONCE = 4
_GAP_MS = 350  # between the languages of a prompt that is said in turn
_NARROW, _WIDE = ".wav", ".wav16"


class Origin(StrEnum):
    """Where a prompt's sound came from."""

    CACHE = "cache"
    RECORDING = "recording"
    SPEECH = "speech"
    SOUNDS = "sounds"
    NOWHERE = "nowhere"  # the other language is played instead, or else the beep


@dataclass(frozen=True, slots=True)
class Made:
    """One prompt in one language is on the shelf (or is not: NOWHERE). ``refused``: why its recording is not what is
    played; "" when it is, or when there is none."""

    key: str
    language: str
    origin: Origin
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the shelf has of one prompt in one language. ``origin`` is never CACHE."""

    origin: Origin
    file: Path


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to a prompt's sound. ``content``: what the sound depends on. ``perform``: the pieces it is joined of."""

    origin: Origin
    content: list[object]
    perform: Callable[[], Sequence[AudioSegment]]


class PromptShelf:
    """``languages``: the site's words for them → language codes of the texts ({"mandarin": "zh"}), in the
    order of preference. ``speech`` and ``sounds``: None where the machine has none. ``standby`` speaks what ``speech``
    cannot. ``wideband``: make 16 kHz files too."""

    def __init__(
        self,
        folder: Path,
        languages: Mapping[str, str],
        speech: Speech | None = None,
        sounds: AsteriskSounds | None = None,
        *,
        standby: Speech | None = None,
        recordings: Recordings | None = None,
        wideband: bool = False,
    ) -> None:
        self._folder = folder.absolute()
        self._codes = dict(languages)
        self._speeches = [each for each in (speech, standby) if each is not None]
        self._sounds = sounds
        self._recordings = recordings
        self._shapes = ((_WIDE, WIDE_HZ), (_NARROW, PHONE_HZ)) if wideband else ((_NARROW, PHONE_HZ),)
        self._files: dict[tuple[str, str], str] = {}
        self._beep = str(self._folder / "beep")

    async def make_all(
        self, prompts: Mapping[str, PromptText], progress: Callable[[int, int, Made], None] | None = None
    ) -> list[Made]:
        """Make what is not there yet; what is played from then on is the new one. ``progress(done, total, made)`` is
        called in this task, in the prompts' order. Speaking blocks, so it happens in threads: while one prompt is
        spoken, the next is shaped and the last goes to the disk."""
        await asyncio.to_thread(self._make_beep)
        codes = dict.fromkeys(self._codes.values())
        wanted = [(prompt, code) for prompt in prompts.values() for code in codes]
        all_made = []
        threads = ThreadPoolExecutor(_AT_ONCE, "prompts")
        try:
            for making in [asyncio.wrap_future(threads.submit(self._make, prompt, code)) for prompt, code in wanted]:
                made = await making
                all_made.append(made)
                if progress is not None:
                    progress(len(all_made), len(wanted), made)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)  # nobody waits for the rest after a Ctrl-C
        return all_made

    def found(self, prompts: Mapping[str, PromptText]) -> dict[tuple[str, str], Path]:
        """The files that are there already, by prompt and language code. Makes nothing."""
        return {name: standing.file for name, standing in self.standing(prompts).items()}

    def standing(self, prompts: Mapping[str, PromptText]) -> dict[tuple[str, str], Standing]:
        """What is there already, and where it came from, by prompt and language code. Makes nothing."""
        codes = dict.fromkeys(self._codes.values())
        wanted = [(prompt, code) for prompt in prompts.values() for code in codes]
        found = {(prompt.key, code): self._there(prompt, code) for prompt, code in wanted}
        return {name: standing for name, standing in found.items() if standing is not None}

    def _there(self, prompt: PromptText, code: str) -> Standing | None:
        ways, _ = self._ways(prompt, code)
        files = ((way.origin, Path(self._stem(prompt.key, code, way.content) + _NARROW)) for way in ways)
        return next((Standing(origin, file) for origin, file in files if file.exists()), None)

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
        path = Path(f"{self._beep}{_NARROW}")
        if not path.exists():
            write_wav(beep(), path)

    def _make(self, prompt: PromptText, code: str) -> Made:
        """A recording that is refused leaves what is played now, if anything is."""
        name = (prompt.key, code)
        ways, refused = self._ways(prompt, code)
        for way in ways:
            if refused and name in self._files:
                break
            stem = self._stem(prompt.key, code, way.content)
            try:
                origin = Origin.CACHE if self._complete(stem) else way.origin
                if origin is not Origin.CACHE:
                    self._write(stem, way.perform())
            except Refused as reason:
                refused = str(reason)
                continue
            except (CannotSpeak, NoSound) as reason:
                level = logging.DEBUG if isinstance(reason, Resting) else logging.WARNING
                log.log(level, "prompt %s in %s: %s", prompt.key, code, str(reason) or "silence")
                continue
            self._files[name] = stem
            return Made(prompt.key, code, origin, self._told(name, refused))
        origin = Origin.CACHE if name in self._files else Origin.NOWHERE
        return Made(prompt.key, code, origin, self._told(name, refused))

    def _told(self, name: tuple[str, str], refused: str) -> str:
        if refused:
            log.warning("the recording of %s in %s is not used: %s", *name, refused)
        return refused

    def _complete(self, stem: str) -> bool:
        return all(Path(stem + ending).exists() for ending, _ in self._shapes)

    def _write(self, stem: str, pieces: Sequence[AudioSegment]) -> None:
        """The 8 kHz file last: where it is, all are."""
        for ending, hz in self._shapes:
            write_wav(_joined(pieces, hz), Path(stem + ending))

    def _ways(self, prompt: PromptText, code: str) -> tuple[list[_Way], str]:
        """The ways to this prompt in the order of preference; and why there is none by its recording."""
        try:
            return [*self._recorded(prompt.key, code), *self._spoken(prompt, code)], ""
        except Refused as reason:
            return [*self._spoken(prompt, code)], str(reason)

    def _recorded(self, key: str, code: str) -> Iterator[_Way]:
        recordings = self._recordings
        path = None if recordings is None else recordings.file(key, code)
        if recordings is not None and path is not None:
            content: list[object] = ["recording", recordings.digest(path)]
            yield _Way(Origin.RECORDING, content, lambda: [recordings.read(path)])

    def _spoken(self, prompt: PromptText, code: str) -> Iterator[_Way]:
        pieces, sounds = prompt.pieces(code), self._sounds
        for speech in self._speeches if pieces else ():
            yield _Way(Origin.SPEECH, [speech.identity, pieces], _words(speech, pieces))
        if sounds is not None and prompt.sound:
            yield _Way(Origin.SOUNDS, [sounds.identity, prompt.sound], lambda: [sounds.join(prompt.sound)])

    def _stem(self, key: str, code: str, identity: list[object]) -> str:
        content = json.dumps([MAKING, code, identity], ensure_ascii=False)
        return str(self._folder / f"{key}-{code}-{hashlib.sha256(content.encode()).hexdigest()[:16]}")


def _words(speech: Speech, pieces: Sequence[tuple[str, str]]) -> Callable[[], list[AudioSegment]]:
    return lambda: [speech.speak(text, language) for language, text in pieces]


def _joined(pieces: Sequence[AudioSegment], hz: int) -> AudioSegment:
    """The pieces, each levelled by itself: two voices differ in loudness."""
    total = telephone(pieces[0], hz)
    for piece in pieces[1:]:
        total = total + AudioSegment.silent(_GAP_MS, frame_rate=hz) + telephone(piece, hz)
    return total
