"""What the cells of a file may say. Each reads one cell, without the space around it, and raises Bad with what to do.

They take what `crm.yaml` takes, so that a thing is called the same wherever it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal

from crm_bridge.importing.currencies import CURRENCIES, OF_THE_STREET
from crm_bridge.importing.problem import Bad, nearest, shown
from crm_bridge.numbers import quick_e164

Reader = Callable[[str], object]

_KEY = re.compile(r"[A-Za-z0-9-]{1,32}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_EMAIL = re.compile(r"[^@\s<>\"',;]{1,64}@[A-Za-z0-9.-]{1,189}")
# Control characters, and those that turn a text around.
_UNSEEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_AMOUNT = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4})?")
_GROUPED = re.compile(r"[0-9]{1,3}([,' \u00a0\u202f][0-9]{3})+(\.[0-9]+)?")
_WHOLE = re.compile(r"[0-9]{1,9}")
_YEAR_FIRST = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})-|/([0-9]{1,2})/)([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_PIN = re.compile(r"[0-9]{4,12}")
_EXCEL = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+")
_OLDEST, _NEWEST = 1900, 2199


def key(text: str) -> str:
    """The number of a customer, an order, …: people say and type it."""
    if not _KEY.fullmatch(text):
        raise Bad(f"{shown(text)} is no number of ours: 1 to 32 letters (A-Z), digits and hyphens{_excel(text)}")
    return text


def word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise Bad(f"{shown(text)} is no word: small letters (a-z), digits and _, a letter first, at most 32")
    return text


def label(width: int) -> Callable[[str], str]:
    """Any text in one line."""

    def read(text: str) -> str:
        if len(text) > width:
            raise Bad(f"{shown(text)} has {len(text)} characters; at most {width}")
        if not text.isprintable() and (unseen := _UNSEEN.search(text)):
            raise Bad(f"{shown(text)} has a control character in it (U+{ord(unseen[0]):04X}): take it out")
        return text

    return read


def one_of(words: Collection[str], what: str) -> Callable[[str], str]:
    """``what``: for the message ("agent of agents.yaml")."""

    def read(text: str) -> str:
        if text in words:
            return text
        if not words:
            raise Bad(f"{shown(text)}: there is no {what}")
        raise Bad(f"{shown(text)} is no {what}; the nearest is '{nearest(text, sorted(words))}'")

    return read


def status(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise Bad(f"{shown(text)} is none of {', '.join(words)}")
        return text

    return read


def email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise Bad(f"{shown(text)} is no mail address")
    return text


def amount(text: str) -> Decimal:
    """Exact, and not negative."""
    if _AMOUNT.fullmatch(text):
        return Decimal(text)
    raise Bad(f"{shown(text)} is no amount: {_how_to_write(text)}")


def _how_to_write(text: str) -> str:
    if _GROUPED.fullmatch(text):
        return f"write it without thousands separators, {re.sub(r'[^0-9.]', '', text)}"
    if re.fullmatch(r"[0-9]{1,14},[0-9]{1,4}", text):
        return f"the decimal point is '.', write {text.replace(',', '.')}"
    if re.fullmatch(r"[0-9]+\.[0-9]{5,}", text):
        return "at most four digits after the point"
    return "write it as 1234.50, digits only, at most 14 before the point and four after it"


def whole(text: str) -> int:
    """A quantity."""
    if not _WHOLE.fullmatch(text) or int(text) == 0:
        raise Bad(f"{shown(text)} is no quantity: a whole number from 1")
    return int(text)


def currency(text: str) -> str:
    if text in CURRENCIES:
        return text
    meant = OF_THE_STREET.get(text.upper(), text.upper())
    hint = f"write {meant}" if meant in CURRENCIES else "three capitals of ISO 4217, as CNY or EUR"
    raise Bad(f"{shown(text)} is no currency: {hint}")


def day(text: str) -> date:
    """2026-11-24, 2026/11/24, and 24.11.2026 where no month could be meant by the first number."""
    found = _YEAR_FIRST.fullmatch(text)
    if found:
        return _date(text, int(found[1]), int(found[2] or found[3]), int(found[4]))
    found = _DAY_FIRST.fullmatch(text)
    if found is None:
        raise Bad(f"{shown(text)} is no day: write it as 2026-11-24")
    first, second, year = int(found[1]), int(found[2]), int(found[3])
    if first != second and first <= 12 and second <= 12:
        raise Bad(
            f"{shown(text)} may be two days: write {year}-{second:02}-{first:02} or {year}-{first:02}-{second:02}"
        )
    return _date(text, year, second, first)


def _date(text: str, year: int, month: int, day_: int) -> date:
    if not _OLDEST <= year <= _NEWEST:
        raise Bad(f"{shown(text)} is in the year {year}: {_OLDEST} to {_NEWEST}")
    try:
        return date(year, month, day_)
    except ValueError:
        raise Bad(f"{shown(text)}: the calendar has no such day") from None


def phone(country: str) -> Callable[[str], str]:
    """As E.164."""

    def read(text: str) -> str:
        found = quick_e164(text, country)
        if found is None:
            raise Bad(
                f"{shown(text)} is no telephone number of {country}, nor one of another country with + and its code"
                f"{_excel(text)}"
            )
        return found

    return read


def phones(country: str) -> Callable[[str], tuple[str, ...]]:
    """Several, with ; or space between them."""
    one = phone(country)

    def read(text: str) -> tuple[str, ...]:
        parts = text.replace(";", " ").split()
        try:
            return (one(text),) if len(parts) == 1 and parts[0] == text else tuple(dict.fromkeys(map(one, parts)))
        except Bad:
            if len(parts) > 1 and ";" not in text and (found := quick_e164("".join(parts), country)):
                raise Bad(f"{shown(text)} would be {len(parts)} numbers: write {found} without spaces") from None
            raise

    return read


def pin(text: str) -> str:
    """Never in a message."""
    if not _PIN.fullmatch(text):
        raise Bad("is no PIN: 4 to 12 digits")
    return text


def _excel(text: str) -> str:
    return " (a spreadsheet has shortened it: format its column as text)" if _EXCEL.fullmatch(text) else ""
