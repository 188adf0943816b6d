"""What the doctor says: how bad, what was seen, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """``cure`` is '' for OK. Neither holds a secret."""

    level: Level
    what: str
    cure: str = ""


def ok(what: str) -> Finding:
    return Finding(Level.OK, what)


def warn(what: str, cure: str) -> Finding:
    return Finding(Level.WARN, what, cure)


def fail(what: str, cure: str) -> Finding:
    return Finding(Level.FAIL, what, cure)
