"""What is said to one caller only (an order number, a price): made while they wait, kept for the next time.

Beside the prompts, in a folder of its own that is kept to ``keep`` files: there is no end of order numbers.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from ivr.prompts.audio import write_wav
from ivr.prompts.making import MAKING, NoSound, telephone
from ivr.prompts.speech import CannotSpeak, Resting, Speech
from ivr.spoken import Spoken, Unspeakable, in_words

log = logging.getLogger(__name__)

_ENDING = ".wav"


class Utterances:
    """``languages``: the site's words for them → language codes. ``limit_s``: how long a caller may wait for words;
    what takes longer is finished for the next one. ``keep``: the files that stay, those used last. ``standby`` speaks
    when ``speech`` cannot, or not soon enough. 8 kHz only: a caller waits while it is made."""

    def __init__(
        self,
        folder: Path,
        languages: Mapping[str, str],
        speech: Speech | None,
        *,
        limit_s: float = 2.0,
        keep: int = 5000,
        standby: Speech | None = None,
    ) -> None:
        self._folder = folder.absolute()
        self._codes = dict(languages)
        self._speeches = [each for each in (speech, standby) if each is not None]
        self._limit_s = limit_s
        self._keep = keep
        self._making: dict[str, asyncio.Task[str | None]] = {}

    async def path(self, spoken: Spoken, language: str) -> str | None:
        """Absolute, without the ending, as Asterisk wants it. None when it cannot be said, or not soon enough."""
        if not self._speeches:
            return None
        code = self._codes.get(language, language)
        try:
            text = in_words(spoken, code)
        except Unspeakable as reason:
            log.warning("a %s in '%s': %s", spoken.kind, language, reason)
            return None
        for speech in self._speeches:
            try:
                path = await asyncio.wait_for(asyncio.shield(self._task(speech, text, code)), self._limit_s)
            except TimeoutError:
                log.warning("a %s in '%s' took more than %s s to say", spoken.kind, language, self._limit_s)
                continue
            if path is not None:
                return path
        return None

    def _task(self, speech: Speech, text: str, code: str) -> asyncio.Task[str | None]:
        """One for each text, however many callers wait for it."""
        stem = self._stem(speech, text, code)
        if stem not in self._making:
            task = asyncio.create_task(asyncio.to_thread(self._made, speech, stem, text, code))
            task.add_done_callback(lambda _: self._making.pop(stem, None))
            self._making[stem] = task
        return self._making[stem]

    def _stem(self, speech: Speech, text: str, code: str) -> str:
        """The name does not tell what is said."""
        content = json.dumps([MAKING, code, speech.identity, text], ensure_ascii=False)
        return str(self._folder / hashlib.sha256(content.encode()).hexdigest()[:32])

    def _made(self, speech: Speech, stem: str, text: str, code: str) -> str | None:
        """In a thread. The text may be private: it is not logged."""
        path = Path(stem + _ENDING)
        try:
            if path.exists():
                os.utime(path)
            else:
                write_wav(telephone(speech.speak(text, code)), path)
                self._tidy()
        except Resting:
            return None
        except (CannotSpeak, NoSound, OSError) as reason:
            log.warning("cannot say something in '%s': %s", code, reason or "silence")
            return None
        return stem

    def _tidy(self) -> None:
        """Drop the tenth used longest ago once there are too many. What Asterisk plays just now it plays to its end."""
        with os.scandir(self._folder) as entries:
            files = [entry for entry in entries if entry.name.endswith(_ENDING)]
            if len(files) > self._keep:
                files.sort(key=lambda entry: entry.stat().st_mtime)
                for entry in files[: len(files) - self._keep + self._keep // 10]:
                    Path(entry.path).unlink(missing_ok=True)
