"""Where spoken words come from: the port `Speech`, espeak-ng behind it, and Asterisk's recorded sounds."""

from __future__ import annotations

import ctypes
import importlib.util
import threading
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ivr.prompts.audio import AudioSegment

# Our language codes → espeak-ng's voices.
VOICES = {"zh": "cmn", "en": "en-us"}

_RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: samples come to our callback, nothing is played
_UTF8 = 1
_RATE = 1  # espeakRATE, words a minute
_WORDS_A_MINUTE = 155  # espeak's own 175 is too brisk for a phone line
_GAP_MS = 150
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class CannotSpeak(Exception):
    """This voice cannot say this: no such language, no such sound, or the library failed."""


class Resting(CannotSpeak):
    """Not asked at all: it has failed a moment ago, and said so then."""


class Speech(Protocol):
    @property
    def identity(self) -> str:
        """Changes whenever the same text would sound different; part of the cache's key."""

    def speak(self, text: str, language: str) -> AudioSegment:
        """Mono. Blocks while it speaks. Raises CannotSpeak."""


class EspeakSpeech:
    """libespeak-ng through ctypes. The library keeps its state in globals, one per process: so one lock
    for all instances, and it is loaded at the first word, not before."""

    _lock = threading.Lock()
    _library: Any = None
    _rate_hz = 0

    identity = f"espeak-ng/{_WORDS_A_MINUTE}"

    def speak(self, text: str, language: str) -> AudioSegment:
        voice = VOICES.get(language)
        if voice is None:
            raise CannotSpeak(f"no voice for the language '{language}'")
        with EspeakSpeech._lock:
            samples = _samples(_espeak(), text, voice)
        if not samples:
            raise CannotSpeak(f"espeak-ng made no sound of a text in '{language}'")
        return AudioSegment(data=samples, sample_width=2, frame_rate=EspeakSpeech._rate_hz, channels=1)


def espeak_is_here() -> bool:
    """Whether the package that brings the library and its data is installed. Loads nothing."""
    return importlib.util.find_spec("espeakng_loader") is not None


def _espeak() -> Any:
    """The library, loaded once for the process. Call with the lock held."""
    if EspeakSpeech._library is None:
        try:
            import espeakng_loader

            library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path().encode()
        except (ImportError, OSError, RuntimeError) as error:
            raise CannotSpeak(f"espeak-ng does not load: {error}") from error
        rate = library.espeak_Initialize(_RETRIEVAL, 0, data, 0)
        if rate <= 0:
            raise CannotSpeak(f"espeak-ng does not start: {rate}")
        library.espeak_SetParameter(_RATE, _WORDS_A_MINUTE, 0)
        EspeakSpeech._library, EspeakSpeech._rate_hz = library, rate
    return EspeakSpeech._library


def _samples(library: Any, text: str, voice: str) -> bytes:
    """``text`` as 16-bit samples at the library's rate."""
    heard: list[bytes] = []

    def hear(wav: Any, count: int, events: Any) -> int:
        if wav and count > 0:
            heard.append(ctypes.string_at(wav, count * 2))
        return 0

    callback = _Callback(hear)  # must outlive the synthesis
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise CannotSpeak(f"espeak-ng has no voice '{voice}'")
    library.espeak_SetSynthCallback(callback)
    words = text.encode() + b"\0"
    if library.espeak_Synth(words, ctypes.c_size_t(len(words)), 0, 0, 0, _UTF8, None, None) != 0:
        raise CannotSpeak("espeak-ng refused the text")
    library.espeak_Synchronize()
    return b"".join(heard)


class AsteriskSounds:
    """The sounds that come with Asterisk, in English whatever the caller speaks. ``folder`` holds the WAV
    files themselves (``…/sounds/en_US_f_Allison``; ``…/sounds/en`` is a link that may lead nowhere)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def identity(self) -> str:
        return f"asterisk-sounds/{self._folder.name}"

    def join(self, names: Sequence[str]) -> AudioSegment:
        """The named sounds in order, with a short gap between. Raises CannotSpeak when one is missing or
        broken."""
        if not names:
            raise CannotSpeak("no sound is named")
        segments = [self._sound(name) for name in names]
        total = segments[0]
        for segment in segments[1:]:
            total = total + AudioSegment.silent(_GAP_MS, frame_rate=segment.frame_rate) + segment
        return total

    def _sound(self, name: str) -> AudioSegment:
        try:
            with wave.open(str(self._folder / f"{name}.wav")) as sound:
                return AudioSegment(
                    data=sound.readframes(sound.getnframes()),
                    sample_width=sound.getsampwidth(),
                    frame_rate=sound.getframerate(),
                    channels=sound.getnchannels(),
                )
        except (OSError, EOFError, wave.Error) as error:
            raise CannotSpeak(f"sound '{name}': {error}") from error
