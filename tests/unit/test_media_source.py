"""DNIS → advert."""

from __future__ import annotations

import pytest

from ivr.media_source import NumberSpec, Tag, tag

NUMBERS = {
    "4008001001": NumberSpec("4008001001", "tv_spot", "spring", "main"),
    "4008001002": NumberSpec("4008001002", "newspaper", None, "main"),
    "4008001009": NumberSpec("4008001009", None, None, "main"),
}


@pytest.mark.parametrize(
    ("dnis", "expected"),
    [
        ("4008001001", Tag("tv_spot", "spring")),
        ("4008001002", Tag("newspaper", "")),
        ("4008001009", Tag("unknown", "")),
        ("400800100", Tag("unknown", "")),
        ("40080010011", Tag("unknown", "")),
        ("", Tag("unknown", "")),
        ("4008001001\r\n", Tag("unknown", "")),
    ],
)
def test_tag(dnis: str, expected: Tag) -> None:
    assert tag(dnis, NUMBERS) == expected
