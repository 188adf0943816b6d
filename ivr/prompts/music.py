"""Music on hold of our own: half a minute of a slow pentatonic tune, plucked softly, that loops without a
seam.

Made, not brought: no package with music comes along and nobody's rights are touched. Deterministic.
"""

from __future__ import annotations

import math
from array import array
from pathlib import Path

from ivr.prompts.audio import PHONE_HZ, AudioSegment, write_wav

VERSION = 1
SECONDS = 32
RMS_DBFS = -26.0  # below speech, so that an announcement stands out

_BEAT_S = 0.5
_RING_S = 2.5  # how long a note sounds
_PARTIALS = ((1, 1.0), (2, 0.35), (3, 0.12))
# Semitones above A3 (220 Hz), one per beat; None rests. Scale of A minor pentatonic: 0 3 5 7 10 12 15.
_TUNE: tuple[int | None, ...] = (
    *(12, None, 10, 7, 10, None, 5, None, 7, None, 5, 3, 5, None, 0, None),
    *(3, None, 5, 7, 10, None, 12, None, 15, None, 12, 10, 7, None, None, None),
    *(12, None, 15, 12, 10, None, 7, None, 5, None, 7, 10, 7, None, 3, None),
    *(5, None, 3, 0, 3, None, 5, None, 7, None, 5, 3, 0, None, None, None),
)
_BASS = (-12, -7, -9, -5, -12, -9, -7, -12)  # one every eight beats


def make_music(folder: Path) -> Path:
    """The only sound file in ``folder`` (Asterisk plays all that it finds there); made if it is not there
    yet."""
    path = folder / f"hold-{VERSION}.wav"
    if not path.exists():
        write_wav(tune(), path)
    for other in folder.glob("hold-*.wav"):
        if other != path:
            other.unlink()
    return path


def tune() -> AudioSegment:
    """8 kHz, mono, 16 bit, `SECONDS` long."""
    mix = array("d", bytes(8 * SECONDS * PHONE_HZ))
    for beat, semitones in enumerate(_TUNE):
        if semitones is not None:
            _pluck(mix, beat * _BEAT_S, semitones, 1.0)
    for bar, semitones in enumerate(_BASS):
        _pluck(mix, bar * 8 * _BEAT_S, semitones, 0.8)
    peak = max(map(abs, mix))
    samples = array("h", (round(16000 * value / peak) for value in mix))
    segment = AudioSegment(data=samples.tobytes(), sample_width=2, frame_rate=PHONE_HZ, channels=1)
    return segment.apply_gain(RMS_DBFS - segment.dBFS)


def _pluck(mix: array[float], start_s: float, semitones: int, strength: float) -> None:
    """Add one fading note. What rings past the end goes on at the beginning: the loop has no seam."""
    step = 2 * math.pi * 220.0 * 2 ** (semitones / 12) / PHONE_HZ
    first = round(start_s * PHONE_HZ)
    count = round(_RING_S * PHONE_HZ)
    for n in range(count):
        fade = math.exp(-3.5 * n / count) * min(1.0, n / 120, (count - n) / 400) * strength
        value = sum(share * math.sin(order * step * n) for order, share in _PARTIALS)
        mix[(first + n) % len(mix)] += fade * value
