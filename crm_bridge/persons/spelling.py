"""A telephone number however it is written, and a mail address, found in any text and blotted out there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers

from crm_bridge.numbers import e164

_SHORTEST = 5  # digits: what is shorter is no number of a person's


class NoNumber(ValueError):
    """The message is for a person."""


def known_as(raw: str, region: str) -> str:
    """The one spelling under which we keep it: E.164; or, where it is no number of any country, its digits. Raises
    NoNumber."""
    found = e164(raw, region)
    if found is not None:
        return found
    digits = re.sub(r"[^0-9+]", "", raw)
    if len(digits.lstrip("+")) < _SHORTEST:
        raise NoNumber(f"'{raw}' is no telephone number")
    return digits


@dataclass(frozen=True, slots=True)
class Spellings:
    """``cores``: what every spelling has in it."""

    cores: tuple[str, ...]
    pattern: re.Pattern[str]
    byte_pattern: re.Pattern[bytes]

    @classmethod
    def of(cls, numbers: Iterable[str], addresses: Iterable[str] = ()) -> Spellings:
        """``numbers`` as `known_as` tells them; ``addresses``: mail."""
        wanted, mails = sorted(set(numbers)), sorted(set(addresses))
        told = [rf"(?<![0-9])(?:{_any_spelling(number)})(?![0-9])" for number in wanted]
        told += [rf"(?<![\w.+-]){re.escape(mail)}(?![\w-])" for mail in mails]
        whole = "|".join(told) or r"(?!)"
        cores = (*(_parts(number)[1] for number in wanted), *mails)
        return cls(cores, re.compile(whole), re.compile(whole.encode()))

    def blotted(self, text: str) -> str:
        """As long as before."""
        if not any(core in text for core in self.cores):
            return text
        return self.pattern.sub(lambda found: "*" * len(found[0]), text)

    def blotted_bytes(self, content: bytes) -> bytes:
        return self.byte_pattern.sub(lambda found: b"*" * len(found[0]), content)

    def blotted_value(self, value: Any) -> Any:
        """All texts in what JSON holds, and numbers that are one."""
        if isinstance(value, str):
            return self.blotted(value)
        if isinstance(value, Mapping):
            return {self.blotted(str(key)): self.blotted_value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.blotted_value(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and self.found_in(str(value)):
            return None
        return value

    def found_in(self, text: str) -> bool:
        return any(core in text for core in self.cores) and self.pattern.search(text) is not None


def _any_spelling(number: str) -> str:
    code, national = _parts(number)
    return rf"(?:(?:\+|00)?{code}|0)?{re.escape(national)}" if code else re.escape(national)


def _parts(number: str) -> tuple[str, str]:
    """Country code ('' for a number of no country) and the rest."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return "", number
    return str(parsed.country_code), phonenumbers.national_significant_number(parsed)
