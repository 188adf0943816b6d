"""Whether a recording was made too loud: its tops cut off flat, which no levelling brings back.

The rule: a sample within 0.2 dB of full scale is at the top (G.711's own full scale included, so a recording from a
phone is judged alike). A stretch of such samples, of one sign and at least 0.3 ms long, is a cut top. A recording is
clipped when more than 0.2 % of it lies in cut tops. The loudest moments of sound speech touch the top for less.
"""

from __future__ import annotations

import math
import re

from ivr.prompts.audio import AudioSegment, audioop

LONGEST_TOUCH_MS = 0.3
MOST_CLIPPED = 0.002

# The upper byte of a 16-bit sample: 0x7d00 is 32,000 of 32,768; G.711 reaches 32,124 (µ-law) and 32,256 (A-law).
_TOP = rb"[\x7d-\x7f]{%d,}|[\x80-\x83]{%d,}"


def clipped_share(segment: AudioSegment) -> float:
    """The part of the worst channel that lies in cut tops, 0.0 to 1.0. ``segment``: 16 bit, any rate."""
    run = max(3, math.ceil(segment.frame_rate * LONGEST_TOUCH_MS / 1000))
    tops = re.compile(_TOP % (run, run))
    return max((_share(channel, tops) for channel in segment.split_to_mono()), default=0.0)


def _share(channel: AudioSegment, tops: re.Pattern[bytes]) -> float:
    upper = audioop.lin2lin(channel.raw_data, 2, 1)
    return sum(len(match[0]) for match in tops.finditer(upper)) / max(1, len(upper))
