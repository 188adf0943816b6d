"""What is wrong with a file, told so that its owner can mend it: the row, the column, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from heapq import nsmallest

SHOWN = 100
_KEPT = 100 * SHOWN
_LONGEST = 40


class Bad(ValueError):
    """A cell that is not what its column takes; the message says what to write, and does not name row or column."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """``row``: the line of the file, counted from 1, the heading included. ``column``: '' for the whole row."""

    row: int
    column: str
    text: str

    def __str__(self) -> str:
        where = f"row {self.row}, {self.column}" if self.column else f"row {self.row}"
        return f"{where}: {self.text}"


@dataclass(slots=True)
class Problems:
    """All are counted; the first ones of the file are kept."""

    count: int = 0
    _kept: list[Problem] = field(default_factory=list)

    def add(self, row: int, column: str, text: str) -> None:
        self.count += 1
        self._kept.append(Problem(row, column, text))
        if len(self._kept) >= _KEPT:
            self._kept = nsmallest(SHOWN, self._kept)

    @property
    def first(self) -> tuple[Problem, ...]:
        """In the order of the file."""
        return tuple(nsmallest(SHOWN, self._kept))


def shown(value: str) -> str:
    """In quotes, in one line, not too long."""
    plain = "".join(letter if letter.isprintable() else "·" for letter in value)
    return f"'{plain[:_LONGEST]}…'" if len(plain) > _LONGEST else f"'{plain}'"


def nearest(word: str, among: Iterable[str]) -> str:
    """The one of ``among`` (not empty) that looks most like it."""
    names = list(among)
    return next(iter(get_close_matches(word, names, n=1, cutoff=0.0)), names[0])
