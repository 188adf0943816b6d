"""When calls come: fewer at weekends, two peaks a day, more in the evening after a spot on television."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random

from crm_bridge.demo.company import Company, Line, Wish

_WEEK = (1.15, 1.05, 1.0, 1.0, 1.1, 0.65, 0.5)
_HOURS = (
    *(0.1, 0.05, 0.05, 0.05, 0.05, 0.1, 0.3, 0.8, 2.5, 7.0, 9.5, 8.5),
    *(5.0, 5.5, 8.5, 9.0, 8.0, 6.0, 3.5, 3.0, 2.5, 1.5, 0.6, 0.3),
)
_SPOT_HOURS = (19, 20, 21)  # when television brings calls
_TELEVISION, _SPOT = "tv", 5.0
_LAST_S = 3600.0  # the last call begins so long before the end, for it is over then


def call_times(company: Company, wish: Wish) -> Iterator[tuple[datetime, Line]]:
    """In order."""
    dice, lines = wish.dice("traffic"), _lines(company)
    slots = list(_hours(company, wish, dice))
    weights = list(accumulate(weight for _, weight in slots))
    drawn = dice.choices(slots, cum_weights=weights, k=wish.calls)
    over = (wish.until - timedelta(seconds=_LAST_S)).timestamp()
    times = [hour.timestamp() + dice.uniform(0, 3600) for hour, _ in drawn]
    for at, nr in sorted((at - 3600 if at > over else at, nr) for nr, at in enumerate(times)):
        hour = drawn[nr][0].astimezone(company.rules.zone).hour
        yield datetime.fromtimestamp(round(at, 3), UTC), _line(lines, company, hour, dice)


def _hours(company: Company, wish: Wish, dice: Random) -> Iterator[tuple[datetime, float]]:
    """Each hour of the days (its beginning, UTC) and how many of the calls are in it."""
    day, zone = wish.first_day(company.rules), company.rules.zone
    while day <= wish.today(company.rules):
        weight = _WEEK[day.weekday()] * dice.uniform(0.85, 1.15) * _advertised(day)
        for hour, share in enumerate(_HOURS):
            begin = datetime.combine(day, time(hour), zone).astimezone(UTC)
            if begin + timedelta(hours=1) <= wish.until:
                yield begin, weight * share
        day += timedelta(days=1)


def _advertised(day: date) -> float:
    """The days after the newspaper's weekend page, and every other week a campaign."""
    return (1.2 if day.weekday() in (0, 5) else 1.0) * (1.25 if day.isocalendar().week % 2 else 1.0)


def _lines(company: Company) -> Sequence[tuple[Line, float]]:
    """Lines with an advert bring most of the calls; a number that no carrier can dial brings none."""
    there = [line for line in company.lines if len(line.number) >= 7] or list(company.lines)
    return [(line, (4.0 if line.campaign else 1.0) / (1 + place * 0.3)) for place, line in enumerate(there)]


def _line(lines: Sequence[tuple[Line, float]], company: Company, hour: int, dice: Random) -> Line:
    kinds = company.kinds
    spot = [_SPOT if hour in _SPOT_HOURS and kinds.get(line.source) == _TELEVISION else 1.0 for line, _ in lines]
    weights = [weight * more for (_, weight), more in zip(lines, spot, strict=True)]
    return dice.choices([line for line, _ in lines], weights=weights)[0]
