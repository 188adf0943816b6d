"""A caller's number as the world writes it: E.164, the key under which a customer is found again."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers


@lru_cache(maxsize=10_000)
def e164(raw: str, region: str) -> str | None:
    """``+8613800138000`` for ``013800138000``, ``13800138000`` or ``008613800138000`` in region ``CN``.

    None for a withheld number, an internal extension, or what is no valid number of its country: such a
    caller has no customer, or all of them would be one.
    """
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
