"""Which numbers the centre may be asked to call: whoever dials our number could otherwise order calls to a line that
earns its owner money by the minute."""

from __future__ import annotations

from collections.abc import Collection

import phonenumbers
from phonenumbers import PhoneNumberType

# No premium rate, shared cost, personal (a forward that costs), pager; and no toll-free: nobody waits at one.
_ORDINARY = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
    }
)


def may_be_called(e164: str, countries: Collection[str]) -> bool:
    """An ordinary number that can exist (one that cannot has no type), of one of ``countries`` ("CN"). Countries that
    share a code (+1) are told apart."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.region_code_for_number(number) in countries and phonenumbers.number_type(number) in _ORDINARY
