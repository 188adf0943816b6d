"""Which numbers a text message may go to: a line that cannot take one, or that costs by the message, is none."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumberType

# In some countries (the United States) nobody can tell a mobile number by itself.
_TEXTABLE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def textable(number: str, country: str, *, abroad: bool = False) -> str | None:
    """The number in E.164 when it exists, is a mobile one and of ``country`` ("CN"), where it is also at home without
    a code; ``abroad``: of any country."""
    try:
        found = phonenumbers.parse(number, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(found) or phonenumbers.number_type(found) not in _TEXTABLE:
        return None
    if not abroad and phonenumbers.region_code_for_number(found) != country:
        return None
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
