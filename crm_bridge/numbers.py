"""A caller's number as the world writes it: E.164, the key under which a customer is found again.

phonenumbers takes some 14 µs for one, most of it for what people may put between the digits. A number of digits alone
that its own books leave no doubt about is worked out from those books here, ten times as fast; everything else, and
every doubt, is left to it. The tests hold the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

_KINDS = (
    *("fixed_line", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan", "voicemail"),
    "mobile",
)


@lru_cache(maxsize=10_000)
def e164(raw: str, region: str) -> str | None:
    """``+8613800138000`` for ``013800138000``, ``13800138000`` or ``008613800138000`` in region ``CN``.

    None for a withheld number, an internal extension, or what is no valid number of its country: such a
    caller has no customer, or all of them would be one.
    """
    return quick_e164(raw, region)


def quick_e164(raw: str, region: str) -> str | None:
    """The same, without a memory: for a million numbers that come once."""
    plan = _plan(region)
    return (plan.read(raw) if plan is not None else None) or by_the_book(raw, region)


def by_the_book(raw: str, region: str) -> str | None:
    """phonenumbers' own word."""
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A country's numbering plan. ``code``: with its plus. ``abroad``: what follows it; ``home``: what is dialled at
    home; ``trunked``: with the ``trunk`` prefix before it, if that is what ``prefix`` finds there. All of them are sure
    to be valid, and nothing else in them can be read as a prefix."""

    code: str
    abroad: re.Pattern[str]
    home: re.Pattern[str]
    trunk: str
    trunked: re.Pattern[str] | None
    prefix: re.Pattern[str]

    def read(self, raw: str) -> str | None:
        """None: in doubt."""
        if raw.startswith("+"):
            return raw if raw.startswith(self.code) and self.abroad.fullmatch(raw, len(self.code)) else None
        if self.home.fullmatch(raw):
            return self.code + raw
        if self.trunked is None or not self.trunked.fullmatch(raw):
            return None
        found, trunk = self.prefix.match(raw), len(self.trunk)
        return self.code + raw[trunk:] if found is not None and found.end() == trunk else None


@lru_cache(maxsize=300)
def _plan(region: str) -> _Plan | None:
    """None for a country that others share a code with and that is not the first of them."""
    books = PhoneMetadata.metadata_for_region(region, None)
    if books is None or books.general_desc is None or books.leading_digits is not None:
        return None
    code = str(books.country_code)
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
    if regions[:1] != (region,) or any(int(code[:n]) in COUNTRY_CODE_TO_REGION_CODE for n in range(1, len(code))):
        return None
    general, valid = _of_desc(books.general_desc), "|".join(_valid(books))
    if not general or not valid:
        return None
    number = f"(?!0)(?=(?:{general})\\Z)(?:{valid})"
    parsing, trunk = books.national_prefix_for_parsing or "", books.national_prefix or ""
    at_home = f"{_unlike(books.international_prefix)}(?!{code})"
    plain = trunk.isdecimal() and parsing and not books.national_prefix_transform_rule
    return _Plan(
        f"+{code}",
        _digits(_unlike(parsing) + number),
        _digits(at_home + _unlike(parsing) + number),
        trunk,
        _digits(at_home + trunk + number) if plain else None,
        _digits(parsing),
    )


def _valid(books: PhoneMetadata) -> Iterator[str]:
    for kind in _KINDS:
        if kind != "mobile" or not books.same_mobile_and_fixed_line_pattern:
            yield from filter(None, [_of_desc(getattr(books, kind))])


def _of_desc(desc: PhoneNumberDesc | None) -> str:
    if desc is None or not desc.national_number_pattern:
        return ""
    lengths = "|".join(f"[0-9]{{{length}}}" for length in desc.possible_length if length > 0)
    return f"(?=(?:{lengths})\\Z)(?:{desc.national_number_pattern})" if lengths else desc.national_number_pattern


def _unlike(pattern: str | None) -> str:
    return f"(?!{pattern})" if pattern else ""


def _digits(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)  # elsewhere other scripts have digits too
