"""From any sound to a telephone's: mono, 16 bit, 8 kHz (or 16 kHz for a wideband phone), trimmed, levelled.

The level: −19 dBFS RMS over the whole file, unless its peak would pass −3 dBFS; then as loud as the peak
allows.
"""

from __future__ import annotations

import math

from ivr.prompts.audio import PHONE_HZ, AudioSegment, detect_leading_silence, low_pass

RMS_DBFS = -19.0
PEAK_DBFS = -3.0
# Part of every cached file's name: raise it when the same words would come out otherwise.
MAKING = f"phone-1/{RMS_DBFS}/{PEAK_DBFS}"

_SILENT_DBFS = -50.0
_MARGIN_MS = 60  # silence left at both ends: a phone swallows the first syllable of what begins at once
_CUTOFF = 0.45  # of the rate: above it a sound would come back as an image of itself


class NoSound(Exception):
    """There is nothing to hear in it."""


def telephone(segment: AudioSegment, hz: int = PHONE_HZ) -> AudioSegment:
    """Raises NoSound for silence."""
    mono = segment.set_channels(1)
    if mono.frame_rate > hz:
        mono = low_pass(mono, _CUTOFF * hz)
    return level(trim(mono.set_sample_width(2).set_frame_rate(hz)))


def trim(segment: AudioSegment) -> AudioSegment:
    """Cut the silence at both ends to a short margin. Raises NoSound when nothing else is there."""
    threshold = max(_SILENT_DBFS, segment.max_dBFS - 40.0)
    lead = detect_leading_silence(segment, threshold, chunk_size=5)
    if lead >= len(segment):
        raise NoSound
    tail = detect_leading_silence(segment.reverse(), threshold, chunk_size=5)
    margin = AudioSegment.silent(_MARGIN_MS, frame_rate=segment.frame_rate)
    return margin + segment[lead : len(segment) - tail] + margin


def level(segment: AudioSegment) -> AudioSegment:
    """To the level that the module's head states."""
    if math.isinf(segment.dBFS):
        raise NoSound
    gain = min(RMS_DBFS - segment.dBFS, PEAK_DBFS - segment.max_dBFS)
    return segment.apply_gain(gain)
