"""A value that is to be spoken, before anybody knows in which language.

It is made of text (what a caller has typed, what a flow or the CRM holds) and checked here once; what came through
can be said in every language.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

CURRENCIES = ("CNY", "HKD", "USD", "EUR")
LARGEST = 10**16  # above it no caller could follow, and Mandarin would need a unit that nobody uses
MOST_DIGITS = 40
MOST_LETTERS = 500  # of a text: a minute and more

_NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,9})?")
_WHOLE = re.compile(r"[0-9]{1,12}")
_MONEY = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,2})?")
_DIGITS = re.compile(r"\+?[0-9][0-9 -]*")
_UNSPOKEN = frozenset({"Cc", "Cs"})  # control characters, halves of a pair
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(:[0-5][0-9])?")


class Unspeakable(ValueError):
    """The text is no value of its kind, or a language has no words for it. Says so without the text, which may be
    private."""


class SpokenKind(StrEnum):
    NUMBER = "number"
    ORDINAL = "ordinal"
    DIGITS = "digits"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    MONEY = "money"
    TEXT = "text"  # said as it is, whatever the language


@dataclass(frozen=True, slots=True)
class Spoken:
    """Made by `spoken`. ``text`` is canonical: equal values are equal here."""

    kind: SpokenKind
    text: str
    currency: str = ""

    @property
    def amount(self) -> Decimal:
        return Decimal(self.text)

    @property
    def day(self) -> date:
        return date.fromisoformat(self.text)

    @property
    def hour_minute(self) -> tuple[int, int]:
        hour, minute = self.text.split(":")
        return int(hour), int(minute)

    @property
    def plain_digits(self) -> str:
        """What Asterisk's SAY DIGITS could read instead without telling a falsehood; "" when nothing would do."""
        plain = self.kind in (SpokenKind.DIGITS, SpokenKind.NUMBER) and self.text.isdecimal()
        return self.text if plain else ""


def spoken(kind: SpokenKind, text: str, currency: str = "CNY") -> Spoken:
    """``text`` by kind: number "-2.5"; ordinal "3"; digits "13800138000", a + and separators are left out; date
    "2026-03-05", a time behind it is left out; time "23:05"; duration, seconds "7325"; money "205.50"; text, up to 500
    letters, line breaks are taken for blanks. Raises Unspeakable."""
    try:
        canonical = _CANONICAL[kind](text.strip())
    except (ValueError, InvalidOperation):
        raise Unspeakable(f"not a {kind}") from None
    if kind is not SpokenKind.MONEY:
        return Spoken(kind, canonical)
    if currency not in CURRENCIES:
        raise Unspeakable(f"no words for the currency '{currency}'")
    return Spoken(kind, canonical, currency)


def _fit(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError
    return text


def _number(text: str) -> str:
    number = Decimal(_fit(_NUMBER, text))
    return f"{abs(number) if number == 0 else number.normalize():f}"


def _money(text: str) -> str:
    return str(Decimal(_number(_fit(_MONEY, text))).quantize(Decimal("0.01")))


def _ordinal(text: str) -> str:
    number = int(_fit(_WHOLE, text))
    if number == 0:
        raise ValueError
    return str(number)


def _digits(text: str) -> str:
    digits = re.sub(r"[^0-9]", "", _fit(_DIGITS, text))
    if len(digits) > MOST_DIGITS:
        raise ValueError
    return digits


def _date(text: str) -> str:
    return datetime.fromisoformat(text).date().isoformat()


def _text(text: str) -> str:
    """Without the marks that only a screen understands (writing directions, joiners)."""
    plain = " ".join("".join(letter for letter in text if unicodedata.category(letter) != "Cf").split())
    if not 0 < len(plain) <= MOST_LETTERS or any(unicodedata.category(letter) in _UNSPOKEN for letter in plain):
        raise ValueError
    return plain


def _time(text: str) -> str:
    hour, minute = _fit(_TIME, text).split(":")[:2]
    return f"{int(hour):02}:{minute}"


_CANONICAL = {
    SpokenKind.NUMBER: _number,
    SpokenKind.ORDINAL: _ordinal,
    SpokenKind.DIGITS: _digits,
    SpokenKind.DATE: _date,
    SpokenKind.TIME: _time,
    SpokenKind.DURATION: lambda text: str(int(_fit(_WHOLE, text))),
    SpokenKind.MONEY: _money,
    SpokenKind.TEXT: _text,
}
