"""What callers have recorded: one folder of a site, where each file's name begins with its call's id, which no caller
knows. Asterisk writes the files (WAV, 8 kHz, mono, 16 bit); here they are found, measured and, if empty, removed.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from ivr.prompts.audio import PHONE_HZ, AudioSegment, detect_leading_silence

_NAME = re.compile(r"[A-Za-z0-9_-]{1,120}")
_HEADER = 44  # bytes; the length in it is true only once the file is closed, so it is not asked
# Asterisk's own detector takes less than 256 of 32,768 for silence; below it nobody speaks.
_SILENT_DBFS = -42.0
_GRAIN_MS = 20


def recording_stem(folder: Path, name: str) -> Path:
    """The file's path without its ending, as Asterisk wants it. ValueError: the name could leave the folder."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a recording")
    return folder.absolute() / name


def recording_file(folder: Path, name: str) -> Path:
    """As `recording_stem`, with its ending."""
    return recording_stem(folder, name).with_suffix(".wav")


def sound_s(file: Path) -> float:
    """Seconds from the first sound to the last one; 0 for silence, and for a file that is not there. Blocks."""
    try:
        samples = file.read_bytes()[_HEADER:]
    except OSError:
        return 0.0
    sound = AudioSegment(samples[: len(samples) // 2 * 2], sample_width=2, frame_rate=PHONE_HZ, channels=1)
    before = detect_leading_silence(sound, _SILENT_DBFS, _GRAIN_MS)
    after = detect_leading_silence(sound.reverse(), _SILENT_DBFS, _GRAIN_MS)
    return float(max(0, len(sound) - before - after)) / 1000


def weigh(file: Path) -> float:
    """`sound_s` of the file, which is made its owner's own; one with nothing in it is removed. Blocks."""
    seconds = sound_s(file)
    if not seconds:
        remove(file)
    with contextlib.suppress(OSError):  # also: an Asterisk that is another user's
        file.chmod(0o600)
    return seconds


def remove(file: Path) -> None:
    """A file that cannot be removed stays. Blocks."""
    with contextlib.suppress(OSError):
        file.unlink()
