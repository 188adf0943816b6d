"""What is wrong with a site, told so that an admin can put a finger on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Gravity(StrEnum):
    ERROR = "error"
    WARNING = "warning"  # the site runs, but hardly as it was meant


@dataclass(frozen=True, slots=True)
class SiteProblem:
    """``file`` is relative to the site's folder; ``line`` counts from 1 (0: the whole file); ``key`` is the
    path in the file with dots (``sales.steps.0.require``). Never holds a secret's value."""

    file: str
    line: int
    key: str
    message: str
    hint: str = ""
    gravity: Gravity = Gravity.ERROR

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}:{key} {self.message}{hint}"


class SiteError(Exception):
    """The site cannot be used. ``problems`` has all of them, not the first."""

    def __init__(self, problems: Sequence[SiteProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def errors(problems: Sequence[SiteProblem]) -> list[SiteProblem]:
    return [problem for problem in problems if problem.gravity is Gravity.ERROR]
