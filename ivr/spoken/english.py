"""English, as in the United States: no "and" inside a number, month before day, a clock of twelve hours."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ivr.spoken.tongue import Tongue, breaths, by_unit, cents, whole_and_decimals

_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten",
    "eleven",
    "twelve",
    *(f"{stem}teen" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine")),
)
_SMALL = (*_ONES, *_TEENS)
_TENS = ("", "", *(f"{stem}ty" for stem in ("twen", "thir", "for", "fif", "six", "seven", "eigh", "nine")))
_STEPS = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
_FIRST_HALF = ("January", "February", "March", "April", "May", "June")
_SECOND_HALF = ("July", "August", "September", "October", "November", "December")
_MONTHS = ("", *_FIRST_HALF, *_SECOND_HALF)
_ODD_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
# One and many of the unit, one and many of its hundredth.
_MONEY = {
    "CNY": ("yuan", "yuan", "fen", "fen"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
}


def cardinal(number: int) -> str:
    """0 ≤ ``number`` < 10¹⁶."""
    if number < 20:
        return _SMALL[number]
    if number < 100:
        ten, one = divmod(number, 10)
        return _TENS[ten] + (f"-{_SMALL[one]}" if one else "")
    size, unit = next(step for step in _STEPS if number >= step[0])
    head, tail = divmod(number, size)
    return f"{cardinal(head)} {unit}" + (f" {cardinal(tail)}" if tail else "")


def ordinal(number: int) -> str:
    """Only the last word changes: twenty-first, two hundred fifth, one hundredth."""
    words = cardinal(number)
    last = words.replace("-", " ").split()[-1]
    return words.removesuffix(last) + _last_ordinal(last)


def _last_ordinal(word: str) -> str:
    if word in _ODD_ORDINALS:
        return _ODD_ORDINALS[word]
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"


def _of(count: int, one: str, many: str) -> str:
    return f"{cardinal(count)} {one if count == 1 else many}"


def _listed(parts: list[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _number(amount: Decimal) -> str:
    whole, decimals = whole_and_decimals(amount)
    point = " point " + " ".join(_SMALL[int(digit)] for digit in decimals) if decimals else ""
    return ("minus " if amount < 0 else "") + cardinal(whole) + point


def _spelled(digits: str) -> str:
    return ", ".join(" ".join(_SMALL[int(digit)] for digit in group) for group in breaths(digits))


def _day(day: date) -> str:
    return f"{_MONTHS[day.month]} {ordinal(day.day)}, {_year(day.year)}"


def _year(year: int) -> str:
    """Nineteen oh five, nineteen hundred, two thousand five, twenty twenty-six."""
    century, rest = divmod(year, 100)
    if century < 10 or (century % 10 == 0 and rest < 10):
        return cardinal(year)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {_after_oh(rest)}"


def _after_oh(number: int) -> str:
    return f"oh {cardinal(number)}" if number < 10 else cardinal(number)


def _time(hour: int, minute: int) -> str:
    if minute == 0 and hour % 12 == 0:
        return "twelve noon" if hour else "midnight"
    past = f" {_after_oh(minute)}" if minute else ""
    return f"{cardinal((hour - 1) % 12 + 1)}{past} {'AM' if hour < 12 else 'PM'}"


def _duration(seconds: int) -> str:
    counted = zip(by_unit(seconds), ("day", "hour", "minute", "second"), strict=True)
    parts = [_of(count, unit, f"{unit}s") for count, unit in counted if count]
    return _listed(parts) if parts else "zero seconds"


def _money(amount: Decimal, currency: str) -> str:
    units, hundredths = cents(amount)
    unit, units_many, cent, cents_many = _MONEY[currency]
    parts = [_of(hundredths, cent, cents_many)] if hundredths else []
    if units or not parts:
        parts.insert(0, _of(units, unit, units_many))
    return ("minus " if amount < 0 else "") + _listed(parts)


ENGLISH = Tongue(_number, ordinal, _spelled, _day, _time, _duration, _money)
