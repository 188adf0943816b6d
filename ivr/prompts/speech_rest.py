"""A speech service that has failed is left alone for a while: a hundred prompts do not wait a hundred time-outs for it,
and meanwhile another voice speaks. What it could not say is asked of it again at the next start."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ivr.prompts.audio import AudioSegment
from ivr.prompts.speech import CannotSpeak, Resting, Speech

log = logging.getLogger(__name__)


class RestedSpeech:
    """``rest_s``: seconds without a question after a failure. ``clock``: seconds, steady."""

    def __init__(self, speech: Speech, *, rest_s: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._speech = speech
        self._rest_s = rest_s
        self._clock = clock
        self._again_at = float("-inf")

    @property
    def identity(self) -> str:
        return self._speech.identity

    def speak(self, text: str, language: str) -> AudioSegment:
        if self._clock() < self._again_at:
            raise Resting("the speech service rests after a failure")
        try:
            return self._speech.speak(text, language)
        except CannotSpeak as reason:
            self._again_at = self._clock() + self._rest_s
            log.warning("%s; another voice speaks for the next %g s", reason, self._rest_s)
            raise
