"""What a language must be able to say, and the shapes that the languages share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Tongue:
    """``number``: any Decimal below `value.LARGEST`, decimals digit by digit. ``ordinal``: ≥ 1. ``digits``: 0-9, one
    by one. ``time``: hour 0-23, minute. ``duration``: whole seconds ≥ 0. ``money``: an amount with at most two
    decimals, a currency of `value.CURRENCIES`."""

    number: Callable[[Decimal], str]
    ordinal: Callable[[int], str]
    digits: Callable[[str], str]
    day: Callable[[date], str]
    time: Callable[[int, int], str]
    duration: Callable[[int], str]
    money: Callable[[Decimal, str], str]


def whole_and_decimals(amount: Decimal) -> tuple[int, str]:
    """The absolute value's two halves: −2.50 → (2, "50"), 7 → (7, "")."""
    whole, _, decimals = f"{abs(amount):f}".partition(".")
    return int(whole), decimals


def cents(amount: Decimal) -> tuple[int, int]:
    """The absolute value in whole units and hundredths: −2.5 → (2, 50)."""
    return divmod(int(abs(amount) * 100), 100)


def by_unit(seconds: int) -> tuple[int, int, int, int]:
    """Days, hours, minutes, seconds."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return (*divmod(hours, 24), minute, second)


def breaths(digits: str) -> Iterator[str]:
    """Digits in groups that an ear can hold: threes and a rest of four at most (a mobile number: 3-4-4)."""
    if len(digits) == 11:
        yield from (digits[:3], digits[3:7], digits[7:])
        return
    while len(digits) > 4:
        yield digits[:3]
        digits = digits[3:]
    yield digits
