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

__all__ = ["PHONE_HZ", "WIDE_HZ", "AudioSegment", "audioop", "detect_leading_silence", "low_pass", "write_wav"]

PHONE_HZ = 8000
WIDE_HZ = 16000  # what a phone that speaks G.722 carries
_TAPS = 63
_PIECE = 64 * 1024  # bytes that are filtered at a time; they fit a processor's cache


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
    """``segment`` (mono) without what lies above ``cutoff_hz``, as 16-bit samples. pydub's own filter is
    of the first order and a Python loop; resampling speech to 8 kHz behind it leaves hissing images of
    every s. Piece by piece: ten minutes would be a gigabyte at once."""
    raw = segment.set_channels(1).set_sample_width(2).raw_data
    edge = 2 * (_TAPS // 2)
    padded = bytes(edge) + raw + bytes(edge)
    kernel = _kernel(cutoff_hz / segment.frame_rate)
    pieces = (_filtered(padded[at : at + _PIECE + 2 * edge], kernel) for at in range(0, len(raw), _PIECE))
    return AudioSegment(b"".join(pieces), sample_width=2, frame_rate=segment.frame_rate, channels=1)


def _filtered(padded: bytes, kernel: list[float]) -> bytes:
    """16-bit samples, fewer than ``padded`` has by the kernel's length less one; summed with 32 bits."""
    wide = audioop.mul(audioop.lin2lin(padded, 2, 4), 4, 0.5)  # half: room for the sum's ripples
    size = len(wide) - 4 * (_TAPS - 1)
    middle = len(kernel) // 2
    total = audioop.mul(wide[4 * middle : 4 * middle + size], 4, kernel[middle])
    for n, tap in enumerate(kernel[:middle]):  # the same tap from both ends: one multiplication for two
        mirror = 4 * (len(kernel) - 1 - n)
        pair = audioop.add(wide[4 * n : 4 * n + size], wide[mirror : mirror + size], 4)
        total = audioop.add(total, audioop.mul(pair, 4, tap), 4)
    return bytes(audioop.lin2lin(audioop.mul(total, 4, 2.0), 4, 2))


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
