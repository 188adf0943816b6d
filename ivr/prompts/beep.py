"""The last resort of every prompt: a short tone. A caller may hear a beep where words are missing, never
nothing."""

from __future__ import annotations

import math
from array import array

from ivr.prompts.audio import PHONE_HZ, AudioSegment

_HZ = 660
_SECONDS = 0.35
_AMPLITUDE = 0.25


def beep() -> AudioSegment:
    """A tone with soft edges, at about −15 dBFS."""
    count = int(PHONE_HZ * _SECONDS)
    samples = array("h", (round(32767 * _AMPLITUDE * _wave(n, count)) for n in range(count)))
    return AudioSegment(data=samples.tobytes(), sample_width=2, frame_rate=PHONE_HZ, channels=1)


def _wave(n: int, count: int) -> float:
    edge = min(1.0, n / 160, (count - n) / 160)
    return edge * math.sin(2 * math.pi * _HZ * n / PHONE_HZ)
