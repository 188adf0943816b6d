"""Dates on which a line's week does not hold: the site's own, and the public holidays, as `hours.yaml` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ivr.public_holidays import PublicHolidays, UnknownPlace, public_holidays
from ivr.span import DayText, Span, parse_spans


class Day(StrEnum):
    """In the order of `date.weekday()`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


DAYS = tuple(Day)
AnyDay = Annotated[Day, Field(strict=False)]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class SpecialDate:
    """``spans`` of its own (none: closed), or, where ``like`` is not None, those of a day of the week."""

    spans: tuple[Span, ...]
    like: Day | None
    why: str


class DateForm(_Form):
    """Exactly one of ``closed``, ``hours`` and ``as``: a working day with the hours of that day of the week."""

    closed: Literal[True] | None = None
    hours: Annotated[DayText, Field(min_length=1)] | None = None
    as_: AnyDay | None = Field(default=None, alias="as")
    why: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")] = "own date"

    @model_validator(mode="after")
    def _one_of_three(self) -> DateForm:
        if [self.closed, self.hours, self.as_].count(None) != 2:
            raise ValueError("needs exactly one of closed: true, hours: [...] and as: a day of the week")
        return self

    def special_date(self) -> SpecialDate:
        return SpecialDate(parse_spans(self.hours or ()), self.as_, self.why)


def _calendar_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not in the calendar") from None
    return text


DateText = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_calendar_date)]
DatesForm = dict[DateText, DateForm]


def special_dates(form: DatesForm) -> Mapping[date, SpecialDate]:
    return {date.fromisoformat(text): one.special_date() for text, one in form.items()}


def _known_country(code: str) -> str:
    try:
        public_holidays(code)
    except UnknownPlace:
        raise ValueError(f"the library has no holidays of '{code}'; two capitals as in CN or DE") from None
    return code


class HolidaysForm(_Form):
    """``make_up``: the day of the week whose hours a make-up working day has (None: such a day is as any other).
    ``weekends``: a weekend beside a holiday is closed as well, as China's notices have it."""

    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$"), AfterValidator(_known_country)]
    subdivision: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_ -]{1,40}$")] | None = None
    make_up: AnyDay | None = Day.MON
    weekends: bool = False

    @field_validator("subdivision")
    @classmethod
    def _known_subdivision(cls, name: str | None, context: ValidationInfo) -> str | None:
        country = context.data.get("country")
        if name is not None and country is not None:
            try:
                public_holidays(country, name)
            except UnknownPlace:
                raise ValueError(f"the library has no '{name}' in {country}") from None
        return name

    def holidays(self) -> LineHolidays:
        return LineHolidays(public_holidays(self.country, self.subdivision), self.make_up, self.weekends)


@dataclass(frozen=True, slots=True)
class LineHolidays:
    """How one line keeps the holidays of a place. See HolidaysForm."""

    place: PublicHolidays
    make_up: Day | None
    weekends: bool

    def special_date(self, day: date) -> SpecialDate | None:
        """None: a day like any other."""
        if name := self.place.name(day):
            return SpecialDate((), None, name)
        if self.make_up is not None and self.place.is_make_up(day):
            return SpecialDate((), self.make_up, "make-up working day")
        if self.weekends and (name := self.place.beside(day)):
            return SpecialDate((), None, f"weekend beside {name}")
        return None
