"""From a sound file that somebody brought to samples, bounded in bytes, seconds and time: it may be anything.

WAV (8, 16, 24, 32 bit, one or two channels, any rate of sound) is read here. Everything else, and the rarer kinds of
WAV, needs ffmpeg, which is run on the open file (never on a name), told which format it is to be (a playlist called
.mp3 would else make it open other files) and ended when its time is up.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ivr.prompts.audio import WIDE_HZ, AudioSegment, audioop

LARGEST = 50 * 1024 * 1024  # bytes
LONGEST_S = 600
# The endings that are looked for, in the order of preference, and what ffmpeg is told they are.
ENDINGS = {".wav": "wav", ".mp3": "mp3", ".m4a": "mov", ".ogg": "ogg", ".flac": "flac"}

_FFMPEG_S = 60.0
_FFMPEG_MEMORY = 256 * 1024 * 1024  # bytes, the largest single piece it may take
_RATES = range(4000, 192001)
# What a service answers with is known by its first bytes.
_BEGINS = ((b"RIFF", ".wav"), (b"ID3", ".mp3"), (b"\xff", ".mp3"), (b"OggS", ".ogg"), (b"fLaC", ".flac"))


class Refused(Exception):
    """This file cannot be a prompt. The message is the reason, for the admin."""


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """A plain file of a bearable size, or Refused. Nothing of it has been read then; links are not followed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused("it is a link" if path.is_symlink() else f"it cannot be opened: {error.strerror}") from None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise Refused("it is no plain file")
    with os.fdopen(handle, "rb") as file:
        if found.st_size > LARGEST:
            raise Refused(f"it has {found.st_size // 2**20} MB; {LARGEST // 2**20} MB are the most")
        yield file


def read_sound(file: BinaryIO, ending: str) -> AudioSegment:
    """16 bit, its own rate and channels (16 kHz when it went through ffmpeg). Blocks. Raises Refused."""
    if ending == ".wav":
        try:
            return _whole(_from_wav(file))
        except EOFError:
            raise Refused("it is not audio, or was cut off") from None
        except wave.Error as error:
            if "RIFF" in str(error) or "WAVE" in str(error):
                raise Refused(f"it is not audio: {error}") from None
            if _ffmpeg() is None:
                raise Refused(f"this kind of WAV needs ffmpeg, which is not here; bring PCM ({error})") from None
    return _whole(_from_ffmpeg(file, ENDINGS[ending]))


def read_answer(data: bytes) -> AudioSegment:
    """What a speech service has answered, told by its first bytes. Blocks. Raises Refused."""
    ending = next((ending for begin, ending in _BEGINS if data.startswith(begin)), "")
    if not ending:
        raise Refused("the answer is no sound file")
    if ending == ".wav":
        return read_sound(io.BytesIO(data), ending)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_sound(file, ending)


def _whole(segment: AudioSegment) -> AudioSegment:
    if segment.duration_seconds > LONGEST_S:
        raise Refused(f"it is longer than {LONGEST_S // 60} minutes")
    if not segment.raw_data:
        raise Refused("there is no sound in it")
    return segment


def _from_wav(file: BinaryIO) -> AudioSegment:
    file.seek(0)
    with wave.open(file) as sound:
        channels, width, rate, count, *_ = sound.getparams()
        if channels not in (1, 2):
            raise Refused(f"it has {channels} channels; one or two can be used")
        if rate not in _RATES:
            raise Refused(f"it has {rate} samples a second; {_RATES[0]} to {_RATES[-1]} can be used")
        if count > rate * (LONGEST_S + 1):
            count = rate * (LONGEST_S + 1)  # enough to see that it is too long
        data = sound.readframes(count)
    data = data[: len(data) // (width * channels) * (width * channels)]
    if width == 1:
        data = audioop.bias(data, 1, 128)  # in a WAV, and nowhere else, 8 bits have no sign
    return AudioSegment(audioop.lin2lin(data, width, 2), sample_width=2, frame_rate=rate, channels=channels)


def _ffmpeg() -> str | None:
    return shutil.which("ffmpeg")


def _from_ffmpeg(file: BinaryIO, demuxer: str) -> AudioSegment:
    program = _ffmpeg()
    if program is None:
        raise Refused("it needs ffmpeg, which is not on this machine: install it, or bring a WAV")
    handle = file.fileno()
    words = (
        *(program, "-nostdin", "-v", "quiet", "-max_alloc", str(_FFMPEG_MEMORY), "-protocol_whitelist", "file"),
        *("-f", demuxer, "-i", f"file:/dev/fd/{handle}", "-map", "0:a:0", "-t", str(LONGEST_S + 1)),
        *("-ar", str(WIDE_HZ), "-fs", str(4 * WIDE_HZ * (LONGEST_S + 2)), "-c:a", "pcm_s16le", "-f", "wav", "-"),
    )
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, and a file that is open already
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=(handle,),
            timeout=_FFMPEG_S, check=True,
        )  # fmt: skip
        return _from_wav(io.BytesIO(done.stdout))
    except subprocess.TimeoutExpired:
        raise Refused(f"ffmpeg was not done with it after {_FFMPEG_S:g} s") from None
    except (subprocess.CalledProcessError, wave.Error, EOFError):
        raise Refused("it is not audio that ffmpeg can read as what its name says") from None
