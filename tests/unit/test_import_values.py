"""What a cell may say: a value that is exactly what was written, or a word on how to write it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.importing import values
from crm_bridge.importing.problem import Bad

DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))
AMOUNTS = st.decimals(0, 99999999999999, allow_nan=False, allow_infinity=False, places=4)


@given(day=DAYS)
def test_a_day_is_read_as_it_is_written(day: date) -> None:
    assert values.day(day.isoformat()) == day
    assert values.day(f"{day.year}/{day.month:02}/{day.day:02}") == day
    assert values.day(f"{day.year}/{day.month}/{day.day}") == day


@given(day=DAYS)
def test_a_day_first_is_read_only_where_it_can_be_one_day(day: date) -> None:
    text = f"{day.day:02}.{day.month:02}.{day.year}"
    if day.day > 12 or day.day == day.month:
        assert values.day(text) == day
    else:
        with pytest.raises(Bad, match=rf"{day.isoformat()}") as caught:
            values.day(text)
        assert date(day.year, day.day, day.month).isoformat() in str(caught.value)


@given(text=st.text(alphabet="0123456789-/.T: ", max_size=12))
def test_whatever_is_read_as_a_day_names_it_without_a_doubt(text: str) -> None:
    try:
        day = values.day(text)
    except Bad:
        return
    numbers = sorted(int(part) for part in text.replace("/", "-").replace(".", "-").split("-"))
    assert numbers == sorted((day.year, day.month, day.day))
    assert text.startswith(f"{day.year}") or day.day > 12 or day.day == day.month


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-02-30", "no such day"),
        ("31.02.2026", "no such day"),
        ("11/24/2026", "write it as 2026-11-24"),
        ("24.11.26", "write it as"),
        ("2026-11-24 00:00:00", "write it as"),
        ("0026-11-24", "year 26"),
        ("3026-11-24", "year 3026"),
        ("２０２６-11-24", "write it as"),
        ("today", "write it as"),
    ],
)
def test_what_is_no_day_is_told_how_to_be_one(text: str, said: str) -> None:
    with pytest.raises(Bad, match=said):
        values.day(text)


@given(amount=AMOUNTS)
def test_an_amount_is_exact(amount: Decimal) -> None:
    assert values.amount(f"{amount:f}") == amount
    if amount == amount.to_integral_value():
        assert values.amount(str(int(amount))) == amount


@given(text=st.text(alphabet="0123456789.,'-+eE ¥\u00a0", max_size=14))
def test_whatever_is_read_as_an_amount_is_what_decimal_reads(text: str) -> None:
    try:
        amount = values.amount(text)
    except Bad:
        return
    assert amount == Decimal(text)
    assert 0 <= amount < 10**14
    assert amount == round(amount, 4)
    assert set(text) <= set("0123456789.")


@given(amount=st.integers(1000, 99_999_999), mark=st.sampled_from([",", " ", "'", "\u00a0"]))
def test_a_grouped_amount_is_told_without_its_groups(amount: int, mark: str) -> None:
    grouped = f"{amount:,}".replace(",", mark)
    with pytest.raises(Bad, match=f"thousands separators, {amount}$"):
        values.amount(grouped)
    with pytest.raises(Bad, match=rf"thousands separators, {amount}\.50$"):
        values.amount(f"{grouped}.50")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12,5", r"write 12\.5"),
        ("1.00001", "at most four digits"),
        ("123456789012345", "at most 14"),
        ("-5", "write it as"),
        ("¥100", "write it as"),
        ("1e3", "write it as"),
        ("NaN", "write it as"),
        ("１２", "write it as"),
    ],
)
def test_what_is_no_amount_is_told_how_to_be_one(text: str, said: str) -> None:
    with pytest.raises(Bad, match=said):
        values.amount(text)


def test_phones_have_semicolons_or_spaces_between_them_and_each_counts_once() -> None:
    read = values.phones("CN")
    assert read("13800138000; 021-62345678;+8613800138000") == ("+8613800138000", "+862162345678")
    assert read("13800138000 013800138000 13900139000") == ("+8613800138000", "+8613900139000")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12345", "'12345' is no telephone number of CN"),
        ("13800138000;999", "'999' is no telephone number"),
        ("138 0013 8000", r"write \+8613800138000 without spaces"),
        ("1.38E+10", "format its column as text"),
    ],
)
def test_what_is_no_phone(text: str, said: str) -> None:
    with pytest.raises(Bad, match=said):
        values.phones("CN")(text)


@pytest.mark.parametrize("text", ["a\x00b", "a\tb", "a\nb", "a\u202eb", "a\x9bb", "\ufeffa"])
def test_control_characters_are_refused_wherever_they_stand(text: str) -> None:
    with pytest.raises(Bad, match="control character"):
        values.label(120)(text)


@pytest.mark.parametrize("text", ["王　芳", "=cmd|' /C calc'!A0", "Zoë — “quoted”", "𠀀", "a\u00a0b"])
def test_any_other_text_is_a_text(text: str) -> None:
    assert values.label(120)(text) == text


def test_a_pin_is_in_no_message() -> None:
    with pytest.raises(Bad) as caught:
        values.pin("12a4567")
    assert "12a4567" not in str(caught.value)


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (values.key, "A-17", "A 17"),
        (values.key, "2026110017", "2.03E+09"),
        (values.word, "gold_1", "Gold"),
        (values.currency, "CNY", "cny"),
        (values.currency, "EUR", "EUX"),
        (values.whole, "3", "0"),
        (values.whole, "3", "1.5"),
        (values.email, "fang@example.com", "fang@@example.com"),
        (values.status("paid", "placed"), "paid", "payed"),
        (values.one_of(["1001", "1002"], "agent"), "1001", "1003"),
    ],
)
def test_words_that_are_taken_and_words_that_are_not(read: values.Reader, good: str, bad: str) -> None:
    assert str(read(good)) == good
    with pytest.raises(Bad):
        read(bad)


@pytest.mark.parametrize(("text", "meant"), [("RMB", "CNY"), ("cny", "CNY"), ("¥", "CNY"), ("€", "EUR")])
def test_a_currency_that_is_meant_is_told(text: str, meant: str) -> None:
    with pytest.raises(Bad, match=f"write {meant}"):
        values.currency(text)
