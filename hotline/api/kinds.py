"""The kinds of values that go in and out: nothing is coerced, every text has a pattern and an end.

Money is a text, so that no cent is lost on the way; an instant has its zone; a telephone number is E.164.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

from crm_bridge.directory import plain_amount

_YEARS = range(1900, 2201)  # databases and zones go further than any business
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|z|[ +-][0-9]{2}:[0-9]{2})"
)
_AMOUNT = r"^[0-9]{1,14}(\.[0-9]{1,4})?$"
_PRICE_DIGITS = re.compile(_AMOUNT[1:-1])


def _day(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day is a text like 2026-11-24")
    return _in_range(date.fromisoformat(value))


def _instant(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("an instant is a text with its zone, like 2026-11-24T12:00:00+08:00")
    body, zone = (value[:-1], "+00:00") if value[-1] in "Zz" else (value[:-6], value[-6:])
    # A + that was not escaped in a query is a blank.
    return _in_range(datetime.fromisoformat(f"{body.replace(' ', 'T').upper()}{zone.replace(' ', '+')}"))


def _in_range(value: Any) -> Any:
    if value.year not in _YEARS:
        raise ValueError(f"the year is not from {_YEARS[0]} to {_YEARS[-1]}")
    return value


def _amount(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not _PRICE_DIGITS.fullmatch(value):
        raise ValueError("an amount is a text like 205.50, with at most four digits after the point")
    return Decimal(value)


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
_written = PlainSerializer(plain_amount, return_type=str, when_used="json")
Amount = Annotated[Decimal, BeforeValidator(_amount), _written, WithJsonSchema({"type": "string", "pattern": _AMOUNT})]
# What the store has: an import may have brought a refund.
Money = Annotated[Decimal, _written, WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$"})]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

# Control characters and the overrides that turn a text around; a note may have lines.
_NEVER = "\\x00-\\x1f\\x7f\u202a-\u202e\u2066-\u2069"
_NEVER_IN_NOTES = "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\u202a-\u202e\u2066-\u2069"
Name = Annotated[str, StringConstraints(pattern=f"^[^{_NEVER}]{{1,120}}$")]
Text = Annotated[str, StringConstraints(pattern=f"^[^{_NEVER}]{{0,500}}$")]
Note = Annotated[str, StringConstraints(pattern=f"^[^{_NEVER_IN_NOTES}]{{1,2000}}$")]
Place = Annotated[str, StringConstraints(pattern=f"^[^{_NEVER}]{{0,120}}$")]
Carrier = Annotated[str, StringConstraints(pattern=f"^[^{_NEVER}]{{1,60}}$")]

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
CodeOrNone = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$")]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,32}$")]
KeyOrNone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{0,32}$")]
Ref = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
LongRef = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}$")]
CallId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
CallIdOrNone = Annotated[str, StringConstraints(pattern=r"^[!-~]{0,64}$")]
Extension = Annotated[str, StringConstraints(pattern=r"^([0-9]{2,8})?$")]
Phone = Annotated[str, StringConstraints(pattern=r"^[+0-9() ./-]{3,32}$")]
E164 = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^\+[0-9]{3,18}$"})]
Email = Annotated[str, StringConstraints(pattern=r"^([^@\s<>\"',;]{1,64}@[A-Za-z0-9.-]{1,189})?$")]
Address = Annotated[str, StringConstraints(pattern=r"^([+0-9() ./-]{3,32}|[^@\s<>\"',;]{1,64}@[A-Za-z0-9.-]{1,189})$")]
Pin = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]


def unsaid() -> Any:
    """Of a change: a field that need not be there, and that then stays as it is, so no default is told of it."""
    return Field(default_factory=lambda: None)


class Form(BaseModel):
    """What is sent to us."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    def said(self) -> dict[str, Any]:
        """The columns that were named."""
        return self.model_dump(exclude_unset=True)

    def all(self) -> dict[str, Any]:
        return self.model_dump()


class Told(BaseModel):
    """What we tell: of a row of the store, the columns that are named here."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Asked(BaseModel):
    """What every list may be asked. A filter that is not known is refused: one that is misspelt would show all."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    limit: Annotated[int, Field(ge=1, le=500, description="So many at most.")] = 100
    cursor: Annotated[str | None, Field(max_length=600, description="`next` of the page before.")] = None

    def filters(self) -> dict[str, Any]:
        """Those that are set."""
        return {name: value for name, value in self if name not in ("limit", "cursor") and value is not None}
