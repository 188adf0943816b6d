"""Right sentences, by language. The tables are the specification: a native speaker has to agree with each line."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.spoken import TONGUES, Spoken, SpokenKind, Unspeakable, in_words
from ivr.spoken.english import cardinal as english
from ivr.spoken.english import ordinal
from ivr.spoken.mandarin import cardinal as mandarin
from ivr.spoken.value import spoken

NUMBERS = [
    ("0", "零", "zero"),
    ("2", "二", "two"),
    ("10", "十", "ten"),
    ("12", "十二", "twelve"),
    ("13", "十三", "thirteen"),
    ("18", "十八", "eighteen"),
    ("20", "二十", "twenty"),
    ("22", "二十二", "twenty-two"),
    ("40", "四十", "forty"),
    ("100", "一百", "one hundred"),
    ("102", "一百零二", "one hundred two"),
    ("110", "一百一十", "one hundred ten"),
    ("112", "一百一十二", "one hundred twelve"),
    ("205", "两百零五", "two hundred five"),
    ("222", "两百二十二", "two hundred twenty-two"),
    ("1002", "一千零二", "one thousand two"),
    ("1020", "一千零二十", "one thousand twenty"),
    ("2000", "两千", "two thousand"),
    ("2202", "两千两百零二", "two thousand two hundred two"),
    ("10000", "一万", "ten thousand"),
    ("10010", "一万零一十", "ten thousand ten"),
    ("10200", "一万零两百", "ten thousand two hundred"),
    ("20002", "两万零二", "twenty thousand two"),
    ("22000", "两万两千", "twenty-two thousand"),
    ("100000", "十万", "one hundred thousand"),
    ("101000", "十万一千", "one hundred one thousand"),
    ("120000", "十二万", "one hundred twenty thousand"),
    ("1000000", "一百万", "one million"),
    ("1050000", "一百零五万", "one million fifty thousand"),
    ("10000001", "一千万零一", "ten million one"),
    ("100000000", "一亿", "one hundred million"),
    ("101000000", "一亿零一百万", "one hundred one million"),
    ("100100000", "一亿零一十万", "one hundred million one hundred thousand"),
    ("200000002", "两亿零二", "two hundred million two"),
    ("1234567890", "十二亿三千四百五十六万七千八百九十", None),
    ("2000000000000", "两万亿", "two trillion"),
    ("-7", "负七", "minus seven"),
    ("2.5", "二点五", "two point five"),
    ("2.50", "二点五", "two point five"),
    ("0.05", "零点零五", "zero point zero five"),
    ("-0", "零", "zero"),
    ("007", "七", "seven"),
]
MONEY = [
    ("205", "CNY", "两百零五元", "two hundred five yuan"),
    ("2", "CNY", "两元", "two yuan"),
    ("12", "CNY", "十二元", "twelve yuan"),
    ("102", "CNY", "一百零二元", "one hundred two yuan"),
    ("205.5", "CNY", "两百零五元五角", "two hundred five yuan and fifty fen"),
    ("205.05", "CNY", "两百零五元零五分", "two hundred five yuan and five fen"),
    ("0.25", "CNY", "两角五分", "twenty-five fen"),
    ("0.02", "CNY", "两分", "two fen"),
    ("0", "CNY", "零元", "zero yuan"),
    ("-3.10", "CNY", "负三元一角", "minus three yuan and ten fen"),
    ("1.01", "USD", "一美元零一美分", "one dollar and one cent"),
    ("2.50", "USD", "两美元五十美分", "two dollars and fifty cents"),
    ("1", "EUR", "一欧元", "one euro"),
    ("3.02", "EUR", "三欧元零两欧分", "three euros and two cents"),
    ("8.80", "HKD", "八港元八角", "eight Hong Kong dollars and eighty cents"),
]
OTHERS = [
    (SpokenKind.TIME, "23:05", "二十三点零五分", "eleven oh five PM"),
    (SpokenKind.TIME, "2:00", "两点整", "two AM"),
    (SpokenKind.TIME, "00:00", "零点整", "midnight"),
    (SpokenKind.TIME, "12:00", "十二点整", "twelve noon"),
    (SpokenKind.TIME, "00:30", "零点三十分", "twelve thirty AM"),
    (SpokenKind.TIME, "12:02", "十二点零二分", "twelve oh two PM"),
    (SpokenKind.TIME, "22:22:59", "二十二点二十二分", "ten twenty-two PM"),
    (SpokenKind.DATE, "2026-03-05", "二零二六年三月五日", "March fifth, twenty twenty-six"),
    (SpokenKind.DATE, "2005-12-31", "二零零五年十二月三十一日", "December thirty-first, two thousand five"),
    (SpokenKind.DATE, "1905-10-20T08:00", "一九零五年十月二十日", "October twentieth, nineteen oh five"),
    (SpokenKind.DATE, "1900-01-02", "一九零零年一月二日", "January second, nineteen hundred"),
    (SpokenKind.DATE, "2010-08-12", "二零一零年八月十二日", "August twelfth, twenty ten"),
    (SpokenKind.DURATION, "0", "零秒", "zero seconds"),
    (SpokenKind.DURATION, "1", "一秒", "one second"),
    (SpokenKind.DURATION, "120", "两分钟", "two minutes"),
    (SpokenKind.DURATION, "3600", "一小时", "one hour"),
    (SpokenKind.DURATION, "3605", "一小时零五秒", "one hour and five seconds"),
    (SpokenKind.DURATION, "7325", "两小时两分钟五秒", "two hours, two minutes and five seconds"),
    (SpokenKind.DURATION, "172860", "两天零一分钟", "two days and one minute"),
    (SpokenKind.ORDINAL, "1", "第一", "first"),
    (SpokenKind.ORDINAL, "2", "第二", "second"),
    (SpokenKind.ORDINAL, "3", "第三", "third"),
    (SpokenKind.ORDINAL, "10", "第十", "tenth"),
    (SpokenKind.ORDINAL, "12", "第十二", "twelfth"),
    (SpokenKind.ORDINAL, "2202", "第二千二百零二", "two thousand two hundred second"),
    (SpokenKind.ORDINAL, "32", "第三十二", "thirty-second"),
    (SpokenKind.DIGITS, "5", "五", "five"),
    (SpokenKind.DIGITS, "1024", "幺零二四", "one zero two four"),
    (SpokenKind.DIGITS, "123456", "幺二三，四五六", "one two three, four five six"),
    (SpokenKind.DIGITS, "138 0013 8000", "幺三八，零零幺三，八零零零",
     "one three eight, zero zero one three, eight zero zero zero"),
    (SpokenKind.DIGITS, "+86-21", "八六二幺", "eight six two one"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "zh", "en"), NUMBERS)
def test_numbers(text: str, zh: str, en: str | None) -> None:
    number = spoken(SpokenKind.NUMBER, text)
    assert in_words(number, "zh") == zh
    assert en is None or in_words(number, "en") == en


@pytest.mark.parametrize(("text", "currency", "zh", "en"), MONEY)
def test_money(text: str, currency: str, zh: str, en: str) -> None:
    money = spoken(SpokenKind.MONEY, text, currency)
    assert (in_words(money, "zh"), in_words(money, "en")) == (zh, en)


@pytest.mark.parametrize(("kind", "text", "zh", "en"), OTHERS)
def test_others(kind: SpokenKind, text: str, zh: str, en: str) -> None:
    assert (in_words(spoken(kind, text), "zh"), in_words(spoken(kind, text), "en")) == (zh, en)


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (1, "first"), (5, "fifth"),
        (8, "eighth"), (9, "ninth"), (11, "eleventh"), (13, "thirteenth"), (20, "twentieth"),
        (21, "twenty-first"), (40, "fortieth"), (100, "one hundredth"), (205, "two hundred fifth"),
        (1000, "one thousandth"), (1012, "one thousand twelfth"),
    ],
)  # fmt: skip
def test_english_ordinals(number: int, word: str) -> None:
    assert ordinal(number) == word


_DIGITS = {word: number for number, word in enumerate("零一二三四五六七八九")} | {"两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}


def read_mandarin(words: str) -> int:
    """A reader of its own kind: by splitting at the largest unit, not by undoing what the writer does."""
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        head, found, tail = words.rpartition(unit)
        if found:
            return read_mandarin(head) * size + read_mandarin(tail)
    total = digit = 0
    for word in words.removeprefix("零"):
        if word in _PLACES:
            total, digit = total + (digit or 1) * _PLACES[word], 0
        else:
            digit = _DIGITS[word]
    return total + digit


ROUND = st.builds(
    lambda parts: int("".join(parts)),
    st.lists(st.sampled_from(["0", "00", "0000", "2", "1", "9"]), min_size=1, max_size=7),
)
NUMBER = st.one_of(st.integers(0, 10**16 - 1), ROUND.filter(lambda number: number < 10**16))


@given(NUMBER)
def test_a_mandarin_number_reads_back(number: int) -> None:
    words = mandarin(number)
    assert read_mandarin(words) == number
    assert "零零" not in words
    assert words == "零" or not words.endswith("零")
    assert not words.startswith("一十")
    assert not set("二") & {before for before, after in pairwise(words) if after in "百千"}


_SIZES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WORDS = {english(number): number for number in (*range(20), *range(20, 100, 10))}


def read_english(words: str) -> int:
    total = part = 0
    for word in words.replace("-", " ").split():
        size = _SIZES.get(word)
        if size is None:
            part += _WORDS[word]
        elif size == 100:
            part *= size
        else:
            total, part = total + part * size, 0
    return total + part


@given(st.one_of(st.integers(0, 10**15 - 1), ROUND.filter(lambda number: number < 10**15)))
def test_an_english_number_reads_back(number: int) -> None:
    assert read_english(english(number)) == number


def read_yuan(words: str) -> Decimal:
    total = Decimal(0)
    for unit, size in (("元", "1"), ("角", "0.1"), ("分", "0.01")):
        head, found, tail = words.partition(unit)
        if found:
            total, words = total + read_mandarin(head) * Decimal(size), tail
    return total


@given(st.integers(0, 10**9).map(lambda fen: Decimal(fen) / 100))
def test_money_in_mandarin_reads_back(amount: Decimal) -> None:
    assert read_yuan(in_words(spoken(SpokenKind.MONEY, f"{amount:.2f}"), "zh")) == amount


@given(st.text("0123456789", min_size=1, max_size=40))
def test_digits_read_back_one_by_one(digits: str) -> None:
    said = in_words(spoken(SpokenKind.DIGITS, digits), "zh").replace("，", "").replace("幺", "一")
    assert "".join(str(_DIGITS[word]) for word in said) == digits


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("number", ""), ("number", "1e9"), ("number", "NaN"), ("number", "1" * 17), ("number", "٣"), ("number", "1,5"),
        ("digits", "12a"), ("digits", "1" * 41), ("digits", ""), ("date", "2026-02-30"), ("date", "heute"),
        ("time", "24:00"), ("time", "12:60"), ("time", "1205"), ("duration", "-1"), ("duration", "1.5"),
        ("money", "1.234"), ("money", "{price}"), ("ordinal", "0"),
    ],
)  # fmt: skip
def test_no_value_of_its_kind(kind: str, text: str) -> None:
    with pytest.raises(Unspeakable) as told:
        spoken(SpokenKind(kind), text)
    assert not text or text not in str(told.value)


def test_a_currency_or_a_language_without_words() -> None:
    with pytest.raises(Unspeakable):
        spoken(SpokenKind.MONEY, "1", "XAU")
    with pytest.raises(Unspeakable):
        in_words(spoken(SpokenKind.NUMBER, "1"), "de")


@given(st.sampled_from(SpokenKind), st.text(max_size=20), st.sampled_from(sorted(TONGUES)))
def test_whatever_is_let_through_can_be_said(kind: SpokenKind, text: str, code: str) -> None:
    try:
        value = spoken(kind, text)
    except Unspeakable:
        return
    assert in_words(value, code)


@pytest.mark.parametrize(
    ("kind", "text", "digits"),
    [("digits", "+86 1", "861"), ("number", "12", "12"), ("number", "-12", ""), ("money", "12.50", ""),
     ("date", "2026-03-05", ""), ("duration", "3605", ""), ("ordinal", "3", "")],
)  # fmt: skip
def test_what_asterisk_may_spell_out_instead(kind: str, text: str, digits: str) -> None:
    assert spoken(SpokenKind(kind), text).plain_digits == digits


def test_equal_values_are_equal() -> None:
    assert spoken(SpokenKind.NUMBER, "2.50") == spoken(SpokenKind.NUMBER, "2.5") == Spoken(SpokenKind.NUMBER, "2.5")
