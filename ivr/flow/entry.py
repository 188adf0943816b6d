"""What a caller types, by kind: when it is right, the value that it becomes, and how it is read back.

Pure: keys (0-9 and *) in, a canonical value out, or None when the keys are no such thing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import phonenumbers

from ivr.spoken import Spoken, SpokenKind
from ivr.spoken.value import spoken

COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)


@dataclass(frozen=True, slots=True)
class EntryKind:
    """``read(keys, country)``: the value. ``least``, ``most``: keys, unless the node says otherwise. ``said_as``: how
    it is read back; None: never, because it is secret."""

    read: Callable[[str, str], str | None]
    least: int
    most: int
    said_as: SpokenKind | None = SpokenKind.DIGITS

    @property
    def secret(self) -> bool:
        return self.said_as is None


def _digits(keys: str, country: str) -> str | None:
    return keys if keys.isdecimal() else None


def _phone(keys: str, country: str) -> str | None:
    """E.164. ``00`` is taken for the +, and a number of ``country`` needs no code. Only numbers that can exist."""
    if not keys.isdecimal():
        return None
    text = f"+{keys[2:]}" if keys.startswith("00") else keys
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _date(keys: str, country: str) -> str | None:
    """Year, month, day: 20260305. Other centuries than the last and this one are slips of the finger."""
    if not re.fullmatch(r"(19|20)[0-9]{6}", keys):
        return None
    try:
        return datetime.strptime(keys, "%Y%m%d").date().isoformat()  # noqa: DTZ007
    except ValueError:
        return None


def _amount(keys: str, country: str) -> str | None:
    """`*` is the point: 12*5 is 12.50."""
    if not re.fullmatch(r"[0-9]{1,9}(\*[0-9]{1,2})?", keys):
        return None
    return str(Decimal(keys.replace("*", ".")).quantize(Decimal("0.01")))


KINDS = {
    "digits": EntryKind(_digits, 1, 20),
    "order_number": EntryKind(_digits, 4, 20),
    "phone": EntryKind(_phone, 5, 20),
    "date": EntryKind(_date, 8, 8, SpokenKind.DATE),
    "amount": EntryKind(_amount, 1, 12, SpokenKind.MONEY),
    "pin": EntryKind(_digits, 4, 12, None),
}


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it (ISO/IEC 7812-1, annex B): every second digit from
    the right is doubled, and the sum of all digits is a multiple of ten."""
    doubled = "0246813579"
    total = sum(int(digit) for digit in digits[::-2])
    return (total + sum(int(doubled[int(digit)]) for digit in digits[-2::-2])) % 10 == 0


def read_back(kind: EntryKind, value: str, country: str, currency: str) -> Spoken | None:
    """None for a secret. A phone number of ``country`` is read as it is dialled there."""
    if kind.said_as is None:
        return None
    if kind.read is _phone:
        value = _as_dialled(value, country)
    return spoken(kind.said_as, value, currency)


def _as_dialled(value: str, country: str) -> str:
    number = phonenumbers.parse(value)
    if phonenumbers.region_code_for_number(number) != country:
        return f"00{value.removeprefix('+')}"
    return re.sub(r"[^0-9]", "", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))
