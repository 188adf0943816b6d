"""What a recording is of: loud or not, all the time or with pauses, and how much of it is one pure tone."""

from __future__ import annotations

import math
import wave
from collections.abc import Collection
from pathlib import Path

from hotline.sip.rtp import level_dbfs

RATE = 8000
HUSH_DBFS = -50.0  # quieter than this nobody hears anything


def samples_of(path: Path) -> list[int]:
    """A WAV of 8 kHz mono 16 bit, also one that is still being written (its header then counts no frames)."""
    audio = path.read_bytes()[44:]
    return list(memoryview(audio[: len(audio) // 2 * 2]).cast("h"))


def saved(path: Path) -> list[int]:
    with wave.open(str(path)) as file:
        return list(memoryview(file.readframes(file.getnframes())).cast("h"))


def quietest_dbfs(samples: list[int], window_s: float = 0.5) -> float:
    """The level of the quietest window: a ringing tone has seconds without any sound, music has none."""
    size = round(window_s * RATE)
    return min(level_dbfs(samples[n : n + size]) for n in range(0, len(samples) - size + 1, size))


def breaths(samples: list[int], pause_s: float) -> list[tuple[float, float]]:
    """What was said, as (from, to) in seconds: pieces of sound with at least ``pause_s`` of hush between them."""
    step = RATE // 50
    loud = [n for n in range(0, len(samples) - step + 1, step) if level_dbfs(samples[n : n + step]) > HUSH_DBFS]
    found: list[tuple[float, float]] = []
    for at in (n / RATE for n in loud):
        if found and at - found[-1][1] < pause_s:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found


def likeness(heard: list[int], prompt: list[int]) -> float:
    """How well the loudness of ``prompt`` follows that of some piece of ``heard``, −1 to 1. The same words played
    again: above 0.95; other words of the same voice: below 0.8."""
    hush = [0] * (RATE // 4)  # the first moments of a call may be lost
    long, short = _envelope(hush + heard + hush), _envelope(prompt)
    starts = range(len(long) - len(short) + 1)
    return max((_correlation(long[at : at + len(short)], short) for at in starts), default=-1.0)


_WORD_S = 0.7  # a single short word is like some part of any sentence


def which_prompt(heard: list[int], folder: Path, language: str, begins: str = "", among: Collection[str] = ()) -> str:
    """The key of the prompt that was said, of those on a site's shelf (of ``among`` alone, where some are named); with
    a question mark and the likeness when none is like it."""
    files = folder.glob(f"{begins}*-{language}-*.wav")  # of one key there may be some, with other words
    keys = [(path.name.split("-")[0], path) for path in files]
    said = [(key, saved(path)) for key, path in keys if not among or key in among]
    score, best = max((likeness(heard, prompt), key) for key, prompt in said if among or len(prompt) > _WORD_S * RATE)
    return best if score > 0.9 else f"{best}? {score:.2f} in {len(heard) / RATE:.1f} s"


def _envelope(samples: list[int]) -> list[float]:
    step = RATE // 50
    return [math.sqrt(sum(s * s for s in samples[n : n + step])) for n in range(0, len(samples) - step + 1, step)]


def _correlation(one: list[float], other: list[float]) -> float:
    mean, other_mean = sum(one) / len(one), sum(other) / len(other)
    a, b = [x - mean for x in one], [x - other_mean for x in other]
    power = math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / power if power else 0.0


def tone_share(samples: list[int], hertz: int) -> float:
    """The part of the power that is at ``hertz`` (Goertzel), 0.0 to 1.0: a pure tone has 1, speech next to 0."""
    power = sum(sample * sample for sample in samples)
    if not power:
        return 0.0
    turn = 2 * math.cos(2 * math.pi * hertz / RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    found = before * before + last * last - turn * before * last
    return 2 * found / (len(samples) * power)
