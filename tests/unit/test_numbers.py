"""Numbers worked out quickly are the numbers that phonenumbers works out, in every country."""

from __future__ import annotations

import random
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from crm_bridge.numbers import _KINDS, _plan, by_the_book, quick_e164

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
EACH = 150  # numbers of each region, in four forms


def national_numbers(region: str, chance: random.Random) -> Iterator[str]:
    """Examples of its books with some of their digits changed, longer and shorter ones, and any digits at all."""
    books = PhoneMetadata.metadata_for_region(region, None)
    assert books is not None
    descs = [getattr(books, kind) for kind in _KINDS]
    examples = [desc.example_number for desc in descs if desc is not None and desc.example_number]
    for _ in range(EACH):
        digits = list(chance.choice(examples)) if examples else []
        for _ in range(chance.choice((0, 1, 1, 2, 3, 6))):
            if digits:
                digits[chance.randrange(len(digits))] = str(chance.randrange(10))
        if chance.random() < 0.1:
            digits = [str(chance.randrange(10)) for _ in range(chance.randrange(1, 15))]
        yield "".join(digits[: chance.choice((99, 99, 99, 99, 8))]) + chance.choice(("", "", "", "", "7"))


def forms(number: str, region: str) -> Iterator[str]:
    books = PhoneMetadata.metadata_for_region(region, None)
    assert books is not None
    yield number
    yield f"+{books.country_code}{number}"
    yield f"{books.national_prefix or 0}{number}"
    yield f"{books.country_code}{number}"


@pytest.mark.parametrize("begin", range(0, len(REGIONS), 49))
def test_equal_to_the_book_in_every_country(begin: int) -> None:
    for region in REGIONS[begin : begin + 49]:
        chance = random.Random(region)
        for number in national_numbers(region, chance):
            for raw in forms(number, region):
                assert quick_e164(raw, region) == by_the_book(raw, region), (region, raw)


@pytest.mark.parametrize("region", ["CN", "DE", "US", "GB", "JP", "BR"])
def test_equal_to_the_book_for_random_digits(region: str) -> None:
    chance = random.Random(1)
    for _ in range(10_000):
        digits = "".join(str(chance.randrange(10)) for _ in range(chance.choice((7, 8, 10, 11, 11, 11, 12, 13))))
        for raw in (digits, f"1{digits[1:]}", f"0{digits}", f"+86{digits}"):
            assert quick_e164(raw, region) == by_the_book(raw, region), raw


@settings(max_examples=400, deadline=None)
@given(
    raw=st.text("0123456789+-() \n٣３０.;ext", max_size=18), region=st.sampled_from(["CN", "DE", "US", "IT", "ZZ", ""])
)
def test_what_is_no_plain_number_is_the_books_to_judge(raw: str, region: str) -> None:
    assert quick_e164(raw, region) == by_the_book(raw, region)


def test_ordinary_numbers_are_worked_out_quickly() -> None:
    """Or the tests above would compare the book with itself."""
    sure = {
        "CN": ("13800138000", "+8613800138000", "057187654321", "02162345678"),
        "DE": ("015123456789", "+4915123456789", "03012345678"),
        "US": ("2125550123", "+12125550123"),
        "GB": ("07400123456", "+447400123456", "02079460958"),
    }
    for region, numbers in sure.items():
        plan = _plan(region)
        assert plan is not None
        assert [raw for raw in numbers if plan.read(raw) is None] == []
