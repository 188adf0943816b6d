"""Speech by an HTTP service. Its key goes into the request and nowhere else: not into a message, nor into a name."""

from __future__ import annotations

import hashlib
import json
import time

import httpx

from ivr.prompts.audio import AudioSegment
from ivr.prompts.decoding import LARGEST, Refused, read_answer
from ivr.prompts.speech import CannotSpeak
from ivr.prompts.speech_form import HttpForm


class HttpSpeech:
    def __init__(self, form: HttpForm) -> None:
        self._form = form
        words = hashlib.sha256(json.dumps([form.url, form.body], sort_keys=True).encode()).hexdigest()[:16]
        self.identity = f"http/{words}/{form.identity_of_voices()}"

    def speak(self, text: str, language: str) -> AudioSegment:
        values = {"{text}": text, "{language}": language, "{voice}": self._form.voice(language)}
        body = {key: _filled(value, values) for key, value in self._form.body.items()}
        try:
            return read_answer(self._answer(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CannotSpeak(f"the speech service: {type(error).__name__}") from None
        except Refused as reason:
            raise CannotSpeak(f"the speech service: {reason}") from None

    def _answer(self, body: dict[str, str]) -> bytes:
        """A redirect is no answer: it could lead the key elsewhere. httpx limits each read, we their sum."""
        limit_s = self._form.limit_s
        deadline = time.monotonic() + limit_s
        headers = dict(self._form.headers)
        data = bytearray()
        with httpx.stream("POST", self._form.url, json=body, headers=headers, timeout=limit_s) as response:
            if response.status_code != 200:
                raise CannotSpeak(f"the speech service answered {response.status_code}")
            for chunk in response.iter_bytes():
                data += chunk
                if len(data) > LARGEST or time.monotonic() > deadline:
                    raise CannotSpeak("the speech service's answer takes too long or is too large")
        return bytes(data)


def _filled(value: str, values: dict[str, str]) -> str:
    """In one pass: a text that holds `{voice}` stays what it is."""
    if value in values:
        return values[value]
    for mark in ("{voice}", "{language}", "{text}"):
        value = value.replace(mark, values[mark])
    return value
