"""Speech by a program of the admin's, run once for each text: no shell, a time limit, a bound on what it brings."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from ivr.prompts.audio import AudioSegment
from ivr.prompts.decoding import LARGEST, Refused, read_answer
from ivr.prompts.speech import CannotSpeak
from ivr.prompts.speech_form import CommandForm


class CommandSpeech:
    def __init__(self, form: CommandForm) -> None:
        self._form = form
        words = hashlib.sha256(json.dumps(form.command).encode()).hexdigest()[:16]
        self.identity = f"command/{words}/{form.identity_of_voices()}"

    def speak(self, text: str, language: str) -> AudioSegment:
        with tempfile.TemporaryDirectory(prefix="hotline-speech-") as folder:
            place = Path(folder)
            (place / "text").write_text(text, encoding="utf-8")
            out = place / "out"
            named = self._run(place, out, language)
            try:
                return read_answer(_bounded(out if named else place / "stdout"))
            except (OSError, Refused) as error:
                raise CannotSpeak(f"{self._form.command[0]}: {error}") from None

    def _run(self, place: Path, out: Path, language: str) -> bool:
        """Whether the sound is to be looked for in ``out``."""
        values = {
            "{language}": language,
            "{voice}": self._form.voice(language),
            "{text_file}": str(place / "text"),
            "{out}": str(out),
        }
        words = [_filled(word, values) for word in self._form.command]
        with (place / "text").open("rb") as text, (place / "stdout").open("wb") as sound:
            try:
                process = subprocess.Popen(  # noqa: S603 - the admin's own words, without a shell
                    words, stdin=text, stdout=sound, stderr=subprocess.DEVNULL, cwd=place, start_new_session=True
                )
            except OSError as error:
                raise CannotSpeak(f"{words[0]}: {error.strerror}") from None
            self._await(process)
        return any("{out}" in word for word in self._form.command)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        """What it may have started itself ends with it."""
        try:
            code = process.wait(self._form.limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise CannotSpeak(f"{self._form.command[0]} was not done in {self._form.limit_s:g} s") from None
        if code != 0:
            raise CannotSpeak(f"{self._form.command[0]} ended with {code}")


def _filled(word: str, values: dict[str, str]) -> str:
    for mark, value in values.items():
        word = word.replace(mark, value)
    return word


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Refused("it brought too much")
    return data
