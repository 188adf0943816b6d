"""pydub, imported in one place: it warns at import when there is no ffmpeg, which WAV never needs.

Also the two things that pydub does not do well for a telephone: keeping what lies above 4 kHz out of an 8
kHz file, and writing a file so that a reader sees the old one or the new one whole.
"""

from __future__ import annotations

import math
import os
import tempfile
import warnings
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import audioop

    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

__all__ = ["PHONE_HZ", "AudioSegment", "detect_leading_silence", "low_pass", "write_wav"]

PHONE_HZ = 8000
_TAPS = 63


def _kernel(cutoff: float) -> list[float]:
    """A windowed sinc (Hamming), gain 1 at 0 Hz; ``cutoff`` as a share of the sample rate."""
    middle = _TAPS // 2
    taps = []
    for n in range(_TAPS):
        x = 2 * math.pi * cutoff * (n - middle)
        sinc = 1.0 if n == middle else math.sin(x) / x
        taps.append(sinc * (0.54 - 0.46 * math.cos(2 * math.pi * n / (_TAPS - 1))))
    return [tap / sum(taps) for tap in taps]


def low_pass(segment: AudioSegment, cutoff_hz: float) -> AudioSegment:
    """``segment`` (mono) without what lies above ``cutoff_hz``, as 32-bit samples. pydub's own filter is
    of the first order and a Python loop; resampling speech to 8 kHz behind it leaves hissing images of
    every s."""
    wide = segment.set_channels(1).set_sample_width(4)
    silence = bytes(4 * (_TAPS // 2))
    raw = silence + audioop.mul(wide.raw_data, 4, 0.5) + silence  # half: room for the sum's ripples
    size = len(wide.raw_data)
    total = bytes(size)
    for n, tap in enumerate(_kernel(cutoff_hz / wide.frame_rate)):
        total = audioop.add(total, audioop.mul(raw[4 * n : 4 * n + size], 4, tap), 4)
    return wide._spawn(audioop.mul(total, 4, 2.0))


def write_wav(segment: AudioSegment, path: Path) -> None:
    """Atomic; readable by an Asterisk that runs as another user."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as part:
        try:
            segment.export(part, format="wav")
            part.flush()
            os.fsync(part.fileno())
            os.chmod(part.name, 0o644)
            os.replace(part.name, path)
        except BaseException:
            os.unlink(part.name)
            raise
