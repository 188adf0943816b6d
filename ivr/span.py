"""A span of one day, in minutes of the wall clock, and how it is written: ``09:00-12:30``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Minutes since midnight, ``opens`` ≤ t < ``closes``; 1440 is the midnight at the day's end."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{_clock(self.opens)}-{_clock(self.closes)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def parse_span(text: str) -> Span:
    """``09:00-12:30``; the end may be ``24:00``. Raises ValueError."""
    opens, closes = (_minutes(part) for part in text.split("-"))
    if opens >= closes:
        raise ValueError(f"{text} ends before it begins; past midnight is the next day's 00:00-…")
    return Span(opens, closes)


def parse_spans(texts: Iterable[str]) -> tuple[Span, ...]:
    """Sorted. Raises ValueError."""
    return tuple(sorted(map(parse_span, texts)))


def _minutes(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    total = hours * 60 + minutes
    if minutes > 59 or total > DAY_MINUTES:
        raise ValueError(f"{text} is no time of day")
    return total


def _sound_day(texts: list[str]) -> list[str]:
    for first, second in pairwise(parse_spans(texts)):
        if second.opens < first.closes:
            raise ValueError(f"{first} and {second} overlap")
    return texts


SpanText = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$")]
DayText = Annotated[list[SpanText], AfterValidator(_sound_day)]
