"""The site's own recordings: ``recordings/<language code>/<key>.wav`` (or .mp3, .m4a, .ogg, .flac). A recording takes
the place of the spoken text, in that language only.

What is refused, with its reason: see `decoding` (links, size, length, what is no sound), `clipping`, and silence. A
refused recording changes nothing: the prompt stays as it was, or is spoken.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from io import BufferedReader
from pathlib import Path

from ivr.prompts.audio import AudioSegment, write_wav
from ivr.prompts.clipping import MOST_CLIPPED, clipped_share
from ivr.prompts.decoding import ENDINGS, Refused, opened, read_sound
from ivr.prompts.making import NoSound, trim

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CODE = re.compile(r"[a-z]{2,3}")
_BEFORE = "~"  # what a new recording has replaced is kept under this name, once


class Recordings:
    """``folder`` need not be there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def file(self, key: str, code: str) -> Path | None:
        """The recording of this prompt in this language, sound or not; None when there is none."""
        return next(iter(self._candidates(key, code)), None)

    def digest(self, path: Path) -> str:
        """Of what is in it. Raises Refused."""
        with self._opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def read(self, path: Path) -> AudioSegment:
        """Raises Refused. Blocks."""
        with self._opened(path) as file:
            return fit(read_sound(file, path.suffix.lower()))

    def keep(self, key: str, code: str, take: Path) -> Path:
        """Make the WAV ``take`` the recording; the one before stays beside it with a ~. Raises Refused, and then
        nothing has changed; and OSError."""
        if not (_KEY.fullmatch(key) and _CODE.fullmatch(code)):
            raise Refused("that is no name of a prompt")
        with opened(take) as file:
            sound = fit(read_sound(file, ".wav"))
        place = self._folder / code / f"{key}.wav"
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if place.parent.resolve() != self._folder.resolve() / code:
            raise Refused("the folder of the language is a link")
        for old in self._candidates(key, code):
            os.replace(old, old.with_name(old.name + _BEFORE))
        write_wav(sound, place)
        return place

    def strays(self, keys: Collection[str], codes: Collection[str]) -> Iterator[tuple[Path, str]]:
        """What lies in the folder and will never be heard, with the reason. Paths are relative to the folder."""
        for path in sorted(self._folder.rglob("*")):
            relative = path.relative_to(self._folder)
            if path.name.startswith(".") or path.name.endswith(_BEFORE) or _is_folder_of(path, relative, codes):
                continue
            reason = self._why_stray(path, relative, keys, codes)
            if reason:
                yield relative, reason

    def _candidates(self, key: str, code: str) -> list[Path]:
        if not (_KEY.fullmatch(key) and _CODE.fullmatch(code)):
            return []
        folder = self._folder / code
        return [path for ending in ENDINGS if os.path.lexists(path := folder / f"{key}{ending}")]

    def _opened(self, path: Path) -> AbstractContextManager[BufferedReader]:
        if not path.parent.resolve().is_relative_to(self._folder.resolve()):
            raise Refused("its folder is a link that leads out of the recordings")
        return opened(path)

    def _why_stray(self, path: Path, relative: Path, keys: Collection[str], codes: Collection[str]) -> str:
        if len(relative.parts) != 2 or relative.parts[0] not in codes:
            return f"is not in a language's folder ({', '.join(sorted(codes))})"
        if path.suffix not in ENDINGS:
            return f"has no ending of a sound file ({', '.join(ENDINGS)})"
        if path.stem not in keys:
            return "is a recording of no prompt"
        chosen = self.file(path.stem, relative.parts[0])
        return f"is passed over for {chosen.name}" if chosen is not None and chosen != path else ""


def fit(sound: AudioSegment) -> AudioSegment:
    """The sound as it is, when it can be a prompt. Raises Refused."""
    try:
        trim(sound.set_channels(1))
    except NoSound:
        raise Refused("there is nothing but silence in it") from None
    share = clipped_share(sound)
    if share > MOST_CLIPPED:
        raise Refused(f"it is clipped: {share:.1%} of it is cut off at full scale; record it less loud")
    return sound


def _is_folder_of(path: Path, relative: Path, codes: Collection[str]) -> bool:
    return len(relative.parts) == 1 and relative.name in codes and path.is_dir()
