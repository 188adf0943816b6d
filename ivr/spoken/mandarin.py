"""Mandarin.

The laws: 两 before 百 千 万 亿 and before a measure word, 二 elsewhere (二十二, 二点五) and throughout an ordinal
(第二百). One 零 for a gap of any width inside a number, none at its end. 一十 loses its 一 only at a head.
Digits one by one have 幺 for 1, because on a telephone yī and qī are easily mistaken.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from ivr.spoken.tongue import Tongue, breaths, by_unit, cents, whole_and_decimals

_DIGITS = "零一二三四五六七八九"
_BY_ONE = _DIGITS.replace("一", "幺")
_PLACES = ("千", "百", "十", "")
_STEPS = ((10**8, "亿"), (10**4, "万"))
# Unit, tenth, hundredth. A currency without a tenth has its cents counted whole.
_MONEY = {
    "CNY": ("元", "角", "分"),
    "HKD": ("港元", "角", "分"),
    "USD": ("美元", "", "美分"),
    "EUR": ("欧元", "", "欧分"),
}


def cardinal(number: int) -> str:
    """0 ≤ ``number`` < 10¹⁶."""
    words = _counted(number)
    return words[1:] if words.startswith("一十") else words


def _counted(number: int) -> str:
    """As it stands inside a longer number, where 10 is 一十."""
    for size, unit in _STEPS:
        if number >= size:
            head, tail = divmod(number, size)
            gap = "零" if 0 < tail < size // 10 else ""
            return f"{'两' if head == 2 else _counted(head)}{unit}{gap}{_counted(tail) if tail else ''}"
    return _section(number)


def _section(number: int) -> str:
    """Below 10,000."""
    words, gap = "", False
    for place, digit in zip(_PLACES, map(int, f"{number:04}"), strict=True):
        if digit == 0:
            gap = words != ""
            continue
        words += ("零" if gap else "") + ("两" if digit == 2 and place in ("千", "百") else _DIGITS[digit]) + place
        gap = False
    return words or _DIGITS[0]


def _of(count: int, measure: str) -> str:
    """A count before its measure word: 两元, 十二元."""
    return ("两" if count == 2 else cardinal(count)) + measure


def _one_by_one(digits: str, words: str = _DIGITS) -> str:
    return "".join(words[int(digit)] for digit in digits)


def _number(amount: Decimal) -> str:
    whole, decimals = whole_and_decimals(amount)
    point = f"点{_one_by_one(decimals)}" if decimals else ""
    return ("负" if amount < 0 else "") + cardinal(whole) + point


def _ordinal(number: int) -> str:
    return "第" + cardinal(number).replace("两", "二")


def _spelled(digits: str) -> str:
    return "，".join(_one_by_one(group, _BY_ONE) for group in breaths(digits))


def _day(day: date) -> str:
    return f"{_one_by_one(str(day.year))}年{cardinal(day.month)}月{cardinal(day.day)}日"


def _time(hour: int, minute: int) -> str:
    past = "整" if minute == 0 else f"{'零' if minute < 10 else ''}{cardinal(minute)}分"
    return f"{_of(hour, '点')}{past}"


def _duration(seconds: int) -> str:
    """零 stands for units left out in the middle: 一小时零五秒."""
    words, gap = "", False
    for count, measure in zip(by_unit(seconds), ("天", "小时", "分钟", "秒"), strict=True):
        if count == 0:
            gap = words != ""
            continue
        words += ("零" if gap else "") + _of(count, measure)
        gap = False
    return words or "零秒"


def _money(amount: Decimal, currency: str) -> str:
    return ("负" if amount < 0 else "") + ("".join(_coins(*cents(amount), *_MONEY[currency])) or "零" + _unit(currency))


def _unit(currency: str) -> str:
    return _MONEY[currency][0]


def _coins(units: int, hundredths: int, unit: str, tenth: str, hundredth: str) -> Iterator[str]:
    if units:
        yield _of(units, unit)
    if units and 0 < hundredths < 10:
        yield "零"
    if tenth:
        tenths, hundredths = divmod(hundredths, 10)
        yield _of(tenths, tenth) if tenths else ""
    yield _of(hundredths, hundredth) if hundredths else ""


MANDARIN = Tongue(_number, _ordinal, _spelled, _day, _time, _duration, _money)
