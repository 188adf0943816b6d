"""A country's public holidays, and its make-up working days (调休), as the `holidays` library knows them.

What the library does not know is not here: China's days are published each November for the next year only, so a year
further on has the holidays by rule and no make-up days. The site's own dates go before both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

_ONE_DAY = timedelta(days=1)
_LONGEST_WEEKEND = 4  # days; a walk over a weekend ends here whatever the library says


class UnknownPlace(ValueError):
    """The library has no such country, or the country no such subdivision."""


@dataclass(frozen=True, slots=True)
class _Year:
    names: Mapping[date, str]
    make_up: frozenset[date]
    weekend: frozenset[int]  # of `date.weekday()`


@cache
def public_holidays(country: str, subdivision: str | None = None) -> PublicHolidays:
    """One for all lines of a place. Raises UnknownPlace."""
    found = PublicHolidays(country, subdivision)
    found.name(date(2000, 1, 1))  # any year will do: the library refuses a place when it reads one
    return found


class PublicHolidays:
    """``country``: two capitals, ISO 3166; ``subdivision``: as the library has it (BY for Bavaria). A year is read when
    it is first asked for."""

    def __init__(self, country: str, subdivision: str | None) -> None:
        self._country, self._subdivision = country, subdivision
        self._years: dict[int, _Year] = {}

    def name(self, day: date) -> str | None:
        """The holiday's name, in English where the library has it."""
        return self._year(day.year).names.get(day)

    def is_make_up(self, day: date) -> bool:
        """A day of a weekend on which the country works."""
        return day in self._year(day.year).make_up

    def beside(self, day: date) -> str | None:
        """The name of the holiday that ``day``'s weekend touches; None for a day of work."""
        return self._walk(day, -_ONE_DAY) or self._walk(day, _ONE_DAY)

    def _walk(self, day: date, step: timedelta) -> str | None:
        for _ in range(_LONGEST_WEEKEND):
            if self.is_make_up(day) or not self._is_weekend(day):
                return None
            day += step
            if name := self.name(day):
                return name
        return None

    def _is_weekend(self, day: date) -> bool:
        return day.weekday() in self._year(day.year).weekend

    def _year(self, year: int) -> _Year:
        if year not in self._years:
            self._years[year] = self._read(year)
        return self._years[year]

    def _read(self, year: int) -> _Year:
        """Without a word for the language the library would take the machine's."""
        import holidays  # here, not above: it takes a quarter of a second, and most commands ask for no date

        try:
            read = holidays.country_holidays(
                self._country, subdiv=self._subdivision, years=year, expand=False, language="en_US"
            )
        except NotImplementedError as error:
            raise UnknownPlace(str(error)) from None
        return _Year(dict(read.items()), frozenset(read.weekend_workdays), frozenset(read.weekend))
