"""What a file would do to the store: counted and told before anything is written, and written at one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from crm_bridge.changing import told
from crm_bridge.importing.house import Who

MADE = "*"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one thing. ``field`` `MADE`: the thing is new."""

    key: str
    field: str = MADE
    before: str | None = None
    after: str | None = None

    @classmethod
    def of(cls, key: str, field: str, before: object, after: object) -> Difference:
        return cls(key, field, *told(field, before, after))


@dataclass(frozen=True, slots=True)
class Plan:
    """Things (an order of five rows is one) that are new, changed and the same; ``write`` makes it so. ``differences``:
    what is changed first, then what is new."""

    new: int
    changed: int
    same: int
    write: Callable[[Connection, Who], None]
    differences: Callable[[], Iterator[Difference]]
